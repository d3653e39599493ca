"""One object on its way into a folder at a WebDAV server.

It waits on our own disk (beyond 8 MiB), goes to ``incoming/`` in one PUT with its length, is read back, and is moved to
its name: so nothing half-written or altered has a name, and a server that refuses a body of unknown length gets none.
"""

import hashlib
import tempfile
from collections.abc import Iterator
from typing import IO, Final, Protocol

from zegel.errors import NotFound
from zegel.parcels.deposit import Blob
from zegel.stores.drivers.driver import full, silent, taken

_IN_MEMORY: Final = 8 * 1024 * 1024
_TRIES: Final = 5
"""So often a name may be taken, and free again when we look."""


class Folderful(Protocol):
    """What a writer needs of ``WebdavStore``."""

    def put(self, source: IO[bytes], size: int) -> str: ...
    def move(self, source: str, path: str, overwrite: bool) -> bool: ...
    def read_path(self, path: str) -> Iterator[bytes]: ...
    def forget(self, path: str) -> None: ...


class WebdavWriter:
    """One object being written: kept here, sent in one piece at the end."""

    light = False

    def __init__(self, store: Folderful, path: str, name: str, replace: bool = False):
        self._store = store
        self._path = path
        self._name = name
        self._replace = replace
        self._hash = hashlib.sha256()
        self._size = 0
        # What lies here is sealed already; it has no name, and is gone with this process.
        self._kept = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  # closed by commit and abort
        self._done: Blob | None = None

    def digest(self) -> str:
        return self._hash.hexdigest()

    def write(self, data: bytes | memoryview) -> None:
        self._hash.update(data)
        self._size += len(data)
        try:
            self._kept.write(data)
        except OSError as error:
            raise full() from error

    def commit(self) -> Blob:
        if self._done:
            return self._done
        done = Blob(self._name, self._size, self._hash.hexdigest())
        self._kept.seek(0)
        waiting = self._store.put(self._kept, self._size)
        try:
            if _digest(self._store.read_path(waiting)) != done.sha256:
                raise silent()
            if not any(self._settled(waiting, done) for _ in range(_TRIES)):
                raise silent()
        except NotFound:  # Deleted by somebody else, as soon as it was there.
            self._store.forget(waiting)
            raise silent() from None
        except BaseException:
            self._store.forget(waiting)
            raise
        self._done = done
        self._kept.close()
        return done

    def abort(self) -> None:
        self._kept.close()

    def _settled(self, waiting: str, done: Blob) -> bool:
        """Give it its name; False when the name was taken, and free again when we looked."""
        if self._store.move(waiting, self._path, self._replace):
            return True
        there = self._is_there(done)
        if there:
            self._store.forget(waiting)
        return there

    def _is_there(self, done: Blob) -> bool:
        """The name is taken: by our own first try, by other bytes (a Mistake), or free by now."""
        try:
            if _digest(self._store.read_path(self._path)) != done.sha256:
                raise taken()
        except NotFound:
            return False
        return True


def _digest(pieces: Iterator[bytes]) -> str:
    found = hashlib.sha256()
    for piece in pieces:
        found.update(piece)
    return found.hexdigest()

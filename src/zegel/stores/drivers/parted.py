"""One object on its way to a storage that takes it whole or in parts: at most three pieces of 8 MiB in memory.

Up to 8 MiB is one request; more is an upload in parts of 8 MiB, at most two on their way. What the requests are, each
driver says.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Final

from zegel.errors import NotFound, Unavailable
from zegel.parcels.deposit import Blob
from zegel.stores.drivers.driver import silent, taken

PART: Final = 8 * 1024 * 1024
TRIES: Final = 5
"""So often a name may be taken, and free again when we look."""
_AT_ONCE: Final = 2
_LITTLE: Final = 64 * 1024

Body = Sequence[bytes | bytearray]


class Exists(Exception):
    """If-None-Match did not hold."""


class PartedWriter(ABC):
    """The half of ``driver.Writer`` that is the same everywhere."""

    light = False

    def __init__(self, name: str):
        self._name = name
        self._hash = hashlib.sha256()
        self._size = 0
        self._part: list[bytes | bytearray] = []
        self._in_part = 0
        self._upload = ""
        """What the storage, or we, call the upload in parts; empty when there is none under way."""
        self._tags: list[str] = []
        self._flying: list[Future[str]] = []
        self._pool: ThreadPoolExecutor | None = None
        self._done: Blob | None = None

    # What a storage is asked --------------------------------------------------------------------------------------

    @abstractmethod
    def _put(self, body: Body) -> None:
        """All of it at once, under its name; raises Exists when that is taken, Unavailable."""

    @abstractmethod
    def _begin(self) -> str:
        """Begin an upload in parts; returns its name."""

    @abstractmethod
    def _send_part(self, number: int, body: Body) -> str:
        """Send a part (from 1), from several threads; returns what ``_complete`` must know of it."""

    @abstractmethod
    def _complete(self, tags: Sequence[str], done: Blob) -> None:
        """Give all parts their name; raises Mistake for other bytes that have it. Then ``_upload`` is empty."""

    @abstractmethod
    def _cancel(self) -> None:
        """Forget the parts that were sent; raises NotFound, Unavailable, and then the sweep finds them."""

    @abstractmethod
    def _kept(self) -> Iterator[bytes]:
        """What has our name now; raises NotFound, at once or before the first piece."""

    # What drivers show --------------------------------------------------------------------------------------------

    def digest(self) -> str:
        return self._hash.hexdigest()

    def write(self, data: bytes | memoryview) -> None:
        self._hash.update(data)
        self._size += len(data)
        while data:
            # Kept back when exactly full: whether it is the last decides between one request and an upload in parts.
            if self._in_part == PART:
                self._send()
            room = PART - self._in_part
            self._keep(data if len(data) <= room else memoryview(data)[:room])
            data = memoryview(data)[room:]

    def commit(self) -> Blob:
        if self._done:
            return self._done
        done = Blob(self._name, self._size, self._hash.hexdigest())
        if self._upload:
            self._send()
            self._tags += [future.result() for future in self._flying[len(self._tags) :]]
            self._complete(self._tags, done)
        else:
            self._put_new(self._part, done)
        self._done = done
        return done

    def abort(self) -> None:
        for future in self._flying:
            with suppress(Exception):
                future.result()
        self._flying.clear()
        if self._pool:
            self._pool.shutdown(wait=True)
            self._pool = None
        if self._upload:
            # Also when the same blob was there already, under its name: the pieces of this one are too many then.
            with suppress(Unavailable, NotFound):
                self._cancel()
        self._upload = ""
        self._part, self._in_part = [], 0

    def _keep(self, data: bytes | memoryview) -> None:
        """Bytes never change, so large ones are kept as they came; the rest is copied, little to little."""
        self._in_part += len(data)
        last = self._part[-1] if self._part else None
        if isinstance(last, bytearray) and len(last) + len(data) <= _LITTLE:
            last += data
        elif len(data) < _LITTLE:
            self._part.append(bytearray(data))
        else:
            self._part.append(bytes(data))

    def _send(self) -> None:
        if not self._upload:
            self._upload = self._begin()
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_AT_ONCE, "part")
        if len(self._flying) - len(self._tags) >= _AT_ONCE:
            self._tags.append(self._flying[len(self._tags)].result())
        self._flying.append(self._pool.submit(self._send_part, len(self._flying) + 1, self._part))
        self._part, self._in_part = [], 0

    def _put_new(self, body: Body, done: Blob) -> None:
        for _ in range(TRIES):
            try:
                self._put(body)
            except Exists:
                # Also our own first try, whose answer was lost.
                if self._is_there(done):
                    return
            else:
                return
        raise silent()

    def _is_there(self, done: Blob) -> bool:
        """Whether the same bytes have this name; raises Mistake when others have. Deleted while we look: it is free."""
        digest = hashlib.sha256()
        try:
            for piece in self._kept():
                digest.update(piece)
        except NotFound:
            return False
        if digest.hexdigest() != done.sha256:
            raise taken()
        return True

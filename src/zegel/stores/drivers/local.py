"""A folder as a store. A blob is durable when ``commit`` returns, and is never seen half-written or overwritten.

``blobs/k3/k3mt…``          whole blobs
``incoming/…``              blobs and parts being written; leftovers are swept
``journal/…``               small blobs of the last seconds once more (``journal``)

Life of a blob: create ``incoming/<name>.<random>`` → write → fsync the file → ``link`` it to its name (which fails when
the name is taken, atomically) → fsync the folder → unlink the incoming name. A power cut leaves either the whole blob
or a leftover in ``incoming``. Small blobs that are committed together (``commit_all``) wait for the journal instead
of the file and the folder.
"""

import errno
import hashlib
import math
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path

from zegel.errors import Unavailable
from zegel.parcels.deposit import Blob
from zegel.stores.drivers.driver import (
    PIECE,
    Guarantees,
    Remains,
    Stored,
    Writer,
    checked_name,
    full,
    locked,
    missing,
    missing_part,
    parts_of,
    silent,
    taken,
)
from zegel.stores.drivers.journal import Journal, Small, count_used, recover

SMALL = 64 * 1024
"""Of at most so many bytes a blob is kept in memory until it is committed."""


@contextmanager
def _translated() -> Iterator[None]:
    """Disk errors are ours, never the caller's; only a missing file has a meaning of its own (handled before)."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise full() from error
        raise silent() from error


class LocalWriter:
    """A blob being written (``journeys.ports.stores.BlobWriter``); a small one is in memory until it is committed."""

    def __init__(self, store: "LocalStore", blob: str):
        self._store = store
        self._blob = checked_name(blob)
        self._hash = hashlib.sha256()
        self._size = 0
        self._small: list[bytes] = []
        self._file: FileIO | None = None
        # Plain strings in here: of a small blob, putting Path objects together is a tenth of what Python does.
        self._path = f"{store.incoming}/{blob}.{secrets.token_hex(8)}"

    @property
    def light(self) -> bool:
        """It is whole in memory, and worth committing together with others."""
        return self._file is None

    def digest(self) -> str:
        return self._hash.hexdigest()

    def write(self, data: bytes | memoryview) -> None:
        self._hash.update(data)
        self._size += len(data)
        if self._file is None:
            self._small.append(bytes(data))
            if self._size <= SMALL:
                return
            data = self._take_small()
        with _translated():
            _write_all(self._opened(), data)

    def commit(self) -> Blob:
        done = self.facts()
        with _translated():
            file = self._opened()
            try:
                if self._small:
                    _write_all(file, self._take_small())
                os.fsync(file.fileno())
                file.close()
                self._store.place(self._path, done)
            finally:
                self.abort()
        return done

    def abort(self) -> None:
        self._small = []
        if self._file:
            self._file.close()
            with suppress(OSError):
                os.unlink(self._path)

    def facts(self) -> Blob:
        """What :meth:`commit` returns."""
        return Blob(self._blob, self._size, self._hash.hexdigest())

    def small(self) -> Small:
        """The whole blob, for the journal."""
        return Small(self._blob, b"".join(self._small), self._hash.digest())

    def _take_small(self) -> bytes:
        data, self._small = b"".join(self._small), []
        return data

    def _opened(self) -> FileIO:
        if self._file is None:
            self._file = open(self._path, "xb", buffering=0)  # noqa: SIM115 - closed by commit or abort
        return self._file


class LocalStore:
    """A ``Driver`` in a folder."""

    guarantees = Guarantees(exclusive=True, prompt=True)

    def __init__(self, folder: Path):
        self.blobs = folder / "blobs"
        self.incoming = folder / "incoming"
        self._pages = folder / "journal"
        self._journals: dict[int, Journal] = {}
        self._durable: set[str] = set()
        with _translated():
            self.blobs.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.incoming.mkdir(exist_ok=True, mode=0o700)
            self._pages.mkdir(exist_ok=True, mode=0o700)
            _sync_folder(folder)
            recover(self._pages, self.blobs, self._restore)

    def commit_all(self, writers: Sequence[Writer]) -> list[Blob]:
        light = [writer for writer in writers if isinstance(writer, LocalWriter) and writer.light]
        try:
            self._journal().keep([writer.small() for writer in light])
        except OSError:
            # No room for a page, or a disk that fails: then each for itself, and what is wrong shows there.
            light = []
        return [
            writer.facts() if isinstance(writer, LocalWriter) and writer in light else writer.commit()
            for writer in writers
        ]

    def _journal(self) -> Journal:
        # A process that was forked has none of the threads of its parent's journal, and shares its pages with it.
        process = os.getpid()
        if process not in self._journals:
            # Of two threads that make one at once both use the first.
            made = Journal(self._pages, self.blobs, self._place_small, self._write_again)
            self._journals.setdefault(process, made)
            for other in [other for other in self._journals if other != process]:
                self._journals.pop(other, None)
        return self._journals[process]

    def _place_small(self, small: Small) -> None:
        """Give a blob that is in the journal its file. What is missing of it after a power cut is in the journal."""
        path = f"{self.incoming}/{small.name}.{secrets.token_hex(8)}"
        folder = f"{self.blobs}/{small.name[:2]}"
        try:
            with open(path, "xb", buffering=0) as file:
                _write_all(file, small.data)
            try:
                self._link(path, f"{folder}/{small.name}", small.sha256.hex())
            except FileNotFoundError:
                with suppress(FileExistsError):
                    os.mkdir(folder, 0o700)
                self._link(path, f"{folder}/{small.name}", small.sha256.hex())
        finally:
            with suppress(OSError):
                os.unlink(path)

    def _write_again(self, small: Small) -> None:
        """The same bytes into the same file, durable now; who reads it meanwhile sees no difference."""
        with suppress(FileNotFoundError), open(self._path(small.name), "r+b", buffering=0) as file:
            _write_all(file, small.data)
            os.fsync(file.fileno())

    def _restore(self, small: Small) -> None:
        """After a power cut: the file of a blob that is in the journal may be missing, or have holes."""
        target = self._path(small.name)
        if target.exists():
            with open(target, "rb") as file:
                # What is on the disk counts, not what was in memory when an earlier try to mend this failed.
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
                if hashlib.file_digest(file, "sha256").digest() == small.sha256:
                    return
            target.unlink()
        self._place_small(small)

    def open_write(self, blob: str) -> LocalWriter:
        return LocalWriter(self, blob)

    def place(self, incoming: str, done: Blob) -> None:
        """Give a fsynced file its name; the same bytes again are fine, other bytes are a Mistake."""
        folder = f"{self.blobs}/{checked_name(done.blob)[:2]}"
        target = f"{folder}/{done.blob}"
        if folder not in self._durable or not os.path.isdir(folder):
            with suppress(FileExistsError):
                os.mkdir(folder, 0o700)
            # Also when it existed: whoever made it may not have waited for the disk, or not yet.
            _sync_folder(str(self.blobs))
            self._durable.add(folder)
        self._link(incoming, target, done.sha256)
        # Also when it existed: whoever linked it may have been killed before his own fsync.
        _sync_folder(folder)

    def _link(self, incoming: str, target: str, sha256: str) -> None:
        """Give a file its name, unless the same bytes have it already; raises Mistake when others have."""
        while True:
            try:
                os.link(incoming, target)
                return
            except FileExistsError:
                # Deleted while we look: then the name is free, and ours.
                with suppress(FileNotFoundError):
                    if self._digest(Path(target)) != sha256:
                        raise taken() from None
                    # It is as young as this upload now: the sweep must not take it from under a fresh receipt.
                    os.utime(target)
                    return

    def write_part(self, blob: str, number: int, data: Iterator[bytes], owner: str) -> None:
        temporary = self.incoming / f"{checked_name(blob)}.{secrets.token_hex(8)}"
        with _translated():
            try:
                with open(temporary, "xb", buffering=0) as file:
                    for piece in data:
                        _write_all(file, piece)
                    os.fsync(file.fileno())
                _move_into(temporary, self._parts(blob, owner), f"{number:06d}")
            finally:
                temporary.unlink(missing_ok=True)

    def read_parts(self, blob: str, count: int, owner: str) -> Iterator[bytes]:
        folder = self._parts(blob, owner)
        parts = [folder / f"{number:06d}" for number in range(count)]
        if not all(part.exists() for part in parts):
            raise missing_part()
        return self._joined(parts)

    def _joined(self, parts: list[Path]) -> Iterator[bytes]:
        for part in parts:
            with _translated():
                try:
                    file = open(part, "rb", buffering=0)  # noqa: SIM115 - closed by _pieces
                except FileNotFoundError:
                    raise missing() from None
            yield from _pieces(file, None)

    def forget_parts(self, blob: str, owner: str) -> None:
        with _translated():
            _remove_folder(self._parts(blob, owner))

    def read(self, blob: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        file = self._open(blob)
        file.seek(start)
        return _pieces(file, length)

    def size(self, blob: str) -> int:
        with _translated():
            try:
                return self._path(blob).stat().st_size
            except FileNotFoundError:
                raise missing() from None

    def delete(self, names: Sequence[str]) -> dict[str, Unavailable]:
        refused: dict[str, Unavailable] = {}
        folders = set()
        with _translated():
            for name in names:
                path = self._path(name)
                try:
                    path.unlink()
                    folders.add(path.parent)
                except FileNotFoundError:
                    continue
                except PermissionError as error:
                    refused[name] = locked(error.strerror or "no permission")
            for folder in folders:
                _sync_folder(folder)
        return refused

    def listing(self) -> Iterator[Stored]:
        with _translated():
            for folder in sorted(self.blobs.iterdir()):
                for path in sorted(folder.iterdir()):
                    with suppress(FileNotFoundError):
                        facts = path.stat()
                        yield Stored(path.name, facts.st_size, datetime.fromtimestamp(facts.st_mtime, UTC))

    def sweep(self, moment: datetime) -> int:
        removed, limit = 0, moment.timestamp()
        with _translated():
            for leftover in self.incoming.iterdir():
                # What is gone by now was committed, or given up.
                with suppress(FileNotFoundError):
                    if leftover.stat().st_mtime < limit:
                        _remove_folder(leftover, limit) if leftover.is_dir() else leftover.unlink()
                        removed += 1
        return removed

    def remains(self) -> Remains:
        found = Remains()
        for stored in self.listing():
            found.objects += 1
            found.size += stored.size
        if os.getpid() in self._journals:
            self._journal().settle()
        with _translated():
            found.uploads = sum(1 for _ in self.incoming.iterdir()) + count_used(self._pages)
        return found

    def _open(self, blob: str) -> FileIO:
        path = self._path(blob)
        try:
            return open(path, "rb", buffering=0)
        except FileNotFoundError:
            raise missing() from None
        except OSError as error:
            raise silent() from error

    def _path(self, blob: str) -> Path:
        return self.blobs / checked_name(blob)[:2] / blob

    def _parts(self, blob: str, owner: str) -> Path:
        return self.incoming / f"{parts_of(blob, owner)}.parts"

    def _digest(self, path: Path) -> str:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def _write_all(file: FileIO, data: bytes | memoryview) -> None:
    # An unbuffered file may take less than it is given (write(2)), near a full disk for one.
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def _pieces(file: FileIO, length: int | None) -> Iterator[bytes]:
    with file, _translated():
        while length is None or length > 0:
            piece = file.read(PIECE if length is None else min(PIECE, length))
            if not piece:
                return
            if length is not None:
                length -= len(piece)
            yield piece


def _move_into(file: Path, folder: Path, name: str) -> None:
    while True:
        with suppress(FileExistsError):
            os.mkdir(folder, 0o700)
        try:
            os.replace(file, folder / name)
            return
        except FileNotFoundError:
            # The folder was removed in between (parts forgotten, a sweep); or it was the file.
            if not file.exists():
                raise


def _remove_folder(folder: Path, before: float = math.inf) -> None:
    """Remove the files that are older than a moment, and the folder unless something is in it still."""
    with suppress(FileNotFoundError):
        for path in folder.iterdir():
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < before:
                    path.unlink()
    try:
        folder.rmdir()
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST):
            raise


def _sync_folder(folder: Path | str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

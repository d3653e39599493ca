"""A folder as a store. A blob is durable when ``commit`` returns, and is never seen half-written or overwritten.

``blobs/k3/k3mt…``          whole blobs
``incoming/…``              blobs and parts being written; leftovers are swept

Life of a blob: create ``incoming/<name>.<random>`` → write → fsync the file → ``link`` it to its name (which fails when
the name is taken, atomically) → fsync the folder → unlink the incoming name. A power cut leaves either the whole blob
or a leftover in ``incoming``.
"""

import errno
import hashlib
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
    checked_name,
    full,
    locked,
    missing,
    missing_part,
    silent,
    taken,
)


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
    """A blob being written (see ``journeys.ports.BlobWriter``)."""

    def __init__(self, store: "LocalStore", blob: str):
        self._store = store
        self._blob = checked_name(blob)
        self._hash = hashlib.sha256()
        self._size = 0
        # Plain strings in here: of a small blob, putting Path objects together is a tenth of what Python does.
        self._path = f"{store.incoming}/{blob}.{secrets.token_hex(8)}"
        with _translated():
            self._file = open(self._path, "xb", buffering=0)  # noqa: SIM115 - closed by commit or abort

    def digest(self) -> str:
        return self._hash.hexdigest()

    def write(self, data: bytes | memoryview) -> None:
        self._hash.update(data)
        self._size += len(data)
        with _translated():
            _write_all(self._file, data)

    def commit(self) -> Blob:
        done = Blob(self._blob, self._size, self._hash.hexdigest())
        with _translated():
            os.fsync(self._file.fileno())
            self._file.close()
            try:
                self._store.place(self._path, done)
            finally:
                self.abort()
        return done

    def abort(self) -> None:
        self._file.close()
        with suppress(OSError):
            os.unlink(self._path)


class LocalStore:
    """A ``Driver`` in a folder."""

    guarantees = Guarantees(exclusive=True, confirms=True, prompt=True)

    def __init__(self, folder: Path):
        self.blobs = folder / "blobs"
        self.incoming = folder / "incoming"
        with _translated():
            self.blobs.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.incoming.mkdir(exist_ok=True, mode=0o700)

    def open_write(self, blob: str) -> LocalWriter:
        return LocalWriter(self, blob)

    def place(self, incoming: str, done: Blob) -> None:
        """Give a fsynced file its name; the same bytes again are fine, other bytes are a Mistake."""
        folder = f"{self.blobs}/{checked_name(done.blob)[:2]}"
        target = f"{folder}/{done.blob}"
        if not os.path.isdir(folder):
            with suppress(FileExistsError):
                os.mkdir(folder, 0o700)
            _sync_folder(str(self.blobs))
        try:
            os.link(incoming, target)
        except FileExistsError:
            if self._digest(Path(target)) != done.sha256:
                raise taken() from None
            # It is as young as this upload now: the sweep must not take it from under a fresh receipt.
            os.utime(target)
        # Also when it existed: whoever linked it may have been killed before his own fsync.
        _sync_folder(folder)

    def write_part(self, blob: str, number: int, data: Iterator[bytes], owner: str) -> None:
        folder = self._parts(blob, owner)
        temporary = folder / f"{number}.{secrets.token_hex(8)}"
        with _translated():
            folder.mkdir(exist_ok=True, mode=0o700)
            try:
                with open(temporary, "xb", buffering=0) as file:
                    for piece in data:
                        _write_all(file, piece)
                    os.fsync(file.fileno())
                os.replace(temporary, folder / f"{number:06d}")
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
                file = open(part, "rb", buffering=0)  # noqa: SIM115 - closed by _pieces
            yield from _pieces(file, None)

    def forget_parts(self, blob: str, owner: str) -> None:
        with _translated(), suppress(FileNotFoundError):
            _remove_folder(self._parts(blob, owner))

    def read(self, blob: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        file = self._open(blob)
        file.seek(start)
        return _pieces(file, length)

    def size(self, blob: str) -> int:
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
                if leftover.stat().st_mtime < limit:
                    _remove_folder(leftover) if leftover.is_dir() else leftover.unlink(missing_ok=True)
                    removed += 1
        return removed

    def remains(self) -> Remains:
        found = Remains()
        for stored in self.listing():
            found.objects += 1
            found.size += stored.size
        with _translated():
            found.uploads = sum(1 for _ in self.incoming.iterdir())
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
        # The owner is in the name: one sender cannot add parts to the blob of another.
        return self.incoming / f"{checked_name(blob)}.{hashlib.sha256(owner.encode()).hexdigest()[:16]}.parts"

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


def _remove_folder(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink(missing_ok=True)
    folder.rmdir()


def _sync_folder(folder: Path | str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

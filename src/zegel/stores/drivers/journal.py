"""The journal of a folder: small blobs of many threads become durable there together, with one wait for the disk.

A file of its own costs a blob two waits, for its bytes and for its name, and each of them makes the file system commit.
So small blobs are first written one behind another into a *page*, a file that has its full size already: one
``fdatasync`` is all they wait for. Then they get files like any other blob, without waiting. Whoever reads, lists,
copies or deletes blobs sees files and need not know of this.

``journal/<boot>-<random>.page``   records from its beginning; what is not whole ends them

When a page is full, and in any case after ``SECONDS``, the other page is taken: the file system is told to write down
everything (``syncfs``), and then the first is wiped. After a power cut the files of the last seconds may be missing or
torn, and their records are there: whoever opens the folder next writes them again. After a mere kill the kernel has all
files as they were, and nothing need be written: the boot tells which of the two it was. A process holds a lock on its
pages (``flock``) for as long as it lives, so nobody takes them for left behind.

A blob that was deleted within seconds of being written may come back by a power cut. It has no row and no key any more,
and the sweep removes it.

Linux tells an error of writing once, and forgets the bytes: asked again, it says that all is well. So when the file
system has reported one, the files of all that lies in the pages are written again before a page is wiped.
"""

import ctypes
import errno
import fcntl
import hashlib
import logging
import os
import secrets
import struct
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)

SMALLEST_PAGE, LARGEST_PAGE = 1 << 20, 16 << 20
SECONDS = 5.0
"""So long, and while the file system writes, a blob lies in the journal too."""

_RECORD = struct.Struct(">8s32sI32s16s")
"""Magic, name, size, SHA-256 of the bytes; then the beginning of the SHA-256 of all these."""
_MAGIC = b"zegel-j1"
_SUFFIX = ".page"


@dataclass(slots=True)
class Small:
    """One small blob. ``error`` is what kept it from its name."""

    name: str
    data: bytes
    sha256: bytes
    done: bool = False
    error: Exception | None = None

    def record(self) -> bytes:
        return _head(self.name, len(self.data), self.sha256) + self.data


class Journal:
    """Of one process; threads share it.

    ``place`` gives a blob its file under ``files``, and need not make it durable. ``again`` writes the bytes of such a
    file once more and waits for the disk; of a blob that was deleted meanwhile it makes none. Both raise OSError.
    """

    def __init__(self, folder: Path, files: Path, place: Callable[[Small], None], again: Callable[[Small], None]):
        # Of the files, not of the pages: these may lie on another, faster file system.
        self._files = os.open(files, os.O_RDONLY | os.O_DIRECTORY)
        _close_with(self, self._files)
        self._place, self._again = place, again
        self._page, self._other = _Page(folder), _Page(folder)
        self._queue: list[Small] = []
        self._queueing, self._writing = threading.Lock(), threading.Lock()
        self._settling: threading.Thread | None = None
        self._timer: threading.Timer | None = None

    def keep(self, blobs: Sequence[Small]) -> None:
        """Durable, each under its name, when this returns. Raises what ``place`` raised, or OSError: no promise then.

        Who comes while others are written waits; whoever is next then writes for all that wait.
        """
        with self._queueing:
            self._queue += blobs
        while not all(blob.done for blob in blobs):
            with self._writing:
                if not all(blob.done for blob in blobs):
                    self._write()
        for blob in blobs:
            if blob.error:
                raise blob.error

    def settle(self) -> None:
        """Wait until every blob is durable as a file of its own, and the journal is empty."""
        with self._writing:
            if self._page.used:
                self._turn()
            self._join()

    def _write(self) -> None:
        batch = self._next()
        try:
            self._append(b"".join([blob.record() for blob in batch]))
            for blob in batch:
                try:
                    self._place(blob)
                except Exception as error:  # noqa: BLE001  (it is raised where the blob came from)
                    blob.error = error
                    self._page.homeless.add(blob.name)
        except BaseException as error:
            for blob in batch:
                blob.error = error if isinstance(error, Exception) else OSError("interrupted")
            if not isinstance(error, Exception):
                raise
        finally:
            for blob in batch:
                blob.done = True

    def _next(self) -> list[Small]:
        """The first of those that wait, as many as go into the smallest page; at least one."""
        with self._queueing:
            count, size = 0, 0
            for blob in self._queue:
                size += _RECORD.size + len(blob.data)
                if count and size > SMALLEST_PAGE:
                    break
                count += 1
            batch, self._queue = self._queue[:count], self._queue[count:]
        return batch

    def _append(self, data: bytes) -> None:
        if not self._page.size:
            self._page.open(SMALLEST_PAGE)
        if self._page.used + len(data) > self._page.size:
            self._turn()
        self._page.append(data)
        if self._timer is None:
            timer = threading.Timer(SECONDS, self._on_time)
            timer.daemon = True
            # No thread to be had: the blobs are durable all the same, and whoever comes next tries again.
            with suppress(RuntimeError):
                timer.start()
                self._timer = timer

    def _on_time(self) -> None:
        with self._writing:
            self._timer = None
            if self._page.used:
                with suppress(OSError):
                    self._turn()

    def _turn(self) -> None:
        """Take the other page, and have this one wiped when all that is in it is durable elsewhere."""
        self._join()
        if self._other.used:
            # The file system could not write. What is in that page has no other durable place, so it stays.
            raise OSError("the journal cannot be emptied")
        if not self._other.size:
            self._other.open(SMALLEST_PAGE)
        self._page, self._other = self._other, self._page
        settling = threading.Thread(target=self._settle, args=(self._other,), name="journal", daemon=True)
        try:
            settling.start()
        except RuntimeError:  # No thread to be had.
            self._settle(self._other)
        else:
            self._settling = settling

    def _settle(self, page: "_Page") -> None:
        try:
            for small in page.read() if page.doubted else ():
                self._again(small)
            self._sync()
            page.doubted = False
            page.wipe()
        except OSError:
            log.exception("a journal could not be emptied; its page is kept")

    def _sync(self) -> None:
        try:
            sync_all(self._files)
        except OSError:
            # It is told once, and may be about a file of either page.
            self._page.doubted = self._other.doubted = True
            raise

    def _join(self) -> None:
        if self._settling:
            self._settling.join()
            self._settling = None
        if self._other.used:
            self._settle(self._other)


class _Page:
    """A file with room for records."""

    def __init__(self, folder: Path):
        self._path = folder / f"{boot()}-{secrets.token_hex(8)}{_SUFFIX}"
        self._file = -1
        self._touched = 0
        self.size = 0
        self.used = 0
        self.doubted = False
        """The file system has reported an error since: files of what is in here may lack bytes all the same."""
        self._spent = False
        self.homeless: set[str] = set()
        """Names in here that got no file from the journal: taken, or committed by themselves then."""

    def open(self, size: int) -> None:
        """Make the file, locked, with all its bytes there: a write that changes no size needs no commit."""
        with _alone(self._path.parent) as folder:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _write_at(file, bytes(size), 0)
                os.fsync(file)
                os.fsync(folder)
            except BaseException:
                os.close(file)
                self._path.unlink(missing_ok=True)
                raise
        _close_with(self, file)
        self._file, self.size = file, size

    def append(self, data: bytes) -> None:
        # Also when it fails: what it left behind the records is wiped with them.
        self._touched = max(self._touched, self.used + len(data))
        _write_at(self._file, data, self.used)
        os.fdatasync(self._file)
        self.used += len(data)

    def read(self) -> list[Small]:
        """What is in it and got a file; raises OSError when not all of it can be read."""
        if self._spent:
            return []
        records = list(read_records(os.pread(self._file, self.used, 0)))
        if sum(_RECORD.size + len(small.data) for small in records) != self.used:
            raise OSError(errno.EIO, "the journal is damaged")
        return [small for small in records if small.name not in self.homeless]

    def wipe(self) -> None:
        """Nothing is in it any more, on the disk too. A page that was full is twice as large from now on."""
        self._spent = True
        _write_at(self._file, bytes(self._touched), 0)
        os.fdatasync(self._file)
        if self.used > self.size // 2 and self.size < LARGEST_PAGE:
            with suppress(OSError):
                _write_at(self._file, bytes(self.size), self.size)
                os.fsync(self._file)
                self.size *= 2
        self.used = self._touched = 0
        self._spent = False
        self.homeless.clear()


def recover(folder: Path, files: Path, restore: Callable[[Small], None]) -> None:
    """Give what processes that are gone left in their pages to ``restore``, and remove the pages.

    ``files`` is where ``restore`` puts them.

    Raises OSError, and what ``restore`` raises; the pages are still there then.
    """
    with _alone(folder):
        left = []
        for path in sorted(folder.glob(f"*{_SUFFIX}")):
            with open(path, "rb") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                if not path.name.startswith(f"{boot()}-"):
                    for small in read_records(file.read()):
                        restore(small)
            left.append(path)
        if left:
            descriptor = os.open(files, os.O_RDONLY | os.O_DIRECTORY)
            try:
                sync_all(descriptor)
            finally:
                os.close(descriptor)
            for path in left:
                path.unlink()


def boot() -> str:
    """A name of this run of the kernel; never the same twice where the kernel gives none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip().replace("-", "")
    except OSError:
        return secrets.token_hex(16)


def count_used(folder: Path) -> int:
    """How many pages hold anything, whoever uses them."""
    used = 0
    for path in folder.glob(f"*{_SUFFIX}"):
        with suppress(FileNotFoundError), open(path, "rb") as file:
            used += any(file.read(_RECORD.size))
    return used


def read_records(page: bytes) -> Iterator[Small]:
    """The records of a page in order, up to the first that is not whole: nobody was promised that one."""
    place = 0
    while place + _RECORD.size <= len(page):
        head = page[place : place + _RECORD.size]
        _, name, size, sha256, _ = _RECORD.unpack(head)
        data = page[place + _RECORD.size : place + _RECORD.size + size]
        text = name.rstrip(b"\0").decode("ascii", "replace")
        if head != _head(text, size, sha256) or hashlib.sha256(data).digest() != sha256:
            return
        yield Small(text, data, sha256)
        place += _RECORD.size + size


def sync_all(folder: int) -> None:
    """Wait until the file system of an open folder has written all down (syncfs(2), which tells errors since 5.8)."""
    if _syncfs is None:
        os.sync()
    elif _syncfs(folder):
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


_syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)


def _head(name: str, size: int, sha256: bytes) -> bytes:
    begin = _RECORD.pack(_MAGIC, name.encode(), size, sha256, b"")[:-16]
    return begin + hashlib.sha256(begin).digest()[:16]


@contextmanager
def _alone(folder: Path) -> Iterator[int]:
    """One at a time makes a page or recovers: a page that is being made is not locked yet, and looks left behind."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        # Said aloud: in a process that was forked meanwhile it is open still.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def _close_with(owner: object, file: int) -> None:
    """Close it when its owner is gone; not at the end of the process, when threads may still write to that number."""
    weakref.finalize(owner, os.close, file).atexit = False


def _write_at(file: int, data: bytes, place: int) -> None:
    rest = memoryview(data)
    while rest:
        written = os.pwrite(file, rest, place)
        rest, place = rest[written:], place + written

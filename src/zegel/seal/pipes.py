"""Anything to anything (pipes, sockets, terminals): a reader, a crypter and a writer, each in a thread.

A few batches go round between them, so memory is flat. The reader is the calling thread; it waits for input and for
a wake-up at once, so a writer that fails (the other side of the pipe went away) ends the whole even if no input comes.
"""

import contextlib
import fcntl
import os
import queue
import select
import stat
import threading
from collections.abc import Callable

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from zegel.seal.batch import CHUNKS, Batch
from zegel.seal.errors import PayloadFailure
from zegel.seal.files import Progress, damaged_chunk
from zegel.seal.stream import CHUNK

_BATCHES = 4
_PIPE_SIZE = 1 << 20


class Source:
    """Reads a descriptor until its end."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._begun = memoryview(b"")
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN)
        self._wake_fd = -1
        widen(fd)

    def wake_on(self, fd: int) -> None:
        """Stop reading as soon as *fd* is readable."""
        self._poll.register(fd, select.POLLIN)
        self._wake_fd = fd

    def unread(self, data: bytes) -> None:
        """Give *data* first when reading goes on."""
        self._begun = memoryview(data)

    def fill(self, view: memoryview) -> int:
        """Read until *view* is full or the input ends; give how much was read."""
        filled = 0
        while filled < len(view) and (count := self.fill_some(view[filled:])):
            filled += count
        return filled

    def fill_some(self, view: memoryview) -> int:
        """Read what is there, and wait for something if there's nothing; zero is the end (or a wake-up)."""
        if self._begun:
            count = min(len(view), len(self._begun))
            view[:count] = self._begun[:count]
            self._begun = self._begun[count:]
            return count
        while True:
            if self._wake_fd >= 0 and any(fd == self._wake_fd for fd, _ in self._poll.poll()):
                return 0
            try:
                return os.readv(self._fd, [view])
            except BlockingIOError:  # a descriptor that someone made non-blocking
                self._poll.poll()


def widen(fd: int) -> None:
    """Let a pipe hold a whole batch, so that the two sides wait less for each other."""
    with contextlib.suppress(OSError, AttributeError):
        if stat.S_ISFIFO(os.fstat(fd).st_mode):
            fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)


def write_all(fd: int, data: bytes | memoryview) -> int:
    """Write all of *data*, also to a descriptor that takes little at a time."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:
            waiting = select.poll()
            waiting.register(fd, select.POLLOUT)
            waiting.poll()
    return len(data)


class Pipeline:
    """Turns a stream around; made for one run."""

    def __init__(self, cipher: ChaCha20Poly1305, source: Source, fd_out: int, *, sealing: bool) -> None:
        self._cipher = cipher
        self._source = source
        self._fd_out = fd_out
        self._sealing = sealing
        self._number = 0
        self._free: queue.SimpleQueue[Batch | None] = queue.SimpleQueue()
        self._read: queue.SimpleQueue[tuple[Batch, int] | None] = queue.SimpleQueue()
        self._turned: queue.SimpleQueue[tuple[Batch, memoryview] | None] = queue.SimpleQueue()
        self._batches: list[Batch] = []
        self._failures: list[BaseException] = []
        self._wake_read, self._wake_write = os.pipe()
        source.wake_on(self._wake_read)
        widen(fd_out)
        self.written = 0

    def run(self, progress: Progress | None = None) -> int:
        """Turn everything around; give the number of bytes written, or raise the first failure."""
        threads = [
            threading.Thread(target=self._guarded, args=(work,), daemon=True) for work in (self._turn, self._write)
        ]
        for thread in threads:
            thread.start()
        try:
            self._guarded(lambda: self._fill(progress))
            for thread in threads:
                thread.join()
        finally:
            os.close(self._wake_read)
            os.close(self._wake_write)
            for batch in self._batches:
                batch.wipe()
        if self._failures:
            raise self._failures[0]
        return self.written

    def _guarded(self, work: Callable[[], None]) -> None:
        """Run one of the three; if it fails, let the other two end as well."""
        try:
            work()
        except BaseException as failure:  # noqa: BLE001 - whatever it is, the calling thread raises it
            self._failures.append(failure)
            os.write(self._wake_write, b"!")
            self._free.put(None)
            self._read.put(None)
            self._turned.put(None)

    def _fill(self, progress: Progress | None) -> None:
        """The reader: fill batch after batch; a batch that isn't full is the end."""
        total = 0
        while (batch := self._next_batch()) is not None:
            view = batch.plain if self._sealing else batch.sealed
            count = self._source.fill(view)
            if self._failures:
                return
            self._read.put((batch, count))
            total += count
            if progress is not None:
                progress(total)
            if count < len(view):
                return

    def _next_batch(self) -> Batch | None:
        if len(self._batches) < _BATCHES and self._free.empty():
            self._batches.append(Batch())
            return self._batches[-1]
        return self._free.get()

    def _turn(self) -> None:
        """The crypter: hold every batch until it's known whether something follows it."""
        held: tuple[Batch, int] | None = None
        while (item := self._read.get()) is not None:
            batch, count = item
            if held is not None:
                self._turn_one(*held, last=count == 0)
            held = item if count or held is None else None
            full = count == len(batch.plain if self._sealing else batch.sealed)
            if not full:
                if held is not None:
                    self._turn_one(*held, last=True)
                self._turned.put(None)
                return

    def _turn_one(self, batch: Batch, count: int, *, last: bool) -> None:
        first = self._number
        self._number += CHUNKS
        if self._sealing:
            result = batch.sealed[: batch.seal(self._cipher, first, count, last=last)]
        else:
            try:
                result = batch.plain[: batch.open(self._cipher, first, count, last=last)]
            except PayloadFailure as failure:
                good = damaged_chunk(failure) - first
                self._turned.put((batch, batch.plain[: good * CHUNK]))
                raise
        self._turned.put((batch, result))

    def _write(self) -> None:
        """The writer: write in order, and give the batch back."""
        while (item := self._turned.get()) is not None:
            batch, view = item
            self.written += write_all(self._fd_out, view)
            self._free.put(batch)

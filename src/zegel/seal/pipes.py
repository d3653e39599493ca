"""Anything to anything (pipes, sockets, terminals): in order, but with more than one core.

Who reads waits for input and for a wake-up at once, so a write that fails (the other side of the pipe went away) ends
the whole even if no input comes.
"""

import contextlib
import fcntl
import os
import select
import stat
import threading
from collections.abc import Sequence

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from zegel.seal.batch import CHUNKS, Batch
from zegel.seal.errors import PayloadFailure
from zegel.seal.files import Progress, available_cores, damaged_chunk
from zegel.seal.stream import CHUNK

_MAX_WORKERS = 3
_AHEAD = 4096
_PIPE_SIZE = 1 << 20


class Source:
    """Reads a descriptor until its end."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._begun = memoryview(b"")
        self._ahead = memoryview(bytearray(_AHEAD))
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

    def fill(self, view: memoryview) -> tuple[int, bool]:
        """Read until *view* is full or the input ends; give how much was read, and whether it is all.

        To know that, it reads a little further and keeps that for the next time.
        """
        filled = self._take_begun(view)
        while filled < len(view):
            room = len(view) - filled
            count = self._read([view[filled:], self._ahead])
            if count == 0:
                return filled, True
            filled += min(count, room)
            self._begun = self._ahead[: max(0, count - room)]
        if not self._begun:
            self._begun = self._ahead[: self._read([self._ahead])]
        return filled, not self._begun

    def fill_some(self, view: memoryview) -> int:
        """Read what is there, and wait for something if there's nothing; zero is the end (or a wake-up)."""
        return self._take_begun(view) or self._read([view])

    def _take_begun(self, view: memoryview) -> int:
        count = min(len(view), len(self._begun))
        view[:count] = self._begun[:count]
        self._begun = self._begun[count:]
        return count

    def _read(self, views: list[memoryview]) -> int:
        while True:
            if self._wake_fd >= 0 and any(fd == self._wake_fd for fd, _ in self._poll.poll()):
                return 0
            try:
                return os.readv(self._fd, views)
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


class Relay:
    """Turns a stream around with a few workers who do everything by turns; made for one run.

    A worker takes the next ticket and reads its batch while he has the reading to himself, turns it around while others
    read and write, and writes it when his ticket is up. A batch stays with one core and its cache from reading to
    writing; handing it from a reader to a crypter to a writer was tried, and costs more than it gains.
    """

    def __init__(self, cipher: ChaCha20Poly1305, source: Source, fd_out: int, *, sealing: bool) -> None:
        self._cipher = cipher
        self._source = source
        self._fd_out = fd_out
        self._sealing = sealing
        self._reading = threading.Lock()
        self._turn = threading.Condition()
        self._tickets = 0
        self._to_write = 0
        self._ended = False
        self._failure: BaseException | None = None
        self._wake_read, self._wake_write = os.pipe()
        source.wake_on(self._wake_read)
        widen(fd_out)
        self._read_total = 0
        self.written = 0

    def run(self, threads: int | None = None, progress: Progress | None = None) -> int:
        """Turn everything around; give the number of bytes written, or raise the first failure."""
        count = min(threads or available_cores(), _MAX_WORKERS)
        others = [threading.Thread(target=self._work, daemon=True) for _ in range(count - 1)]
        try:
            self._work(others, progress)
            for thread in others:
                if thread.ident is not None:
                    thread.join()
        finally:
            os.close(self._wake_read)
            os.close(self._wake_write)
        if self._failure is not None:
            raise self._failure
        return self.written

    def _work(self, others: Sequence[threading.Thread] = (), progress: Progress | None = None) -> None:
        """Do batch after batch; start *others* when the first has shown that there is more."""
        batch = Batch()
        try:
            while (job := self._read(batch)) is not None:
                ticket, count, last = job
                if ticket == 0 and not last:
                    for thread in others:
                        thread.start()
                self._turn_and_write(batch, ticket, count, last=last)
                if progress is not None:
                    progress(self._read_total)
        except BaseException as failure:  # noqa: BLE001 - whatever it is, the calling thread raises it
            self._fail(failure)
        finally:
            batch.wipe()

    def _read(self, batch: Batch) -> tuple[int, int, bool] | None:
        """Read the next batch; give its ticket, its length and whether it is the last."""
        with self._reading:
            if self._ended:
                return None
            ticket = self._tickets
            self._tickets += 1
            try:
                count, last = self._source.fill(batch.plain if self._sealing else batch.sealed)
            except OSError:
                self._ended = True
                self._await(ticket)  # what was read before is written before anyone hears of this
                raise
            self._read_total += count
            self._ended = last or self._failure is not None
            return ticket, count, last

    def _turn_and_write(self, batch: Batch, ticket: int, count: int, *, last: bool) -> None:
        first = ticket * CHUNKS
        damage: PayloadFailure | None = None
        try:
            if self._sealing:
                result = batch.sealed[: batch.seal(self._cipher, first, count, last=last)]
            else:
                result = batch.plain[: batch.open(self._cipher, first, count, last=last)]
        except PayloadFailure as failure:
            result = batch.plain[: (damaged_chunk(failure) - first) * CHUNK]
            damage = failure
        if not self._await(ticket):
            return
        self.written += write_all(self._fd_out, result)
        if damage is not None:
            raise damage
        with self._turn:
            self._to_write += 1
            self._turn.notify_all()

    def _await(self, ticket: int) -> bool:
        """Wait until *ticket* may write; false if someone before it has failed."""
        with self._turn:
            while self._to_write != ticket and self._failure is None:
                self._turn.wait()
            return self._failure is None

    def _fail(self, failure: BaseException) -> None:
        """Let everyone end: who waits for his turn, for the reading, or for input."""
        with self._turn:
            if self._failure is None:
                self._failure = failure
            self._ended = True
            self._turn.notify_all()
        os.write(self._wake_write, b"!")

"""Regular file to regular file: every core takes the next batch, reads, turns around and writes it at its own place.

Chunks are independent and their places are known from their numbers, so the workers share nothing but a counter:
``preadv`` and ``pwrite`` need no common file position, and both release the interpreter lock, as the cipher does.
(Memory maps were tried and are slower: a fault per page, and a file that shrinks kills the process.)
"""

import itertools
import os
import threading
from collections.abc import Callable
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from zegel.errors import Unavailable
from zegel.seal.batch import CHUNKS, PLAIN_BATCH, SEALED_BATCH, Batch
from zegel.seal.errors import PayloadFailure
from zegel.seal.stream import CHUNK

MAX_THREADS = 8
"""Past this the memory for batches (2 MiB a thread) grows and the page cache is the limit anyway."""

Progress = Callable[[int], None]
"""Is told, now and then and in the calling thread, how many input bytes are done."""


class Place(NamedTuple):
    """A position in a descriptor."""

    fd: int
    at: int


class Direction:
    """One file being turned around: where it lies in both descriptors, and how a batch of it is done."""

    in_batch: int
    out_batch: int

    def __init__(self, cipher: ChaCha20Poly1305, source: Place, size: int, target: Place) -> None:
        self.cipher = cipher
        self.fd_in, self.in_at = source
        self.fd_out, self.out_at = target
        self.size = size
        self.batches = max(1, -(-size // self.in_batch))

    def source(self, batch: Batch) -> memoryview:
        """Where a batch is read to."""
        raise NotImplementedError

    def turn(self, batch: Batch, number: int, length: int) -> memoryview:
        """Seal or open one batch; give what is to be written."""
        raise NotImplementedError

    def do(self, batch: Batch, number: int) -> int:
        """Read, turn around and write batch *number*; give the length of its input."""
        start = number * self.in_batch
        length = min(self.in_batch, self.size - start)
        _read_at(self.fd_in, self.source(batch)[:length], self.in_at + start)
        _write_at(self.fd_out, self.turn(batch, number, length), self.out_at + number * self.out_batch)
        return length


class Sealing(Direction):
    """Plaintext in, chunks out."""

    in_batch, out_batch = PLAIN_BATCH, SEALED_BATCH

    def source(self, batch: Batch) -> memoryview:
        """Where a batch is read to."""
        return batch.plain

    def turn(self, batch: Batch, number: int, length: int) -> memoryview:
        """Seal one batch."""
        last = number == self.batches - 1
        return batch.sealed[: batch.seal(self.cipher, number * CHUNKS, length, last=last)]


class Opening(Direction):
    """Chunks in, plaintext out."""

    in_batch, out_batch = SEALED_BATCH, PLAIN_BATCH

    def source(self, batch: Batch) -> memoryview:
        """Where a batch is read to."""
        return batch.sealed

    def turn(self, batch: Batch, number: int, length: int) -> memoryview:
        """Open one batch."""
        last = number == self.batches - 1
        return batch.plain[: batch.open(self.cipher, number * CHUNKS, length, last=last)]

    def do(self, batch: Batch, number: int) -> int:
        """Write what is authentic of a damaged batch too, so that the output is whole up to the damage."""
        try:
            return super().do(batch, number)
        except PayloadFailure as failure:
            good = damaged_chunk(failure) * CHUNK - number * self.out_batch
            _write_at(self.fd_out, batch.plain[:good], self.out_at + number * self.out_batch)
            raise


class _Crew:
    """The threads on one file, and what they tell each other."""

    def __init__(self, job: Direction, progress: Progress | None) -> None:
        self._job = job
        self._progress = progress
        self._next = itertools.count()
        self._stop = False
        self._done = [0]
        self.failures: list[BaseException] = []

    def work(self, slot: int) -> None:
        """Do batches until there are none; a failure anywhere stops everyone after the batch he is at.

        Batches are taken in order, so all before the first damaged one are finished by someone.
        """
        batch = Batch()
        try:
            while not self._stop and (number := next(self._next)) < self._job.batches:
                self._done[slot] += self._job.do(batch, number)
                if slot == 0 and self._progress is not None:
                    self._progress(sum(self._done))
        except BaseException as failure:  # noqa: BLE001 - whatever it is, the calling thread raises it
            self.failures.append(failure)
            self._stop = True
        finally:
            batch.wipe()

    def run(self, threads: int) -> None:
        """Work with *threads* threads, of which the caller's is one."""
        self._done = [0] * threads
        others = [threading.Thread(target=self.work, args=(slot,), daemon=True) for slot in range(1, threads)]
        for thread in others:
            thread.start()
        self.work(0)
        for thread in others:
            thread.join()


def run(job: Direction, threads: int | None = None, progress: Progress | None = None) -> None:
    """Do *job* with the cores there are; raise the first failure.

    After a PayloadFailure the output is cut to what is authentic: all chunks before the first damaged one.
    """
    crew = _Crew(job, progress)
    crew.run(max(1, min(threads or available_cores(), MAX_THREADS, job.batches)))
    damaged = [failure for failure in crew.failures if isinstance(failure, PayloadFailure)]
    others = [failure for failure in crew.failures if not isinstance(failure, PayloadFailure)]
    if damaged:
        first = min(damaged, key=damaged_chunk)
        os.ftruncate(job.fd_out, job.out_at + damaged_chunk(first) * CHUNK)
        others.append(first)
    if others:
        raise others[0]


def available_cores() -> int:
    """Give the number of cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def damaged_chunk(failure: PayloadFailure) -> int:
    """Give the number of the chunk that a refusal is about."""
    number = failure.facts["number"]
    assert isinstance(number, int)  # noqa: S101 - Batch.open always names the chunk
    return number


def _read_at(fd: int, view: memoryview, offset: int) -> None:
    while view:
        count = os.preadv(fd, [view], offset)
        if count == 0:
            raise Unavailable("The file became shorter while it was being read.")
        view = view[count:]
        offset += count


def _write_at(fd: int, view: memoryview, offset: int) -> None:
    while view:
        count = os.pwrite(fd, view, offset)
        view = view[count:]
        offset += count

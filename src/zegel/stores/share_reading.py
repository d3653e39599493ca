"""Read a blob from shares: the fastest healthy ones, verified stripe by stripe, others when some fail.

A stripe is handed out only when its digest is that of the blob's outline. When it is not, further shares are asked, and
every choice among what came is tried; what the right stripe does not encode to again was altered, and its patch is told
on. So nobody is blamed who returned what was written, and no supplier needs to be believed about anything.

While a stripe is handed out, the blocks of the next one are on their way: at most one stripe more in memory. From
patches that never linger (our own disks) they are read when they are wanted: a thread would cost more than it hides.

Hedging as for copies: when the blocks of a stripe have not come after three times the usual time of their patches, one
more share is asked beside them, and whichever come first make the stripe.
"""

import hashlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from zegel.errors import Unavailable, ZegelError
from zegel.parcels.copies import Outline
from zegel.stores import sharing
from zegel.stores.drivers.driver import PIECE, missing
from zegel.stores.reading import HEDGE_LEAST, HEDGE_MOST, Report, Source, altered, worse

_DECODING = 0.002
"""Seconds that a block is worth which is the blob's own bytes: no arithmetic is needed for it."""


@dataclass(slots=True)
class _Stream:
    """One share from some stripe on; asked by one thread at a time."""

    source: Source
    last: int
    needed: int
    size: int
    pieces: Iterator[bytes] | None = None
    rest: bytes = b""
    ahead: Future[bytes] | None = None
    """The next block, asked for before anybody waits for it."""

    @property
    def number(self) -> int:
        return self.source.copy.share

    def block(self, stripe: int) -> bytes:
        """The block of this stripe; stripes are asked for in order. Raises Damaged, NotFound, Unavailable."""
        began = time.monotonic()
        first = self.pieces is None
        if self.pieces is None:
            start = sharing.block_at(stripe, self.needed)
            self.pieces = self.source.driver.read(self.source.copy.name, start, self._end() - start)
        parts, left = [], self._size(stripe)
        while left:
            part = self.rest or next(self.pieces, b"")
            if not part:
                raise altered()
            # Of an answer that fits, which is the rule, neither slice copies anything.
            parts.append(part[:left])
            self.rest = part[left:]
            left -= len(parts[-1])
        if first:
            self.source.health.good(time.monotonic() - began)
        return b"".join(parts)

    def came_ahead(self) -> Future[bytes] | None:
        """What was asked for ahead. If it failed while nobody waited, None: it is asked once more, from here on."""
        ahead, self.ahead = self.ahead, None
        if ahead and ahead.done() and ahead.exception():
            self.close()
            self.pieces, self.rest = None, b""
            return None
        return ahead

    def close(self, _: object = None) -> None:
        ahead, self.ahead = self.ahead, None
        if ahead and not ahead.cancel() and not ahead.done():
            # A thread is reading; when it is done there is nobody else to close.
            ahead.add_done_callback(self.close)
            return
        close = getattr(self.pieces, "close", None)
        if close is not None:
            with suppress(Exception):
                close()

    def _size(self, stripe: int) -> int:
        return sharing.block_size(min(sharing.STRIPE, self.size - stripe * sharing.STRIPE), self.needed)

    def _end(self) -> int:
        return sharing.block_at(self.last, self.needed) + self._size(self.last)


class ShareReading:
    """One read, shaped as ``reading.Reading``. ``sources`` are shares that fit together, one per number."""

    def __init__(self, outline: Outline, needed: int, sources: list[Source], pool: Executor, report: Report):
        self.outline = outline
        self._needed, self._sources, self._pool, self._report = needed, sources, pool, report

    def pieces(self, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Yield the range in pieces of at most 256 KiB; whatever can fail at once fails before the first."""
        size = self.outline.size
        end = size if length is None else min(size, start + length)
        if len(self._sources) < self._needed:
            raise missing()
        if start >= end:
            return iter(())
        one = _OneRead(self.outline, self._needed, self._sources, self._pool, self._report, end)
        number = start // sharing.STRIPE
        try:
            stripe = one.stripe(number)
        except BaseException:
            one.close()
            raise
        return self._go_on(one, stripe, number, start, end)

    def _go_on(self, one: "_OneRead", stripe: bytearray, number: int, start: int, end: int) -> Iterator[bytes]:
        try:
            while True:
                if (number + 1) * sharing.STRIPE < end:
                    one.ask_ahead(number + 1)
                first = number * sharing.STRIPE
                wanted = memoryview(stripe)[max(start - first, 0) : end - first]
                for cut in range(0, len(wanted), PIECE):
                    yield bytes(wanted[cut : cut + PIECE])
                number += 1
                if number * sharing.STRIPE >= end:
                    return
                stripe = one.stripe(number)
        finally:
            one.close()


class _OneRead:
    """The shares that are being read now (``active``), and those that are left to ask (``spare``)."""

    def __init__(self, outline: Outline, needed: int, sources: list[Source], pool: Executor, report: Report, end: int):
        self._outline, self._needed = outline, needed
        self._pool, self._report = pool, report
        self._last = (end - 1) // sharing.STRIPE
        self._spare = sorted(sources, key=partial(_order, needed))
        self._active: list[_Stream] = []
        self._worst: ZegelError = missing()

    def stripe(self, number: int) -> bytearray:
        """One stripe, verified. Raises Damaged, NotFound, Unavailable when fewer right blocks come than are needed."""
        while len(self._active) < self._needed and self._spare:
            self._next()
        blocks = self._fetch(number)
        size = min(sharing.STRIPE, self._outline.size - number * sharing.STRIPE)
        newest: int | None = None
        while True:
            if found := self._right(blocks, number, size, newest):
                break
            self._worst = worse(self._worst, altered())
            newest = self._one_more(number, blocks)
        self._blame_altered(found, blocks)
        for stream in self._active[self._needed :]:
            self._put_back(stream)
            stream.close()
        return found

    def ask_ahead(self, number: int) -> None:
        """Let the shares that are being read bring their blocks of this stripe, which is the next."""
        for stream in self._active:
            if not stream.source.driver.guarantees.prompt:
                stream.ahead = self._pool.submit(stream.block, number)

    def close(self) -> None:
        for stream in self._active:
            stream.close()
        self._active = []

    # Asking -------------------------------------------------------------------------------------------------------

    def _next(self) -> _Stream:
        source = self._spare.pop(0)
        stream = _Stream(source, self._last, self._needed, self._outline.size)
        self._active.append(stream)
        return stream

    def _fetch(self, number: int) -> dict[int, bytes]:
        """Blocks of as many shares as are needed; those that came are kept active, the others are left."""
        blocks: dict[int, bytes] = {}
        flying: dict[Future[bytes], _Stream] = {}
        waiting = list(self._active)
        while len(blocks) < self._needed:
            self._launch(number, waiting, flying, blocks)
            if len(blocks) >= self._needed:
                break
            if not flying:
                if not self._spare:
                    raise self._worst
                waiting.append(self._next())
                continue
            done, _ = wait(flying, timeout=self._patience(flying), return_when=FIRST_COMPLETED)
            if not done:
                for stream in flying.values():
                    stream.source.health.slow()
                waiting.append(self._next())
            for future in done:
                self._take(flying.pop(future), future.result, blocks)
        for late, stream in flying.items():
            # Whoever came too late is out of step for the next stripe; should it be needed, it is asked anew.
            self._put_back(stream)
            late.add_done_callback(partial(self._too_late, stream))
        return blocks

    def _launch(
        self, number: int, waiting: list[_Stream], flying: dict[Future[bytes], _Stream], blocks: dict[int, bytes]
    ) -> None:
        """Ask those that may linger in threads of their own, and the prompt ones here meanwhile."""
        here = [stream for stream in waiting if stream.source.driver.guarantees.prompt]
        for stream in waiting:
            if stream not in here:
                flying[stream.came_ahead() or self._pool.submit(stream.block, number)] = stream
        waiting.clear()
        for stream in here:
            self._take(stream, partial(stream.block, number), blocks)

    def _take(self, stream: _Stream, result: Callable[[], bytes], blocks: dict[int, bytes]) -> None:
        try:
            blocks[stream.number] = result()
        except ZegelError as error:
            self._leave(stream, error)

    def _patience(self, flying: dict[Future[bytes], _Stream]) -> float | None:
        if not self._spare:
            return None
        usual = max(stream.source.health.latency for stream in flying.values())
        return min(max(3 * usual, HEDGE_LEAST), HEDGE_MOST)

    def _put_back(self, stream: _Stream) -> None:
        self._active.remove(stream)
        self._spare.append(stream.source)

    def _too_late(self, stream: _Stream, future: Future[bytes]) -> None:
        try:
            future.result()
        except ZegelError as error:
            self._blame(stream.source, error)
        stream.close()

    def _leave(self, stream: _Stream, error: ZegelError) -> None:
        self._worst = worse(self._worst, error)
        self._active.remove(stream)
        stream.close()
        self._blame(stream.source, error)

    def _blame(self, source: Source, error: ZegelError) -> None:
        if isinstance(error, Unavailable):
            source.health.bad(error)
        else:
            self._report(source.copy)

    # Verifying ----------------------------------------------------------------------------------------------------

    def _right(self, blocks: dict[int, bytes], number: int, size: int, newest: int | None) -> bytearray | None:
        """The stripe that some choice of these blocks makes and whose digest is right."""
        for choice in sharing.choices(list(blocks), self._needed, newest):
            found = sharing.stripe_of({share: blocks[share] for share in choice}, self._needed, size)
            if hashlib.sha256(found).digest() == self._outline.digest(number):
                return found
        return None

    def _one_more(self, number: int, blocks: dict[int, bytes]) -> int:
        """Another share's block, to find out who altered his; returns its number."""
        while self._spare:
            stream = self._next()
            self._take(stream, partial(stream.block, number), blocks)
            if stream.number in blocks:
                return stream.number
        raise self._worst

    def _blame_altered(self, found: bytearray, blocks: dict[int, bytes]) -> None:
        if len(blocks) == self._needed:
            return
        numbers = sorted(blocks)
        right = dict(zip(numbers, sharing.blocks(found, self._needed, numbers), strict=True))
        for stream in list(self._active):
            if stream.number in blocks and blocks[stream.number] != right[stream.number]:
                self._leave(stream, altered())


def _order(needed: int, source: Source) -> tuple[bool, bool, bool, bool, float]:
    health = source.health
    arithmetic = _DECODING if source.copy.share >= needed else 0.0
    broken = source.copy.state != "whole"
    return (broken, health.open, health.lagging, not source.driver.guarantees.prompt, health.latency + arithmetic)

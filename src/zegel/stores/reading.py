"""Read a blob from the fastest healthy copy, verify it on the way, and go on at another copy when one fails.

The unit is a *piece* of 1 MiB: it is handed out only when its digest is right. So a copy that was altered, stalls or
breaks off is left at a piece's border, and the reader never notices. Blobs of long ago, without an outline, can only be
verified as a whole: their last bytes are kept back until the digest is known.

Hedging: when the first piece has not come after three times the usual time of its patch, the next copy is asked too,
and whoever answers first is read on.
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from zegel.errors import Damaged, NotFound, Unavailable, ZegelError
from zegel.parcels.copies import PIECE_BYTES, Copy, Outline
from zegel.stores.drivers.driver import PIECE, Driver, missing
from zegel.stores.health import Health

HEDGE_LEAST, HEDGE_MOST = 0.1, 1.0


Report = Callable[[Copy], None]
"""Told about a copy or share that was found missing, short or altered."""


@dataclass(frozen=True, slots=True)
class Source:
    """One whole copy that may be read."""

    copy: Copy
    driver: Driver
    health: Health


@dataclass(frozen=True, slots=True)
class Reading:
    """One read. ``report`` is told about a copy that was found missing, short or altered."""

    outline: Outline
    sources: Sequence[Source]
    pool: Executor
    report: Report
    verify: bool = True
    """False for who compares the digest of the whole before it counts, and then asks again: it saves a pass over it."""

    def pieces(self, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Yield the range in pieces of at most 256 KiB; whatever can fail at once fails before the first."""
        end = self.outline.size if length is None else min(self.outline.size, start + length)
        if start >= end:
            if not self.sources:
                raise missing()
            return iter(())
        if not self.outline.verifiable:
            return self._unverifiable(start, end)
        left = sorted(self.sources, key=_order)
        stream, piece = self._start(left, start // PIECE_BYTES, end)
        return self._go_on(left, stream, piece, start, end)

    def _go_on(self, left: "list[Source]", stream: "_Stream", piece: "_Piece", start: int, end: int) -> Iterator[bytes]:
        number = start // PIECE_BYTES
        try:
            while True:
                first = number * PIECE_BYTES
                yield from _within(piece, start - first, end - first)
                number += 1
                if number * PIECE_BYTES >= end:
                    return
                try:
                    piece = stream.piece(number)
                except ZegelError as error:
                    self._blame(stream.source, error)
                    left.remove(stream.source)
                    stream.close()
                    stream, piece = self._start(left, number, end)
        finally:
            stream.close()

    def _start(self, left: "list[Source]", number: int, end: int) -> "tuple[_Stream, _Piece]":
        """A stream whose piece ``number`` is there and right; sources that fail are taken off ``left``."""
        worst: ZegelError = missing()
        # With nobody to race against, or one who never lingers, no thread is needed.
        while left and (len(left) == 1 or left[0].driver.guarantees.prompt):
            try:
                return self._open(left[0], number, end)
            except ZegelError as error:
                worst = worse(worst, error)
                self._blame(left.pop(0), error)
        return self._race(left, number, end, worst)

    def _race(self, left: "list[Source]", number: int, end: int, worst: ZegelError) -> "tuple[_Stream, _Piece]":
        waiting = list(left)
        flying: dict[Future[tuple[_Stream, _Piece]], Source] = {}
        while waiting or flying:
            if waiting:
                source = waiting.pop(0)
                flying[self.pool.submit(self._open, source, number, end)] = source
            patience = min(max(3 * source.health.latency, HEDGE_LEAST), HEDGE_MOST) if waiting else None
            done, _ = wait(flying, timeout=patience, return_when=FIRST_COMPLETED)
            if not done:
                for source in flying.values():
                    source.health.slow()
            for future in done:
                source = flying.pop(future)
                try:
                    found = future.result()
                except ZegelError as error:
                    worst = worse(worst, error)
                    self._blame(source, error)
                    left.remove(source)
                    continue
                for late, other in flying.items():
                    late.add_done_callback(partial(self._too_late, other))
                return found
        raise worst

    def _too_late(self, source: Source, future: "Future[tuple[_Stream, _Piece]]") -> None:
        try:
            future.result()[0].close()
        except ZegelError as error:
            self._blame(source, error)

    def _open(self, source: Source, number: int, end: int) -> "tuple[_Stream, _Piece]":
        began = time.monotonic()
        stream = _Stream(source, self.outline, number, end, self.verify)
        try:
            piece = stream.piece(number)
        except BaseException:
            stream.close()
            raise
        source.health.good(time.monotonic() - began)
        return stream, piece

    def _blame(self, source: Source, error: ZegelError) -> None:
        if isinstance(error, Unavailable):
            source.health.bad(error)
        else:
            self.report(source.copy)

    def _unverifiable(self, start: int, end: int) -> Iterator[bytes]:
        worst: ZegelError = missing()
        for source in sorted(self.sources, key=_order):
            try:
                pieces = source.driver.read(source.copy.name, start, end - start)
                first = next(pieces, b"")
            except ZegelError as error:
                worst = worse(worst, error)
                self._blame(source, error)
                continue
            whole = (start, end) == (0, self.outline.size)
            return self._as_a_whole(source, first, pieces) if whole else _after(first, pieces)
        raise worst

    def _as_a_whole(self, source: Source, first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
        digest, held = hashlib.sha256(first), first
        for piece in pieces:
            digest.update(piece)
            yield held
            held = piece
        if digest.hexdigest() != self.outline.sha256:
            self.report(source.copy)
            raise altered()
        yield held


_Piece = list[bytes]
"""One piece, as its bytes came: nothing is copied together that can be handed on."""


class _Stream:
    """One source from some piece on."""

    def __init__(self, source: Source, outline: Outline, number: int, end: int, verify: bool):
        self.source = source
        self._outline = outline
        self._verify = verify
        first = number * PIECE_BYTES
        # To the border of the last piece, so that it can be verified.
        last = min(-(-end // PIECE_BYTES) * PIECE_BYTES, outline.size)
        # A whole object is asked for as such: a range costs some servers more.
        whole = (first, last) == (0, outline.size)
        self._pieces = source.driver.read(source.copy.name, first, None if whole else last - first)
        self._rest = b""

    def piece(self, number: int) -> _Piece:
        """The next piece, verified; raises Damaged, NotFound, Unavailable."""
        left = min(PIECE_BYTES, self._outline.size - number * PIECE_BYTES)
        gathered, digest = _Piece(), hashlib.sha256()
        while left:
            part = self._rest or next(self._pieces, b"")
            if not part:
                raise altered()
            part, self._rest = part[:left], part[left:]
            left -= len(part)
            gathered.append(part)
            if self._verify:
                digest.update(part)
        if self._verify and digest.digest() != self._outline.digest(number):
            raise altered()
        return gathered

    def close(self) -> None:
        close = getattr(self._pieces, "close", None)
        if close is not None:
            with suppress(Exception):
                close()


def _within(piece: _Piece, start: int, end: int) -> Iterator[bytes]:
    """What lies between two places of a piece, in parts of at most 256 KiB."""
    at = 0
    for part in piece:
        wanted = part[max(start - at, 0) : max(end - at, 0)]
        at += len(part)
        for cut in range(0, len(wanted), PIECE):
            yield wanted[cut : cut + PIECE]


def altered() -> Damaged:
    """What the storage returned is not what was written."""
    return Damaged("The storage returned something else than what was written.", code="blob-altered")


def _order(source: Source) -> tuple[bool, bool, bool, float]:
    health = source.health
    return (health.open, health.lagging, not source.driver.guarantees.prompt, health.latency)


def worse(one: ZegelError, other: ZegelError) -> ZegelError:
    """What the reader should hear when every copy failed: that it may work later, before that it is damaged or gone."""
    rank = {NotFound: 0, Damaged: 1, Unavailable: 2}
    return max(one, other, key=lambda error: rank.get(type(error), 3))


def _after(first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from pieces

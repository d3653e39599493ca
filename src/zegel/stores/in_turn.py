"""One reading after another: while a blob changes its shape, its copies and its shares can both be read."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from zegel.errors import ZegelError
from zegel.parcels.copies import Outline
from zegel.stores.drivers.driver import missing
from zegel.stores.reading import worse


class Readable(Protocol):
    """What ``reading.Reading`` and ``share_reading.ShareReading`` have in common."""

    @property
    def outline(self) -> Outline: ...
    def pieces(self, start: int = 0, length: int | None = None) -> Iterator[bytes]: ...


class InTurn:
    """A ``Readable``: what one reading did not bring, the next one does, from the byte where it ended."""

    def __init__(self, readings: Sequence[Readable]):
        self._readings = readings
        self.outline = readings[0].outline

    def pieces(self, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Whatever can fail at once fails before the first piece."""
        pieces, left = self._begin(list(self._readings), start, length, missing())
        return self._go_on(pieces, left, start, length)

    def _begin(
        self, left: list[Readable], start: int, length: int | None, worst: ZegelError
    ) -> tuple[Iterator[bytes], list[Readable]]:
        while left:
            try:
                return left.pop(0).pieces(start, length), left
            except ZegelError as error:
                worst = worse(worst, error)
        raise worst

    def _go_on(self, pieces: Iterator[bytes], left: list[Readable], start: int, length: int | None) -> Iterator[bytes]:
        while True:
            try:
                for piece in pieces:
                    start += len(piece)
                    length = None if length is None else length - len(piece)
                    yield piece
                return
            except ZegelError as error:
                pieces, left = self._begin(left, start, length, error)

"""Pictures for officers' pages, as whole numbers that a template writes into an SVG: no script, nothing from elsewhere.

A picture is 1000 units wide. Numbers are whole, so that no language's decimal comma gets into an attribute.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH = 1000
_LEAST = 6
"""A part that is there is seen, however small."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A rectangle; ``kind`` is its colour: good, short, bad, away, none, or a shade from 0 to 4."""

    kind: str
    x: int
    y: int
    width: int
    height: int
    text: str = ""


def bar(parts: Mapping[str, int]) -> tuple[Mark, ...]:
    """One bar of parts beside each other; empty when there is nothing. Kind → how many."""
    total = sum(parts.values())
    if not total:
        return ()
    there = {kind: max(_LEAST, round(WIDTH * count / total)) for kind, count in parts.items() if count}
    # What small parts took too much, the largest gives back.
    largest = max(there, key=lambda kind: there[kind])
    there[largest] -= sum(there.values()) - WIDTH
    marks, x = [], 0
    for kind, width in there.items():
        marks.append(Mark(kind, x, 0, width, 40))
        x += width
    return tuple(marks)


@dataclass(frozen=True, slots=True)
class Word:
    """A text at a point."""

    text: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Quilt:
    """Squares: a row per class, a column per patch; the darker, the larger the part of the class that lies there."""

    height: int
    marks: tuple[Mark, ...]
    rows: tuple[Word, ...]
    columns: tuple[Word, ...]


_LABEL, _SQUARE, _GAP = 150, 110, 14


def quilt(patches: Sequence[str], classes: Sequence[tuple[str, int, Mapping[str, int]]]) -> Quilt:
    """``classes``: (name, blobs, patch → blobs there)."""
    step = min(260, (WIDTH - _LABEL) // max(1, len(patches)))
    marks, rows = [], []
    for number, (name, blobs, at) in enumerate(classes):
        y = 4 + number * (_SQUARE + _GAP)
        rows.append(Word(name, 0, y + _SQUARE // 2))
        for place, patch in enumerate(patches):
            count = at.get(patch, 0)
            marks.append(
                Mark(shade(count, blobs), _LABEL + place * step, y, step - _GAP, _SQUARE, str(count) if count else "")
            )
    bottom = len(classes) * (_SQUARE + _GAP)
    columns = tuple(Word(patch, _LABEL + place * step, bottom + 48) for place, patch in enumerate(patches))
    return Quilt(bottom + 70, tuple(marks), tuple(rows), columns)


def shade(count: int, total: int) -> str:
    """0 for nothing, then a quarter each up to 4."""
    return str(-(-4 * count // total)) if total else "0"


@dataclass(frozen=True, slots=True)
class Stream:
    """From one box to another: the two ends of a curve."""

    kind: str
    path: str
    text: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Flow:
    """What would leave where, and where it would go."""

    height: int
    boxes: tuple[Mark, ...]
    streams: tuple[Stream, ...]


_BOX, _TALL, _APART = 330, 130, 40


def flow(sources: Sequence[str], targets: Sequence[tuple[str, str, bool]]) -> Flow:
    """``targets``: (name, what is written on the way there, whether it is a place at all)."""
    rows = max(len(sources), len(targets), 1)
    height = rows * (_TALL + _APART) - _APART
    left = _column(sources, height)
    right = _column([name for name, _, _ in targets], height)
    boxes = [Mark("gone", 0, y, _BOX, _TALL, name) for name, y in left]
    boxes += [
        Mark("place" if real else "bad", WIDTH - _BOX, y, _BOX, _TALL, name)
        for (name, y), (_, _, real) in zip(right, targets, strict=True)
    ]
    streams = []
    for (_, y), (_, text, real) in zip(right, targets, strict=True):
        for number, (_, start) in enumerate(left):
            from_y, to_y = start + _TALL // 2, y + _TALL // 2
            path = f"M{_BOX} {from_y} C{WIDTH // 2} {from_y} {WIDTH // 2} {to_y} {WIDTH - _BOX} {to_y}"
            streams.append(
                Stream("way" if real else "bad", path, "" if number else text, WIDTH - _BOX - 20, to_y - 34)
            )  # fmt: skip
    return Flow(height, tuple(boxes), tuple(streams))


def _column(names: Sequence[str], height: int) -> list[tuple[str, int]]:
    used = len(names) * (_TALL + _APART) - _APART
    return [(name, (height - used) // 2 + number * (_TALL + _APART)) for number, name in enumerate(names)]


@dataclass(frozen=True, slots=True)
class Line:
    """One patch over time; ``points`` as a polyline has them."""

    number: int
    points: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over days; ``first`` and ``last`` are the days at its ends, ``most`` the value at its top."""

    lines: tuple[Line, ...]
    most: int
    first: int
    last: int


_TALLEST = 300


def chart(series: Sequence[Sequence[tuple[int, int]]]) -> Chart | None:
    """``series``: per line (day, value), in order of days; None when there is nothing that makes a line."""
    days = [day for line in series for day, _ in line]
    if not days or min(days) == max(days):
        return None
    first, last, most = min(days), max(days), max(value for line in series for _, value in line)

    def point(day: int, value: int) -> str:
        y = _TALLEST - (_TALLEST * value // most if most else 0)
        return f"{10 + (WIDTH - 20) * (day - first) // (last - first)},{y + 10}"

    lines = [Line(number % 6, " ".join(point(*one) for one in line)) for number, line in enumerate(series)]
    return Chart(tuple(lines), most, first, last)

"""``what_if_gone``: what it would mean that some patches are no longer there. Numbers in, numbers out.

Blobs are grouped by what matters and counted by the database: a million blobs are a few dozen groups here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

GB = 10**9


@dataclass(frozen=True, slots=True)
class Group:
    """Blobs of one class that lie on exactly these patches. ``needed``: how many of the places make one whole blob."""

    class_: int
    patches: frozenset[str]
    blobs: int
    size: int
    needed: int = 1


@dataclass(frozen=True, slots=True)
class Loss:
    """What happens to the blobs of one class."""

    class_: int
    unreadable: int = 0
    """Gone for ever when the patches' bytes are destroyed: no other copy exists."""
    under_copied: int = 0
    """Readable, with fewer places than wanted."""
    unavailable: int = 0
    """Not lost, and not readable either: what is left of it lies on patches that are cut."""
    untouched: int = 0
    bytes_to_move: int = 0


@dataclass(frozen=True, slots=True)
class Leaving:
    """The whole answer; ``seconds`` from measured or assumed bytes per second, ``egress_eur`` None when unknown."""

    losses: tuple[Loss, ...]
    bytes_to_move: int
    seconds: float
    egress_eur: Decimal | None

    @property
    def unreadable(self) -> int:
        return sum(loss.unreadable for loss in self.losses)

    @property
    def unavailable(self) -> int:
        return sum(loss.unavailable for loss in self.losses)

    @property
    def under_copied(self) -> int:
        return sum(loss.under_copied for loss in self.losses)

    @property
    def untouched(self) -> int:
        return sum(loss.untouched for loss in self.losses)


def what_if_gone(
    groups: Iterable[Group],
    gone: frozenset[str],
    wanted: Mapping[int, int],
    bytes_per_second: float,
    egress_eur_per_gb: Decimal | None,
    cut: frozenset[str] = frozenset(),
) -> Leaving:
    """Count per class. ``wanted`` is the number of places that the policy wants; a class that is missing wants one.

    ``cut`` are patches that hold copies and are not read now.
    """
    found: dict[int, Loss] = {}
    for group in groups:
        before = found.get(group.class_, Loss(group.class_))
        left = group.patches - gone
        hit = bool(group.patches & gone)
        lost = hit and len(left) < group.needed
        away = hit and not lost and len(left - cut) < group.needed
        short = hit and not lost and not away and len(left) < wanted.get(group.class_, 1)
        found[group.class_] = Loss(
            group.class_,
            before.unreadable + group.blobs * lost,
            before.under_copied + group.blobs * short,
            before.unavailable + group.blobs * away,
            before.untouched + group.blobs * (not lost and not short and not away),
            before.bytes_to_move + group.size * (lost or short or away),
        )
    moved = sum(loss.bytes_to_move for loss in found.values())
    price = None if egress_eur_per_gb is None else (egress_eur_per_gb * moved / GB).quantize(Decimal("0.01"))
    return Leaving(tuple(found[class_] for class_ in sorted(found)), moved, moved / bytes_per_second, price)

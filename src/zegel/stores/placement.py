"""Where a blob of a class goes: facts in, places or a refusal out, with every rule that fired. Pure.

The rules about one supplier are ``suppliers.policy``'s. The rules about a *set* of places are here:

* copies lie with different suppliers: two that share an owner count as one (they are sold together). Patches of our own
  are different places to us, because nobody can sell them;
* from a certain class on, suppliers under non-European control may help keep a blob, and never have it alone;
* fewer places than ``least`` is a refusal; fewer than ``copies`` is a placement that says what it lacks.

Of a class that is kept in *shares*, a place is one share, so nobody outside has two. A supplier that still holds a
share which it could not delete (a *burden*) is as good as a holder. And those under non-European control are counted
together, as if one law emptied them all: they must not be able to make the message, nor to withhold it.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from typing import Literal

from zegel.errors import Mistake
from zegel.suppliers.policy import Policy, Verdict, eligible
from zegel.suppliers.supplier import Supplier

PatchState = Literal["open", "read-only", "leaving", "cut"]
"""``read-only`` takes no new copies; ``leaving`` is being evacuated; ``cut`` is neither read nor written."""


@dataclass(frozen=True, slots=True)
class PatchFacts:
    """What placement knows of a patch. A lower ``rank`` is taken first; equals share the blobs among them."""

    name: str
    supplier: Supplier | None
    state: PatchState = "open"
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Spread:
    """How a class is spread: ``copies`` wanted; a sender is answered when ``least`` of them are durable.

    ``shares`` > 0 asks for erasure coding instead: ``copies`` shares of which any ``shares`` make the blob.
    """

    copies: int = 1
    least: int = 1
    shares: int = 0

    @property
    def needed(self) -> int:
        """How many places make one whole blob."""
        return self.shares or 1


@dataclass(frozen=True, slots=True)
class Judged:
    """One patch, and what speaks against it (empty: nothing)."""

    patch: str
    supplier: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Placement:
    """``places`` in order of preference; ``short`` of how many copies; ``judged`` every patch with its reasons."""

    class_: int
    places: tuple[str, ...]
    short: int
    judged: tuple[Judged, ...]
    needed: int = 1
    """How many of the places make the message."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A class that cannot be placed. ``rules`` are about the set, ``judged`` about each patch."""

    class_: int
    rules: tuple[str, ...]
    judged: tuple[Judged, ...]

    def error(self) -> Mistake:
        """The refusal as the sender hears it."""
        said = [*self.rules, *(f"{one.patch}: {reason}" for one in self.judged for reason in one.reasons)]
        return Mistake(
            "A message of class {number} cannot be stored under the rules of this organisation: {reasons}.",
            code="unplaceable",
            number=self.class_,
            reasons="; ".join(said),
        )


def place(
    class_: int,
    patches: Sequence[PatchFacts],
    spread: Spread,
    policy: Policy,
    day: date,
    blob: str = "",
    keep: Iterable[str] = (),
    burden: Iterable[str] = (),
) -> Placement | Refusal:
    """Choose places for ``blob``; ``keep`` are patches that have it already and are kept when the rules let them.

    ``burden`` are patches that hold another share of it and have not deleted it; they and their owners get no more.
    """
    kept, burdened = frozenset(keep), frozenset(burden)
    verdicts = {patch.name: eligible(class_, patch.supplier, day, policy) for patch in patches}
    judged = tuple(_judge(patch, verdicts[patch.name], patch.name in kept, patch.name in burdened) for patch in patches)
    holders = tuple(patch for patch in patches if patch.name in burdened)
    against = {one.patch: one.reasons for one in judged}
    able = sorted((patch for patch in patches if not against[patch.name]), key=lambda one: _order(one, blob, kept))
    for count in range(min(spread.copies, len(able)), max(spread.least, spread.needed) - 1, -1):
        for chosen in combinations(able, count):
            if _apart((*holders, *chosen), day) and _in_custody(chosen, verdicts, spread.needed):
                names = tuple(one.name for one in chosen)
                return Placement(class_, names, spread.copies - count, judged, spread.needed)
    return Refusal(class_, _rules(able, spread, verdicts), judged)


def _judge(patch: PatchFacts, verdict: Verdict, kept: bool, burdened: bool) -> Judged:
    reasons = [str(reason) for reason in verdict.reasons]
    if burdened:
        reasons.append("holds-a-share (one that it has not deleted yet)")
    if patch.state in ("leaving", "cut") or (patch.state == "read-only" and not kept):
        reasons.append(f"patch-{patch.state} (it takes no new copies)")
    return Judged(patch.name, patch.supplier.name if patch.supplier else "", tuple(reasons))


def _order(patch: PatchFacts, blob: str, kept: frozenset[str]) -> tuple[bool, int, bytes]:
    # Rendezvous hashing: every blob has its own order among equals, and a new patch moves no more than its share.
    return (patch.name not in kept, patch.rank, hashlib.sha256(f"{blob} {patch.name}".encode()).digest())


def _apart(chosen: Sequence[PatchFacts], day: date) -> bool:
    seen: set[str] = set()
    for patch in chosen:
        if patch.supplier is None or patch.supplier.relation == "own":
            continue
        controllers = patch.supplier.controllers(day)
        if seen & controllers:
            return False
        seen |= controllers
    return True


def _in_custody(chosen: Sequence[PatchFacts], verdicts: dict[str, Verdict], needed: int) -> bool:
    """Those under non-European control never have it alone; of shares they cannot make it, and are not needed to."""
    ours = sum(verdicts[one.name].custody for one in chosen)
    return ours >= needed and (needed == 1 or len(chosen) - ours < needed)


def _rules(able: Sequence[PatchFacts], spread: Spread, verdicts: dict[str, Verdict]) -> tuple[str, ...]:
    least = max(spread.least, spread.needed)
    if len(able) < least:
        return (f"too-few-places ({len(able)} of {least} that are needed at least)",)
    ours = sum(verdicts[patch.name].custody for patch in able)
    if not ours:
        return ("sole-custody (all that are left are under non-European control)",)
    if ours < spread.needed:
        return (f"sole-custody ({spread.needed} shares make it, and only {ours} can lie under European control)",)
    return (f"too-few-suppliers (fewer than {least} that do not share an owner and include a European one)",)

"""The patches that are configured, what is known of them now, and where a class goes: placement with today's facts."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

from zegel.parcels.copies import Copy, CopyState, Outline
from zegel.stores.drivers.driver import Driver, silent
from zegel.stores.health import Health
from zegel.stores.placement import PatchFacts, Placement, Refusal, Spread, place
from zegel.suppliers.policy import HIGHEST, Policy
from zegel.suppliers.register import parse_supplier
from zegel.suppliers.supplier import OWN, Supplier

_NO_LANDING = "no-landing (it comes whole, is to be kept in shares, and no patch of our own takes it)"
_FRESH = 1.0
"""Seconds that states and suppliers are believed: so soon does ``cut`` reach every process."""


class Ledger(Protocol):
    """What the patchwork needs of the records; wiring hands them over (docs/decisions/0010-patchwork.md)."""

    def transaction(self) -> AbstractContextManager[None]: ...
    def copies_of(self, blobs: Sequence[str]) -> dict[str, list[Copy]]: ...
    def set_copies(self, copies: Sequence[Copy], state: CopyState, now: datetime) -> int: ...
    def forget_copies(self, copies: Sequence[Copy]) -> None: ...
    def doom(self, blobs: Sequence[str], now: datetime) -> list[Copy]: ...
    def add_outline(self, outline: Outline, now: datetime) -> None: ...
    def outline(self, blob: str) -> Outline | None: ...
    def patch_rows(self) -> dict[str, dict[str, Any]]: ...
    def suppliers(self) -> dict[str, str]: ...


@dataclass(frozen=True, slots=True)
class Patch:
    """One patch as the configuration has it."""

    name: str
    driver: Driver
    supplier: str = "own"
    rank: int = 0
    health: Health = field(default_factory=Health)


class Choosing:
    """The part of the patchwork that chooses places."""

    def __init__(
        self,
        patches: Sequence[Patch],
        ledger: Ledger,
        clock: Callable[[], datetime],
        policy: Policy | None = None,
        spreads: Mapping[int, Spread] | None = None,
    ):
        self.patches = {patch.name: patch for patch in patches}
        self.ledger = ledger
        self.clock = clock
        self.policy = policy or Policy()
        self._spreads = dict(spreads or {})
        self._facts: tuple[float, tuple[PatchFacts, ...]] = (-_FRESH, ())
        self._chosen: dict[object, Placement | Refusal] = {}

    def spread(self, class_: int) -> Spread:
        """How the configuration spreads a class."""
        return self._spreads.get(class_, Spread())

    def facts(self) -> tuple[PatchFacts, ...]:
        """Every patch with its supplier and state, at most a second old."""
        moment, facts = self._facts
        if time.monotonic() - moment < _FRESH:
            return facts
        rows, register = self.ledger.patch_rows(), self.register()
        found = tuple(
            PatchFacts(
                patch.name, register.get(patch.supplier), rows.get(patch.name, {}).get("state", "open"), patch.rank
            )
            for patch in self.patches.values()
        )
        self._facts = (time.monotonic(), found)
        self._chosen = {}
        return found

    def refresh(self) -> None:
        """Forget what was known of states and suppliers: somebody has just changed them."""
        self._facts = (-_FRESH, ())

    def register(self) -> dict[str, Supplier]:
        """Every supplier that was imported, and ourselves."""
        return {"own": OWN, **{name: parse_supplier(text) for name, text in self.ledger.suppliers().items()}}

    def explain(
        self,
        class_: int,
        blob: str = "",
        keep: Collection[str] = (),
        avoid: Collection[str] = (),
        burden: Collection[str] = (),
    ) -> Placement | Refusal:
        """Where this class goes and why. ``avoid`` are patches that get nothing new, because they are away.

        ``burden`` are patches that hold a share which they should have deleted.
        """
        facts, day = self.facts(), self.clock().date()
        # With one patch every blob goes the same way, many times a second.
        asked = (class_, self.spread(class_), day, frozenset(keep), frozenset(avoid), blob if len(facts) > 1 else "")
        if found := self._chosen.get(asked):
            return found
        now = [replace(one, state="read-only") if one.name in avoid and one.state == "open" else one for one in facts]
        found = place(class_, now, self.spread(class_), self.policy, day, blob, keep, burden)
        if len(facts) == 1:
            self._chosen[asked] = found
        return found

    def places(self, class_: int, blob: str = "", keep: Collection[str] = ()) -> tuple[str, ...]:
        """Where this class goes when every patch answers; raises Mistake ``unplaceable``."""
        found = self.explain(class_, blob, keep)
        if isinstance(found, Refusal):
            raise found.error()
        return found.places

    def _living(self, class_: int, blob: str) -> tuple[str, ...]:
        found = self.explain(class_, blob, avoid=self._away())
        return found.places if isinstance(found, Placement) else self.places(class_, blob)

    def _landing(self, blob: str) -> tuple[str, ...]:
        if any(spread.shares for spread in self._spreads.values()):
            return self._landing_at_home(blob)
        for class_ in range(HIGHEST, -1, -1):
            if isinstance(self.explain(class_, blob), Placement):
                return self._living(class_, blob)
        return self.places(0, blob)

    def _landing_at_home(self, blob: str) -> tuple[str, ...]:
        """Its class may be one that no supplier holds whole, so until the class is known it stays with ourselves."""
        away, spread = self._away(), self.spread(HIGHEST)
        own = [one for one in self.facts() if one.supplier and one.supplier.relation == "own"]
        here = [one for one in own if one.name not in away]
        wish = Spread() if spread.shares else Spread(spread.copies, 1)
        found = place(HIGHEST, here, wish, self.policy, self.clock().date(), blob)
        if isinstance(found, Placement):
            return found.places
        if any(one.state == "open" for one in own):
            raise silent()
        class_ = max(class_ for class_, spread in self._spreads.items() if spread.shares)
        raise Refusal(class_, (_NO_LANDING,), found.judged).error()

    def _away(self) -> set[str]:
        return {name for name, patch in self.patches.items() if patch.health.open}

    def readable(self, patch: str) -> bool:
        """Whether the patch may be read: it is configured, and not cut."""
        return any(one.name == patch and one.state != "cut" for one in self.facts())

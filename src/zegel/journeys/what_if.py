"""What if a patch or a supplier were gone; what the patches hold; who the suppliers are."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from zegel.audit.events import Event
from zegel.errors import NotFound
from zegel.journeys.plan_reports import due_after, is_due
from zegel.journeys.ports.clock import Clock
from zegel.journeys.ports.patches import Patches, PatchRecords
from zegel.stores.placement import Placement, Refusal
from zegel.suppliers.exposure import Exposure, exposure
from zegel.suppliers.gone import Group, Leaving, what_if_gone
from zegel.suppliers.register import read_suppliers, spell_supplier
from zegel.suppliers.supplier import Supplier

ASSUMED_BYTES_PER_SECOND = 50e6
"""Until a drill has measured better."""


@dataclass(frozen=True, slots=True)
class PatchReport:
    """One line about a patch."""

    patch: str
    supplier: str
    state: str
    objects: int
    size: int
    wanted: int
    broken: int
    doomed: int
    error_rate: float
    latency_ms: int
    found_broken: int
    patrolled: datetime | None
    drill_due: bool
    reason: str = ""
    """Why it is not open, as whoever decided that said it."""
    drilled: datetime | None = None
    due: datetime | None = None
    """When the next drill is due; None: now."""


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The answer, and where each class would go then (or why it could not)."""

    gone: tuple[str, ...]
    leaving: Leaving
    then: dict[int, Placement | Refusal]
    bytes_per_second: float = ASSUMED_BYTES_PER_SECOND
    measured: bool = False
    """Whether a drill measured that speed: the slowest one of what would be gone."""


@dataclass(frozen=True, slots=True)
class Survey:
    """Questions about patches and suppliers; only :meth:`import_suppliers` changes anything."""

    records: PatchRecords
    patches: Patches
    clock: Clock

    def what_if(self, name: str) -> WhatIf:
        """Raises NotFound ``unknown-patch``: neither a patch nor a supplier has this name."""
        gone, price = self._named(name)
        groups = [
            Group(class_, places, blobs, size, needed)
            for class_, places, blobs, size, needed in self.records.copy_groups()
        ]
        wanted = {class_: self.patches.spread(class_).copies for class_ in range(5)}
        cut = frozenset(one.name for one in self.patches.facts() if one.state == "cut")
        rows = self.records.patch_rows()
        rates = [rate for name in gone if (rate := rows.get(name, {}).get("drill_rate"))]
        rate = min(rates, default=ASSUMED_BYTES_PER_SECOND)
        answer = what_if_gone(groups, frozenset(gone), wanted, rate, price, cut)
        then = {class_: self.patches.explain(class_, avoid=gone) for class_ in range(5)}
        return WhatIf(gone, answer, then, rate, bool(rates))

    def _named(self, name: str) -> tuple[tuple[str, ...], Decimal | None]:
        facts = self.patches.facts()
        gone = tuple(one.name for one in facts if one.name == name or (one.supplier and one.supplier.name == name))
        if not gone:
            raise NotFound("There is no patch and no supplier “{name}” here.", code="unknown-patch", name=name)
        prices = [one.supplier.egress_eur_per_gb if one.supplier else None for one in facts if one.name in gone]
        known = [price for price in prices if price is not None]
        return gone, max(known) if len(known) == len(prices) else None

    def patch_reports(self) -> list[PatchReport]:
        """Every configured patch, and those that have only rows left."""
        totals, rows, now = self.records.copy_totals(), self.records.patch_rows(), self.clock()
        facts = {one.name: one for one in self.patches.facts()}
        found = []
        for name in sorted({*facts, *rows, *(patch for patch, _ in totals)}):
            row, fact = rows.get(name, {}), facts.get(name)
            looked, failed = row.get("looked", 0), row.get("failed", 0)
            objects, size = totals.get((name, "whole"), (0, 0))
            found.append(
                PatchReport(
                    patch=name,
                    supplier=fact.supplier.name if fact and fact.supplier else "",
                    state=fact.state if fact else "not configured",
                    objects=objects,
                    size=size,
                    wanted=totals.get((name, "wanted"), (0, 0))[0],
                    broken=totals.get((name, "broken"), (0, 0))[0],
                    doomed=totals.get((name, "doomed"), (0, 0))[0],
                    error_rate=failed / (looked + failed) if looked + failed else 0.0,
                    latency_ms=row.get("latency_ms", 0),
                    found_broken=row.get("broken", 0),
                    patrolled=row.get("patrolled"),
                    drill_due=is_due(row.get("drilled"), now),
                    reason=row.get("reason", ""),
                    drilled=row.get("drilled"),
                    due=due_after(row.get("drilled")),
                )
            )
        return found

    def explain(self, class_: int) -> Placement | Refusal:
        """Where a class goes now, and every rule that fired."""
        return self.patches.explain(class_)

    def suppliers(self) -> list[tuple[Supplier, tuple[str, ...], tuple[Exposure, ...]]]:
        """Each supplier, why it counts as under foreign control (empty: it does not), and which laws reach it."""
        day = self.clock().date()
        known = self.patches.register()
        return [(one, one.foreign_control(day), exposure(one, day)) for _, one in sorted(known.items())]

    def import_suppliers(self, text: str) -> tuple[Supplier, ...]:
        """Add or replace the suppliers of a file; raises Mistake ``bad-suppliers``, importing nothing."""
        found, now = read_suppliers(text), self.clock()
        spelled = {one.name: spell_supplier(one) for one in found}
        with self.records.transaction():
            self.records.put_suppliers(spelled, now)
            for name, facts in spelled.items():
                digest = hashlib.sha256(facts.encode()).hexdigest()
                self.records.append_audit(now, "operator", Event.SUPPLIER_IMPORTED, name, {"sha256": digest})
        self.patches.refresh()
        return found

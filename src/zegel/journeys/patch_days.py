"""How patches were day by day, and the reminder that a drill is due: small steps of the tidy role."""

from dataclasses import dataclass
from datetime import timedelta

from zegel.audit.events import Event
from zegel.journeys.plan_reports import is_due
from zegel.journeys.ports.clock import Clock
from zegel.journeys.ports.patches import Patches, PatchRecords
from zegel.suppliers.plan import PatchDay

KEPT_DAYS = 400
"""A year and a bit: this month can be laid beside that of last year."""
_NAG = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class PatchDays:
    """Once an hour: a row per patch for today, written over; yesterday's stays as its last hour was."""

    records: PatchRecords
    patches: Patches
    clock: Clock

    def round(self) -> None:
        """Note today and remind."""
        self.note()
        self.remind()

    def note(self) -> None:
        """Write today's rows and forget the oldest."""
        today, totals, rows = self.clock().date(), self.records.copy_totals(), self.records.patch_rows()
        days = []
        for name in sorted({*self.patches.names(), *(patch for patch, _ in totals)}):
            objects, size = totals.get((name, "whole"), (0, 0))
            row = rows.get(name, {})
            counted = (row.get("looked", 0), row.get("failed", 0), row.get("broken", 0))
            days.append(PatchDay(name, today, objects, size, *counted))
        with self.records.transaction():
            self.records.put_days(days)
            self.records.sweep_days(today - timedelta(days=KEPT_DAYS))

    def remind(self) -> list[str]:
        """Say that a drill is due, once in 30 days per patch, until it is held; returns which patches."""
        now, rows = self.clock(), self.records.patch_rows()
        if len(self.patches.names()) == 1:
            return []  # there is nowhere to practise going
        due = [
            name
            for name in self.patches.names()
            if is_due(rows.get(name, {}).get("drilled"), now)
            and now - (rows.get(name, {}).get("reminded") or now - _NAG) >= _NAG
        ]
        for name in due:
            with self.records.transaction():
                self.records.set_patch(name, now, reminded=now)
                self.records.append_audit(now, "sweeper", Event.DRILL_DUE, name, {})
        return due

"""Tend the patches: make copies that miss, replace broken ones, delete doomed ones, check all of them over time.

No key is needed: a row has the digest of the sealed bytes. Every step may be cut off anywhere; the next round goes on.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

from zegel.audit.events import Event
from zegel.errors import Unavailable, ZegelError
from zegel.journeys.patch_ports import Patches, PatchRecords
from zegel.journeys.ports import Clock
from zegel.parcels.copies import Copy, CopyState
from zegel.stores.placement import Placement
from zegel.suppliers.policy import HIGHEST

_GRACE = timedelta(days=2)
"""Longer than a receipt is good for: an object without a row may still get one until then."""
_BATCH = 200


@dataclass(frozen=True, slots=True)
class Patrolled:
    """What one patrol of one patch saw."""

    patch: str
    looked: int = 0
    broken: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Tend:
    """Runs in the ``tidy`` role. ``every``: how soon each copy is looked at again."""

    records: PatchRecords
    patches: Patches
    clock: Clock
    every: timedelta = timedelta(days=30)

    def round(self) -> int:
        """Do what waits; returns how many copies were put right. What fails waits for the next round."""
        return self._delete_doomed() + self._replace_broken() + self._make_wanted()

    # Waiting work -------------------------------------------------------------------------------------------------

    def _delete_doomed(self) -> int:
        doomed = self._waiting("doomed")
        failed = self.patches.remove(doomed) if doomed else {}
        return len(doomed) - len(failed)

    def _make_wanted(self) -> int:
        return sum(self._put_right(copy) for copy in self._waiting("wanted"))

    def _waiting(self, state: CopyState) -> list[Copy]:
        readable = [patch for patch in self.patches.names() if self.patches.readable(patch)]
        return self.records.copies_to_do(state, readable, _BATCH)

    def _replace_broken(self) -> int:
        done = 0
        for copy in self._waiting("broken"):
            with suppress(Unavailable):
                # A copy may have looked broken for a moment: a proxy between, a listing that lagged behind.
                if self.patches.verify(copy):
                    done += self._change(copy, "whole")
                elif self._others(copy) and not self.patches.delete_at(copy.patch, [copy.name]):
                    done += self._put_right(copy)
        return done

    def _put_right(self, copy: Copy) -> bool:
        """Make the copy where its row says, or elsewhere when the rules do not want it there any more."""
        others = self._others(copy)
        if not others:
            return False
        found = self.patches.explain(copy.class_, copy.blob, keep=[*(other.patch for other in others), copy.patch])
        if isinstance(found, Placement) and copy.patch not in found.places:
            return self._move_row(copy, found, others)
        try:
            self.patches.make(copy, others)
        except ZegelError:
            return False
        changed = self._change(copy, "whole")
        if changed:
            self._trim(copy)
        return changed

    def _trim(self, copy: Copy) -> None:
        """Give up copies beyond what the class wants, such as the one where an upload landed."""
        rows = self.records.copies_of([copy.blob]).get(copy.blob, [])
        whole = [row for row in rows if row.state == "whole"]
        found = self.patches.explain(copy.class_, copy.blob)
        if len(whole) == len(rows) > self.patches.spread(copy.class_).copies and isinstance(found, Placement):
            kept = [row for row in whole if row.patch in found.places]
            if len(kept) >= self.patches.spread(copy.class_).copies:
                with self.records.transaction():
                    surplus = [row for row in whole if row not in kept]
                    self.records.set_copies(surplus, "doomed", self.clock())

    def _move_row(self, copy: Copy, found: Placement, others: Sequence[Copy]) -> bool:
        taken = {other.patch for other in others}
        target = next((place for place in found.places if place not in taken), None)
        with self.records.transaction():
            if self.records.set_copies([copy], "doomed", self.clock()) and target:
                self.records.add_copies([replace(copy, patch=target, state="wanted", row=0)], self.clock())
        return False

    def _others(self, copy: Copy) -> list[Copy]:
        rows = self.records.copies_of([copy.blob]).get(copy.blob, [])
        return [other for other in rows if other.state == "whole" and other.row != copy.row and self._reachable(other)]

    def _reachable(self, copy: Copy) -> bool:
        return copy.patch in self.patches.names() and self.patches.readable(copy.patch)

    def _change(self, copy: Copy, state: str) -> bool:
        now = self.clock()
        with self.records.transaction():
            changed = self.records.set_copies([copy], state, now) == 1  # type: ignore[arg-type]
            if changed and copy.state == "broken":
                self.records.append_audit(now, "patrol", Event.COPY_REPAIRED, copy.blob, {"patch": copy.patch})
        rows = self.records.copies_of([copy.blob]).get(copy.blob, [])
        if not changed and copy.patch not in {row.patch for row in rows}:
            # The blob was deleted while we wrote it; what has no row would lie there until the sweep.
            self.patches.delete_at(copy.patch, [copy.name])
        return changed

    def respread(self) -> int:
        """Want copies for blobs that have fewer than their class asks for now: rules or patches have changed."""
        wanted = 0
        for class_ in range(HIGHEST + 1):
            copies, last = self.patches.spread(class_).copies, ""
            while blobs := self.records.short_of_copies(class_, copies, last) if copies > 1 else []:
                last = blobs[-1]
                rows = self.records.copies_of(blobs)
                more = [copy for blob in blobs for copy in self._more(rows.get(blob, []))]
                with self.records.transaction():
                    self.records.add_copies(more, self.clock())
                wanted += len(more)
        return wanted

    def _more(self, rows: Sequence[Copy]) -> list[Copy]:
        rows = [row for row in rows if row.state != "doomed"]
        taken = {row.patch for row in rows}
        found = self.patches.explain(rows[0].class_, rows[0].blob, keep=taken) if rows else None
        if not isinstance(found, Placement):
            return []
        places = [place for place in found.places if place not in taken]
        return [replace(rows[0], patch=place, state="wanted", row=0, checked=None) for place in places]

    # Patrol -------------------------------------------------------------------------------------------------------

    def patrol(self, patch: str, most: int = 100) -> Patrolled:
        """Check the copies that were checked longest ago, by digest; what is not right becomes ``broken``."""
        now = self.clock()
        seen = Patrolled(patch)
        good: list[Copy] = []
        for copy in self.records.copies_to_check(patch, now - self.every, most):
            try:
                right = self.patches.verify(copy)
            except Unavailable:
                seen = replace(seen, failed=seen.failed + 1)
                if seen.failed >= 3:
                    break
                continue
            seen = replace(seen, looked=seen.looked + 1, broken=seen.broken + (not right))
            if right:
                good.append(copy)
            else:
                self._found_broken(copy, now)
        self._note(seen, good, now)
        return seen

    def _found_broken(self, copy: Copy, now: datetime) -> None:
        with self.records.transaction():
            if self.records.set_copies([copy], "broken", now):
                self.records.append_audit(now, "patrol", Event.COPY_BROKEN, copy.blob, {"patch": copy.patch})

    def _note(self, seen: Patrolled, good: Sequence[Copy], now: datetime) -> None:
        before = self.records.patch_rows().get(seen.patch, {})
        counted = {name: before.get(name, 0) + getattr(seen, name) for name in ("looked", "failed", "broken")}
        latency = int(self.patches.latency(seen.patch) * 1000)
        with self.records.transaction():
            self.records.check_copies(good, now)
            self.records.set_patch(seen.patch, now, patrolled=now, latency_ms=latency, **counted)

    def patrol_all(self, most: int = 100) -> list[Patrolled]:
        """One patrol of every patch that may be read."""
        return [self.patrol(patch, most) for patch in self.patches.names() if self.patches.readable(patch)]

    # Orphans ------------------------------------------------------------------------------------------------------

    def sweep(self, grace: timedelta = _GRACE) -> int:
        """Delete objects that have no row and are older than the grace period; returns how many."""
        removed = 0
        for patch in self.patches.names():
            if self.patches.readable(patch):
                with suppress(Unavailable):
                    removed += self._sweep(patch, self.clock() - grace)
        with self.records.transaction():
            self.records.sweep_outlines(self.clock() - grace)
        return removed

    def _sweep(self, patch: str, before: datetime) -> int:
        removed = self.patches.sweep(patch, before)
        old = (stored.name for stored in self.patches.listing(patch) if stored.moment < before)
        while batch := list(islice(old, _BATCH)):
            orphans = sorted(set(batch) - self.records.known_names(patch, batch))
            removed += len(orphans) - len(self.patches.delete_at(patch, orphans)) if orphans else 0
        return removed

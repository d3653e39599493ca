"""Tend the patches: make copies that miss, replace broken ones, delete doomed ones, check all of them over time.

No key is needed: a row has the digest of the sealed bytes. Every step may be cut off anywhere; the next round goes on.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

from zegel.audit.events import Event
from zegel.errors import Unavailable, ZegelError
from zegel.journeys.ports.clock import Clock
from zegel.journeys.ports.patches import Patches, PatchRecords
from zegel.journeys.shapes import burdened, going, in_shape, lacking, model_of, still_there
from zegel.parcels.copies import Copy, CopyState, complete
from zegel.stores.placement import Placement, Spread
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
        self._put_last([copy for copy in doomed if f"{copy.patch}/{copy.name}" in failed])
        return len(doomed) - len(failed)

    def _make_wanted(self) -> int:
        wanted = self._waiting("wanted")
        left = [copy for copy in wanted if not self._put_right(copy)]
        self._put_last(left)
        return len(wanted) - len(left)

    def _waiting(self, state: CopyState) -> list[Copy]:
        """So many of each patch: one that is away, or will not delete, holds up no other."""
        readable = [patch for patch in self.patches.names() if self.patches.readable(patch)]
        return [copy for patch in readable for copy in self.records.copies_to_do(state, [patch], _BATCH)]

    def _put_last(self, copies: Sequence[Copy]) -> None:
        """What could not be done comes after all else at its patch: a lock of years on some holds up no other."""
        now = self.clock()
        if copies:
            with self.records.transaction():
                for state in {copy.state for copy in copies}:
                    self.records.set_copies([copy for copy in copies if copy.state == state], state, now)

    def _replace_broken(self) -> int:
        done = 0
        for copy in self._waiting("broken"):
            right = False
            with suppress(Unavailable):
                # A copy may have looked broken for a moment: a proxy between, a listing that lagged behind.
                if self.patches.verify(copy):
                    right = self._change(copy, "whole")
                elif complete(self._others(copy)) and self._is_still(copy):
                    right = self._replace(copy)
            done += right
            if not right:
                self._put_last([copy])
        return done

    def _is_still(self, copy: Copy) -> bool:
        """Whether nobody else has put it right since we read the row: then what lies there is whole."""
        return copy in self.records.copies_of([copy.blob]).get(copy.blob, [])

    def _replace(self, copy: Copy) -> bool:
        if self.patches.delete_at(copy.patch, [copy.name]):
            return False
        right = self._put_right(copy)
        if not right:
            # It is not there. Should somebody else have called it whole a moment before, then that is not so now.
            with self.records.transaction():
                self.records.set_copies([replace(copy, state="whole")], "broken", self.clock())
        return right

    def _put_right(self, copy: Copy) -> bool:
        """Make the copy where its row says, or elsewhere when the rules do not want it there any more."""
        others = self._others(copy)
        if not complete(others):
            return False
        rows = self.records.copies_of([copy.blob]).get(copy.blob, [])
        fitting = in_shape(rows, self.patches.spread(copy.class_))
        if copy.row in {row.row for row in fitting}:
            keep = [row.patch for row in fitting if row.state == "whole"]
            found = self.patches.explain(copy.class_, copy.blob, [*keep, copy.patch], burden=burdened(rows))
            if isinstance(found, Placement) and copy.patch not in found.places:
                return self._move_row(copy, found, fitting, rows)
        try:
            made = self.patches.make(copy, others)
        except ZegelError:
            return False
        changed = self._change(copy, "whole", made)
        if changed:
            self._trim(copy.class_, self.records.copies_of([copy.blob]).get(copy.blob, []))
        return changed

    def _trim(self, class_: int, rows: Sequence[Copy]) -> int:
        """Give up copies beyond what the class wants: where an upload landed, or of the shape that it had before."""
        spread = self.patches.spread(class_)
        fitting = in_shape(rows, spread)
        others = [row for row in rows if row.needed != spread.needed and row.state != "doomed"]
        whole = [row for row in fitting if row.state == "whole"]
        if not whole or len(whole) < len(fitting) or not (others or len(whole) > spread.copies):
            return 0
        keep = [row.patch for row in whole] if spread.shares else []
        found = self.patches.explain(class_, rows[0].blob, keep, burden=burdened(rows))
        kept = [row for row in whole if row.patch in found.places] if isinstance(found, Placement) else []
        if not isinstance(found, Placement) or len(kept) < len(found.places):
            return 0
        surplus = others + [row for row in whole if row not in kept]
        with self.records.transaction():
            return self.records.set_copies(surplus, "doomed", self.clock())

    def _move_row(self, copy: Copy, found: Placement, fitting: Sequence[Copy], rows: Sequence[Copy]) -> bool:
        taken = {row.patch for row in fitting} | set(going(rows))
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

    def _change(self, copy: Copy, state: CopyState, made: Copy | None = None) -> bool:
        now = self.clock()
        with self.records.transaction():
            if made and made.sha256 != copy.sha256 and self.records.lock_copies([copy]):
                # Of a share that nobody had made before the digest is known only now.
                self.records.add_copies([made], now)
                changed = True
            else:
                changed = self.records.set_copies([copy], state, now) == 1
            if changed and copy.state == "broken":
                self.records.append_audit(now, "patrol", Event.COPY_REPAIRED, copy.blob, {"patch": copy.patch})
        rows = self.records.copies_of([copy.blob]).get(copy.blob, [])
        if not changed and (copy.patch, copy.name) not in {(row.patch, row.name) for row in rows}:
            # The blob was deleted while we wrote it; what has no row would lie there until the sweep.
            self.patches.delete_at(copy.patch, [copy.name])
        return changed

    def respread(self) -> int:
        """Want copies or shares for blobs that have fewer than their class asks for now: rules or patches have changed.

        A blob in another shape than its class has now gets all of the new one, and then loses the old one.
        """
        wanted = 0
        for class_ in range(HIGHEST + 1):
            spread, last = self.patches.spread(class_), ""
            mixed = bool(self.records.in_other_shapes(class_, spread.needed, limit=1))
            while mixed and (blobs := self.records.in_other_shapes(class_, spread.needed, last)):
                last = blobs[-1]
                for rows in self.records.copies_of(blobs).values():
                    self._trim(class_, rows)
            last = ""
            while blobs := self._short(class_, spread, last) if spread.copies > 1 or mixed else []:
                last = blobs[-1]
                wanted += self._want(self.records.copies_of(blobs))
        return wanted

    def _want(self, found: Mapping[str, Sequence[Copy]]) -> int:
        more = [copy for rows in found.values() for copy in self._more(rows)]
        with self.records.transaction():
            # Of a blob that was deleted since nothing is wanted: nobody could make it, and nobody would delete the row.
            alive = still_there(self.records, {copy.blob for copy in more}, found)
            more = [copy for copy in more if copy.blob in alive]
            self.records.add_copies(more, self.clock())
        return len(more)

    def _short(self, class_: int, spread: Spread, last: str) -> list[str]:
        return self.records.short_of_copies(class_, spread.copies, last, needed=spread.needed)

    def _more(self, rows: Sequence[Copy]) -> list[Copy]:
        alive = [row for row in rows if row.state != "doomed"]
        if not alive:
            return []
        spread = self.patches.spread(alive[0].class_)
        taken = {row.patch for row in in_shape(rows, spread)}
        found = self.patches.explain(alive[0].class_, alive[0].blob, keep=taken, burden=burdened(rows))
        model = model_of(self.records, alive, spread) if isinstance(found, Placement) else None
        if not isinstance(found, Placement) or model is None:
            return []
        places = [place for place in found.places if place not in taken and place not in going(rows)]
        return lacking(rows, spread, places, model)

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
            if right:
                good.append(copy)
            # What was deleted or moved away while we looked is no fault of the supplier.
            broken = not right and self._found_broken(copy, now)
            seen = replace(seen, looked=seen.looked + 1, broken=seen.broken + broken)
        self._note(seen, good, now)
        return seen

    def _found_broken(self, copy: Copy, now: datetime) -> bool:
        with self.records.transaction():
            changed = self.records.set_copies([copy], "broken", now) == 1
            if changed:
                self.records.append_audit(now, "patrol", Event.COPY_BROKEN, copy.blob, {"patch": copy.patch})
        return changed

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

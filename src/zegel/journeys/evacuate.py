"""Plan B: leave a patch, planned or without its supplier's help, while reading and sending go on.

Per blob: copy → verify at the target → record the new place → delete at the source; first everything is safe, then
everything is deleted. Every step may be cut off: rows say what is done, and running it again goes on.

*Cooperative*: the patch is ``leaving``; it takes nothing new, is read from, and emptied. *Hostile*: it is ``cut``; it
is not asked anything any more, and copies are rebuilt from the others. What it still holds it cannot read.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace

from zegel.audit.events import Event
from zegel.errors import Mistake, NotFound, Unavailable, ZegelError
from zegel.journeys.plan_reports import Drilled, Progress, Report, kept_as
from zegel.journeys.ports.clock import Clock
from zegel.journeys.ports.patches import Patches, PatchRecords
from zegel.journeys.shapes import burdened, going, in_shape, lacking, model_of, still_there
from zegel.parcels.copies import WHOLE, Copy, complete
from zegel.stores.placement import Refusal

_BATCH = 200
_DELETED = 1000
_AT_ONCE = 4
_SETTLING = 2.5
"""Seconds until every process has heard that a patch is being left (its facts are believed for one)."""


class Throttle:
    """At most so many bytes per second, over all threads together."""

    def __init__(self, bytes_per_second: float):
        self._rate = bytes_per_second
        self._lock = threading.Lock()
        self._free = time.monotonic()

    def __call__(self, count: int) -> None:
        with self._lock:
            now = time.monotonic()
            start = max(now, self._free)
            self._free = start + count / self._rate
        if start > now:
            time.sleep(start - now)


class _Watch:
    """Measures one run, and adds what has passed to its report."""

    def __init__(self) -> None:
        self._began = self._added = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def add_to(self, report: Report) -> float:
        """Returns the seconds of all runs."""
        now = time.monotonic()
        report.seconds = round(report.seconds + now - self._added, 3)
        self._added = now
        return report.seconds


_Batch = list[tuple[Copy, "Future[list[Copy] | ZegelError]"]]
"""Rows, and the copies that are being made for them."""


def _shares(rows: Sequence[Copy]) -> list[Sequence[Copy]]:
    """Rows for so many requests at a time; for a few rows, one."""
    size = max(-(-len(rows) // _AT_ONCE), 50)
    return [rows[first : first + size] for first in range(0, len(rows), size)]


@dataclass(frozen=True, slots=True)
class Evacuate:
    """``wait`` is called once after the state was set, so that every process has heard of it."""

    records: PatchRecords
    patches: Patches
    clock: Clock
    wait: Callable[[float], None] = time.sleep

    def begin(self, patch: str, *, hostile: bool, reason: str, actor: str = "operator") -> None:
        """Stop new writes (and reads, when hostile) everywhere.

        Raises NotFound ``unknown-patch``; Mistake ``patch-cut``: a cut ends when somebody reopens, not by the way.
        """
        self.check(patch)
        now = self.clock()
        with self.records.transaction():
            before = self.records.patch_rows().get(patch, {}).get("state")
            if not hostile and before == "cut":
                raise Mistake(
                    "The patch {patch} is cut. Reopen it before it is asked anything.", code="patch-cut", patch=patch
                )
            state = "cut" if hostile else "leaving"
            anew = {} if before == state else {"so_far": ""}
            self.records.set_patch(patch, now, state=state, reason=reason[:200], **anew)
            # The reason is free text, which the chain does not take; it is in the patch's row and in the report.
            event = Event.PATCH_CUT if hostile else Event.EVACUATION_STARTED
            self.records.append_audit(now, actor, event, patch, {})
        self.patches.refresh()

    def reopen(self, patch: str, actor: str = "operator") -> None:
        """Use it again."""
        self.check(patch)
        now = self.clock()
        with self.records.transaction():
            self.records.set_patch(patch, now, state="open", reason="")
            self.records.append_audit(now, actor, Event.PATCH_REOPENED, patch, {})
        self.patches.refresh()

    def patches_of(self, supplier: str) -> list[str]:
        """The patches at one supplier; raises NotFound ``unknown-supplier``."""
        found = [one.name for one in self.patches.facts() if one.supplier and one.supplier.name == supplier]
        if not found:
            raise NotFound("No patch is at the supplier “{supplier}”.", code="unknown-supplier", supplier=supplier)
        return found

    def run(
        self,
        patch: str,
        *,
        hostile: bool = False,
        reason: str = "",
        workers: int = 8,
        bytes_per_second: float = 0,
        progress: Callable[[Progress], None] | None = None,
        actor: str = "operator",
    ) -> Report:
        """Leave the patch; returns when nothing more can be done. Run it again after a cut or a failure.

        ``progress`` is called between batches; what it raises ends the run there, and a later one goes on.
        """
        started, watch = self.clock(), _Watch()
        self.begin(patch, hostile=hostile, reason=reason, actor=actor)
        self.wait(_SETTLING)
        report = Report(patch, "hostile" if hostile else "cooperative", reason, started.isoformat())
        if so_far := self.records.patch_rows()[patch]["so_far"]:
            report.go_on(so_far)
        tell = self._teller(report, watch, progress)
        throttle = Throttle(bytes_per_second) if bytes_per_second else None
        with ThreadPoolExecutor(workers, "evacuate") as pool:
            while self._pass(report, pool, throttle, watch, tell) or self._made_way(report):
                # Again from the beginning: a deposit may have been recorded meanwhile, a target may have come back.
                pass
            report.safe_seconds = watch.add_to(report)
            self._finish(report, watch, pool, actor)
        return report

    def _teller(
        self, report: Report, watch: "_Watch", progress: Callable[[Progress], None] | None
    ) -> Callable[[], None]:
        """Tells ``progress`` how far the report is, of what was done before and what is at the patch now."""
        totals = self.records.copy_totals()
        there = [totals.get((report.patch, state), (0, 0)) for state in ("whole", "broken", "wanted")]
        before = report.blobs
        of_blobs, of_size = before + sum(count for count, _ in there), report.size + sum(size for _, size in there)

        def tell() -> None:
            if progress:
                done = (report.blobs, of_blobs, report.size, of_size)
                progress(Progress(*done, watch.seconds, len(report.failed), before))

        return tell

    def _pass(
        self,
        report: Report,
        pool: ThreadPoolExecutor,
        throttle: Throttle | None,
        watch: "_Watch",
        tell: Callable[[], None],
    ) -> bool:
        """Go through everything at the patch once; returns whether anything moved, or changed meanwhile.

        The next batch is on its way while one is recorded. Nothing is deleted yet: first everything is safe.
        """
        after, stirred = 0, False
        report.failed.clear()
        flying: deque[_Batch] = deque()
        while True:
            rows = self.records.copies_at(report.patch, ("whole", "broken", "wanted"), after, _BATCH)
            if rows:
                after = rows[-1].row
                flying.append(self._send_off(rows, pool, throttle))
            elif not flying:
                return stirred
            if len(flying) > 1 or not rows:
                stirred |= self._land(flying.popleft(), report, watch)
                tell()

    def _made_way(self, report: Report) -> bool:
        """Do the deletions that were in the way of copies; returns whether any is done."""
        rows = [row for found in self.records.copies_of(sorted(report.failed)).values() for row in found]
        elsewhere = [row for row in rows if row.state == "doomed" and row.patch != report.patch]
        due = [row for row in elsewhere if self.patches.readable(row.patch)]
        self.records.release()
        if not due or len(self.patches.remove(due)) == len(due):
            return False
        # The tidy role may have read these rows too, and be about to ask for the same.
        self.wait(_SETTLING)
        return True

    def _send_off(self, rows: Sequence[Copy], pool: ThreadPoolExecutor, throttle: Throttle | None) -> _Batch:
        copies = self.records.copies_of([row.blob for row in rows])
        self.records.release()
        return [(row, pool.submit(self._move, row, copies.get(row.blob, []), throttle)) for row in rows]

    def _land(self, batch: _Batch, report: Report, watch: "_Watch") -> bool:
        moves = [(row, future.result()) for row, future in batch]
        done = [(row, made) for row, made in moves if not isinstance(made, ZegelError)]
        report.failed |= {row.blob: str(made) for row, made in moves if isinstance(made, ZegelError)}
        if done:
            watch.add_to(report)
            self._record(done, report)
        return bool(done)

    def _move(self, row: Copy, copies: Sequence[Copy], throttle: Throttle | None) -> "list[Copy] | ZegelError":
        """Make the copies that are needed without this one; the rows to record, or why it cannot be."""
        others = [copy for copy in copies if copy.patch != row.patch and copy.state == "whole"]
        spread = self.patches.spread(row.class_)
        taken = {copy.patch for copy in in_shape(others, spread)}
        found = self.patches.explain(row.class_, row.blob, keep=taken, burden=burdened(copies))
        if isinstance(found, Refusal):
            return found.error()
        targets = [place for place in found.places if place not in taken]
        if set(targets) & set(going(copies)):
            return Unavailable("A deletion of this blob is still on its way there.", code="store-unavailable")
        targets = self._kin_first(row.patch, targets) if spread.shares else targets
        sources = [*others, row] if self.patches.readable(row.patch) else others
        model = model_of(self.records, copies, spread) if targets else None
        if targets and model is None:
            return NotFound("The blob is not in storage.", code="blob-missing")
        try:
            there = {(copy.patch, copy.name): copy for copy in copies if copy.state == "broken"}
            wanted = lacking(copies, spread, targets, model, leaving=row) if model else []
            return [self._make(copy, there.get((copy.patch, copy.name)), sources, throttle) for copy in wanted]
        except ZegelError as error:
            return error

    def _kin_first(self, patch: str, places: Sequence[str]) -> list[str]:
        """Another patch of the same owner first: it gets the share that is leaving, and no second one."""
        day, facts = self.clock().date(), {one.name: one.supplier for one in self.patches.facts()}
        mine = (supplier := facts.get(patch)) and supplier.controllers(day)
        return sorted(places, key=lambda name: not (mine and (near := facts[name]) and mine & near.controllers(day)))

    def _make(self, wanted: Copy, broken: Copy | None, sources: Sequence[Copy], throttle: Throttle | None) -> Copy:
        """Make one copy; where a broken one is in the way it goes first, unless it proves to be whole after all."""
        if broken:
            if self.patches.verify(broken):
                return replace(broken, state="whole", row=0)
            self.patches.delete_at(broken.patch, [broken.name])
        return self.patches.make(wanted, sources, throttle)

    def _record(self, done: Sequence[tuple[Copy, list[Copy]]], report: Report) -> None:
        """In one transaction: where everything is now, and what was done so far."""
        now = self.clock()
        with self.records.transaction():
            locked = self.records.lock_copies([row for row, _ in done])
            mine = [(row, made) for row, made in done if row.row in locked]
            spare = [copy for row, made in done if row.row not in locked for copy in made]
            new = [copy for _, made in mine for copy in made] + self._made_beside(spare)
            self.records.add_copies(new, now)
            self.records.set_copies([row for row, _ in mine], "doomed", now)
            report.blobs += len(mine)
            report.size += sum(row.size for row, _ in mine)
            report.copied += sum(len(made) for _, made in mine)
            report.copied_size += sum(copy.size for _, made in mine for copy in made)
            self.records.set_patch(report.patch, now, so_far=report.so_far())

    def _made_beside(self, made: Sequence[Copy]) -> list[Copy]:
        """Rows for what was made from rows that have changed meanwhile: doomed when their parcel was deleted.

        None where a row tells of it: somebody else has recorded the same copy, and counts on it.
        """
        rows = self.records.copies_of(sorted({copy.blob for copy in made}))
        there = {(row.blob, row.patch, row.needed) for found in rows.values() for row in found}
        new = [copy for copy in made if (copy.blob, copy.patch, copy.needed) not in there]
        alive = still_there(self.records, {copy.blob for copy in new}, rows)
        return [copy if copy.blob in alive else replace(copy, state="doomed") for copy in new]

    def _delete(self, report: Report, watch: "_Watch", pool: ThreadPoolExecutor) -> None:
        """Ask the patch to delete what is doomed there, in several requests at a time."""
        after = 0
        while doomed := self.records.copies_at(report.patch, ("doomed",), after, _DELETED):
            after = doomed[-1].row
            self.records.release()
            failed: dict[str, Unavailable] = {}
            for refused in pool.map(self.patches.remove, _shares(doomed)):
                failed |= refused
            report.not_deleted |= {name: str(error) for name, error in failed.items()}
            report.deleted += len(doomed) - len(failed)
            watch.add_to(report)
            with self.records.transaction():
                self.records.set_patch(report.patch, self.clock(), so_far=report.so_far())

    def _finish(self, report: Report, watch: "_Watch", pool: ThreadPoolExecutor, actor: str) -> None:
        if report.mode == "cooperative":  # A patch that is cut is not asked.
            self._delete(report, watch, pool)
            remains = self.patches.remains(report.patch)
            report.remains = {**asdict(remains), "nothing": remains.nothing}
        now = self.clock()
        report.finished = now.isoformat()
        watch.add_to(report)
        kept = kept_as(report, report.mode, now)
        facts = {"moved": report.blobs, "bytes": report.size, "left": len(report.failed), "sha256": kept.sha256}
        with self.records.transaction():
            # Whatever comes to be at this patch later, and is moved then, belongs to another report.
            over = report.complete and (report.empty or report.mode == "hostile")
            self.records.set_patch(report.patch, now, so_far="" if over else report.so_far())
            self.records.add_report(kept)
            self.records.append_audit(now, actor, Event.EVACUATION_FINISHED, report.patch, facts)

    # Drill --------------------------------------------------------------------------------------------------------

    def drill(
        self, patch: str, *, blobs: int = 100, hostile: bool = True, workers: int = 4, actor: str = "operator"
    ) -> Drilled:
        """Practise on some blobs: rebuild them under scratch names where they would go, verify, and delete again."""
        self.check(patch)
        started, began = self.clock(), time.monotonic()
        totals = self.records.copy_totals().get((patch, "whole"), (0, 0))
        rows = self.records.copies_at(patch, ("whole",), 0, blobs)
        copies = self.records.copies_of([row.blob for row in rows])
        with ThreadPoolExecutor(workers, "drill") as pool:
            results = list(pool.map(lambda row: self._try(row, copies[row.blob], patch, hostile), rows))
        failed = {row.blob: result for row, result in zip(rows, results, strict=True) if result}
        seconds, size = time.monotonic() - began, sum(row.size for row in rows)
        drilled = Drilled(
            patch=patch,
            mode="hostile" if hostile else "cooperative",
            held=started.isoformat(),
            blobs=len(rows),
            size=size,
            seconds=round(seconds, 3),
            failed=failed,
            all_blobs=totals[0],
            all_size=totals[1],
            only_here=self.only_at(patch),
            recovery_seconds=round(seconds * totals[0] / len(rows), 1) if rows else 0.0,
        )
        kept = kept_as(drilled, "drill", started)
        facts = {"blobs": len(rows), "failed": len(failed), "sha256": kept.sha256}
        with self.records.transaction():
            rate = {} if failed or not size else {"drill_rate": size / seconds}
            self.records.set_patch(patch, started, drilled=started, **rate)
            self.records.add_report(kept)
            self.records.append_audit(started, actor, Event.DRILL_HELD, patch, facts)
        return drilled

    def only_at(self, patch: str) -> int:
        """How many blobs lie nowhere else: what is lost when the patch is gone this moment (the recovery point)."""
        groups = self.records.copy_groups()
        return sum(blobs for _, at, blobs, _, needed in groups if patch in at and len(at - {patch}) < needed)

    def _try(self, row: Copy, copies: Sequence[Copy], patch: str, hostile: bool) -> str:
        from zegel.parcels.identifiers import new_identifier

        others = [copy for copy in copies if copy.patch != patch and copy.state == "whole"]
        burden = burdened(copies)
        found = self.patches.explain(row.class_, row.blob, [copy.patch for copy in others], [patch], burden)
        sources = others if hostile else [*others, row]
        if isinstance(found, Refusal):
            return str(found.error())
        if not complete(sources):
            return "no other copy" if row.share == WHOLE else "too few other shares"
        taken = {copy.patch for copy in others}
        target = next((place for place in found.places if place not in taken and place != patch), None)
        try:
            if target is None:
                return "" if self.patches.verify(others[0]) else "the other copy is broken"
            # Its own name would be a real copy without a row; a scratch name is nobody's blob.
            scratch = replace(row, patch=target, state="wanted", row=0)
            return self._scratch(scratch, sources, new_identifier())
        except ZegelError as error:
            return str(error)

    def _scratch(self, wanted: Copy, sources: Sequence[Copy], name: str) -> str:
        made = self.patches.make(wanted, sources, name=name)
        try:
            written = replace(made, blob=name, share=WHOLE)
            return "" if self.patches.verify(written) else "the rebuilt copy is not whole"
        finally:
            self.patches.delete_at(wanted.patch, [name])

    def check(self, patch: str) -> None:
        """Whether it can be left. Raises NotFound ``unknown-patch``, Mistake ``only-patch``."""
        if patch not in self.patches.names():
            raise NotFound("There is no patch “{patch}” in the configuration.", code="unknown-patch", patch=patch)
        if len(self.patches.names()) == 1:
            raise Mistake("There is only one patch; add another one before this one can be left.", code="only-patch")

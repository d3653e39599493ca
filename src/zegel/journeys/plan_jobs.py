"""What officers start from the portal, and the tidy role does: evacuate, rebuild, drill; stop, resume, cut, reopen.

The web process writes a row and answers. A job is leased: a worker that dies loses nothing, another one goes on, for
the rows of copies are the only memory of an evacuation. The worker has no keys; its report waits, unsigned, until the
inside zone has looked at it (``SignReports``).
"""

import hashlib
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import uuid4

from zegel.audit.events import Event
from zegel.errors import Denied, Mistake, NotFound, Unavailable, ZegelError
from zegel.journeys.evacuate import Evacuate
from zegel.journeys.plan_reports import Drilled, Progress, Report
from zegel.journeys.ports.clock import Clock
from zegel.journeys.ports.keys import Signer
from zegel.journeys.ports.patches import PatchRecords
from zegel.journeys.ports.people import Actor
from zegel.parcels.identifiers import checked, new_identifier
from zegel.suppliers.plan import Job, JobKind, PlanReport, Steps, read_report

_LEASE_SECONDS = 60
_AGAIN = timedelta(seconds=60)
_REASON = 200


class Halted(Exception):  # no error: somebody asked for it
    """The job was told to stop between two batches."""


@dataclass(frozen=True, slots=True)
class PlanJobs:
    """An officer's orders. Every method raises Denied ``not-officer`` for anybody else."""

    records: PatchRecords
    evacuate: Evacuate
    clock: Clock

    def request(self, actor: Actor, kind: JobKind, patch: str, reason: str = "") -> Job:
        """Let the tidy role do it. ``rebuild`` cuts the patch at once.

        Raises NotFound ``unknown-patch``, Mistake ``only-patch``, ``job-exists``, ``patch-cut``.
        """
        _must_be_officer(actor)
        self.evacuate.check(patch)
        with self.records.transaction():
            open_jobs = self.records.open_jobs(patch)
            if kind == "rebuild":
                # A cut goes before everything: what still asks the patch is told to stop.
                for job in open_jobs:
                    self.records.stop_job(job.job)
                self.evacuate.begin(patch, hostile=True, reason=reason, actor=_named(actor))
            elif open_jobs:
                raise Mistake("Something is being done at the patch {patch} already.", code="job-exists", patch=patch)
            elif kind == "evacuate":
                self.evacuate.begin(patch, hostile=False, reason=reason, actor=_named(actor))
            return self._add(actor, kind, patch, reason)

    def cut(self, actor: Actor, supplier: str, reason: str) -> list[Job]:
        """Stop all reads and writes at a supplier now, and rebuild elsewhere. Raises NotFound ``unknown-supplier``."""
        _must_be_officer(actor)
        with self.records.transaction():
            return [self.request(actor, "rebuild", patch, reason) for patch in self.evacuate.patches_of(supplier)]

    def reopen(self, actor: Actor, patch: str) -> None:
        """Use the patch again; what is being done there stops."""
        _must_be_officer(actor)
        with self.records.transaction():
            for job in self.records.open_jobs(patch):
                self.records.stop_job(job.job)
            self.evacuate.reopen(patch, actor=_named(actor))

    def stop(self, actor: Actor, job: str) -> Job:
        """After the batch it is at; what has moved has moved. Raises NotFound ``unknown-job``."""
        return self._change(actor, job, self.records.stop_job, Event.PLAN_STOPPED)

    def resume(self, actor: Actor, job: str) -> Job:
        """Go on with one that was stopped or failed. Raises NotFound ``unknown-job``, Mistake ``job-exists``."""
        found = self.find(actor, job)
        if self.records.open_jobs(found.patch):
            raise Mistake("Something is being done at the patch {patch} already.", code="job-exists", patch=found.patch)
        return self._change(actor, job, lambda name: self.records.resume_job(name, self.clock()), Event.PLAN_RESUMED)

    def find(self, actor: Actor, job: str) -> Job:
        """Raises NotFound ``unknown-job``."""
        _must_be_officer(actor)
        with suppress(Mistake):
            if found := self.records.job(checked(job)):
                return found
        raise NotFound("There is no such job.", code="unknown-job")

    def _change(self, actor: Actor, job: str, change: Callable[[str], bool], event: Event) -> Job:
        found = self.find(actor, job)
        with self.records.transaction():
            if change(found.job):
                self.records.append_audit(self.clock(), _named(actor), event, found.patch, {"job": found.job})
        return self.find(actor, job)

    def _add(self, actor: Actor, kind: JobKind, patch: str, reason: str) -> Job:
        now = self.clock()
        job = Job(new_identifier(), kind, patch, reason[:_REASON], actor.account, "waiting", False, now)
        self.records.add_job(job)
        self.records.append_audit(now, _named(actor), Event.PLAN_REQUESTED, patch, {"job": job.job, "kind": kind})
        return job


def _must_be_officer(actor: Actor) -> None:
    if not actor.officer:
        raise Denied("This page is for security officers only.", code="not-officer")


def _named(actor: Actor) -> str:
    return f"account:{actor.account}"


@dataclass(frozen=True, slots=True)
class RunJobs:
    """The worker, in the ``tidy`` role. ``beat``: seconds between signs of life."""

    records: PatchRecords
    evacuate: Evacuate
    clock: Clock
    beat: float = 2.0

    def round(self, ending: threading.Event | None = None) -> int:
        """Do one job to its end, or until it is told to stop or ``ending`` is set; returns how many."""
        job = self.records.lease_job(self.clock(), uuid4().hex, _LEASE_SECONDS)
        if job is None:
            return 0
        watch = _Watch(self.records, self.clock, job, ending or threading.Event())
        watcher = threading.Thread(target=watch.run, args=(self.beat,), name="job", daemon=True)
        watcher.start()
        try:
            report = self._do(job, watch.tell)
        except Halted:
            self._halted(job, watch)
        except Unavailable as error:
            self._end(job, watch, "waiting", error.kind)
        except ZegelError as error:
            self._end(job, watch, "failed", error.kind)
        else:
            self._end(job, watch, "done", report=hashlib.sha256(report.spell()).hexdigest())
        finally:
            watch.over.set()
            watcher.join()
        return 1

    def _do(self, job: Job, tell: Callable[[Progress], None]) -> Report | Drilled:
        actor = f"account:{job.actor}"
        if job.kind == "drill":
            return self.evacuate.drill(job.patch, actor=actor)
        return self.evacuate.run(
            job.patch, hostile=job.kind == "rebuild", reason=job.reason, progress=tell, actor=actor
        )

    def _halted(self, job: Job, watch: "_Watch") -> None:
        if watch.told:
            self._end(job, watch, "stopped")
        elif not watch.lost:
            self._end(job, watch, "waiting")

    def _end(self, job: Job, watch: "_Watch", state: str, code: str = "", report: str = "") -> None:
        now = self.clock()
        with self.records.transaction():
            self.records.renew_job(job.job, job.lease, now + timedelta(seconds=_LEASE_SECONDS), watch.steps)
            if state == "waiting":
                self.records.retry_job(job.job, job.lease, now + _AGAIN if code else now, code)
            else:
                self.records.end_job(job.job, job.lease, state, now, code, report)


@dataclass(slots=True)
class _Watch:
    """Beside a job, in a thread of its own: keeps the lease, notes the progress, hears that it should stop."""

    records: PatchRecords
    clock: Clock
    job: Job
    ending: threading.Event
    steps: Steps | None = None
    told: bool = False
    """An officer asked it to stop."""
    lost: bool = False
    """Another worker has it."""
    over: threading.Event = field(default_factory=threading.Event)

    def tell(self, progress: Progress) -> None:
        """Between two batches. Raises :class:`Halted`."""
        done = (progress.blobs, progress.of_blobs, progress.size, progress.of_size)
        self.steps = Steps(*done, progress.eta, progress.failed)
        if self.told or self.lost or self.ending.is_set():
            raise Halted

    def run(self, beat: float) -> None:
        """Until ``over``."""
        while not self.over.wait(beat):
            self.look()

    def look(self) -> None:
        """One sign of life. When the database is away the lease may lapse; the next look tells."""
        until = self.clock() + timedelta(seconds=_LEASE_SECONDS)
        with suppress(Unavailable), self.records.transaction():
            told = self.records.renew_job(self.job.job, self.job.lease, until, self.steps)
            self.told, self.lost = bool(told), told is None


@dataclass(frozen=True, slots=True)
class SignReports:
    """In the inside zone: put the organisation's signature under what the worker outside wrote down.

    It says that this Zegel recorded it. A hostile outside can record what is not so, and no more than that: only what
    reads as a report of Plan B is signed.
    """

    records: PatchRecords
    signer: Signer
    clock: Clock

    def round(self) -> int:
        """Sign what waits; returns how many reports were handled."""
        waiting = self.records.unsigned_reports()
        for report in waiting:
            self._sign(report)
        return len(waiting)

    def _sign(self, report: PlanReport) -> None:
        signature = ("", b"", b"")
        with suppress(Mistake):
            read_report(report.body)
            if hashlib.sha256(report.body).hexdigest() == report.sha256:
                signature = self.signer.sign(report.body)
        with self.records.transaction():
            if self.records.sign_report(report.sha256, *signature) and signature[0]:
                facts = {"sha256": report.sha256}
                self.records.append_audit(self.clock(), "signer", Event.REPORT_SIGNED, report.patch, facts)

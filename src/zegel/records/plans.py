"""Jobs of officers, reports of Plan B, and the days of patches (``suppliers.plan``)."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet

from zegel.records import models
from zegel.records.border import border
from zegel.records.transactions import must_write
from zegel.suppliers.plan import Job, PatchDay, PlanReport, Steps

_OPEN = ("waiting", "running")
_MOST = 20
"""So often a job is tried that ends its worker each time."""


class Plans:
    """The part of the Records port that knows them."""

    # Jobs ---------------------------------------------------------------------------------------------------------

    def add_job(self, job: Job) -> None:
        """Add one that waits."""
        must_write()
        with border():
            models.Job.objects.create(
                job=job.job,
                kind=job.kind,
                patch=job.patch,
                reason=job.reason,
                actor=job.actor,
                created=job.created,
                due=job.created,
            )

    def job(self, job: str) -> Job | None:
        """One job, or None."""
        with border():
            row = models.Job.objects.filter(job=job).first()
        return _job(row) if row else None

    def jobs(self, limit: int = 20, patch: str = "") -> list[Job]:
        """Newest first."""
        with border():
            rows = models.Job.objects.filter(**({"patch": patch} if patch else {}))
            return [_job(row) for row in rows.order_by("-created", "-job")[:limit]]

    def open_jobs(self, patch: str) -> list[Job]:
        """Those of a patch that wait or run, and are not told to stop."""
        with border():
            rows = models.Job.objects.filter(patch=patch, state__in=_OPEN, stopping=False)
            return [_job(row) for row in rows.order_by("created")]

    def lease_job(self, now: datetime, lease: str, seconds: int) -> Job | None:
        """Take the oldest job that waits, or whose worker is silent, for ``seconds``; never two at one patch.

        One that has ended its worker too often is ``failed``. Runs its own transaction.
        """
        free = Q(leased_until=None) | Q(leased_until__lte=now)
        with border():
            rows = models.Job.objects.filter(free, state__in=_OPEN, due__lte=now)
            if not rows.exists():
                return None
            with transaction.atomic(durable=True):
                rows.filter(attempts__gte=_MOST).update(state="failed", code="gave-up", finished=now)
                busy = models.Job.objects.filter(state="running", leased_until__gt=now).values("patch")
                row = rows.exclude(patch__in=busy).order_by("created", "job").first()
                if row is None:
                    return None
                same = models.Job.objects.filter(job=row.job, state=row.state, lease=row.lease)
                until = now + timedelta(seconds=seconds)
                taken = same.update(
                    state="running", lease=lease, leased_until=until, attempts=F("attempts") + 1, code="",
                    started=row.started or now,
                )  # fmt: skip
                return _job(models.Job.objects.get(job=row.job)) if taken else None

    def renew_job(self, job: str, lease: str, until: datetime, steps: Steps | None) -> bool | None:
        """Hold it longer and note how far it is; whether its worker should stop, None when the lease was lost."""
        must_write()
        with border():
            facts = asdict(steps) if steps else {}
            if not _held(job, lease).update(leased_until=until, **facts):
                return None
            return bool(models.Job.objects.filter(job=job, stopping=True).exists())

    def end_job(self, job: str, lease: str, state: str, now: datetime, code: str = "", report: str = "") -> bool:
        """It is ``done``, ``failed`` or ``stopped``; False when the lease was lost."""
        must_write()
        with border():
            facts = {"state": state, "code": code, "report": report, "lease": "", "leased_until": None}
            finished = {} if state == "stopped" else {"finished": now}
            return _held(job, lease).update(stopping=False, attempts=0, eta=None, **facts, **finished) == 1

    def retry_job(self, job: str, lease: str, due: datetime, code: str) -> bool:
        """Give it back, to be taken again at ``due``; False when the lease was lost."""
        must_write()
        with border():
            facts = {"state": "waiting", "due": due, "code": code, "lease": "", "leased_until": None}
            return _held(job, lease).update(**facts) == 1

    def stop_job(self, job: str) -> bool:
        """One that waits is ``stopped``, one that runs is told to; False for any other."""
        must_write()
        with border():
            rows = models.Job.objects.filter(job=job)
            if rows.filter(state="waiting").update(state="stopped", stopping=False, lease="", leased_until=None):
                return True
            return rows.filter(state="running").update(stopping=True) == 1

    def resume_job(self, job: str, now: datetime) -> bool:
        """One that was stopped, or that failed, waits again; False for any other."""
        must_write()
        with border():
            rows = models.Job.objects.filter(job=job, state__in=("stopped", "failed"))
            facts = {"state": "waiting", "due": now, "attempts": 0, "code": "", "finished": None}
            return rows.update(stopping=False, **facts) == 1

    # Reports ------------------------------------------------------------------------------------------------------

    def add_report(self, report: PlanReport) -> None:
        """Keep what came of an evacuation or a drill."""
        must_write()
        with border():
            models.PlanReport.objects.get_or_create(
                sha256=report.sha256,
                defaults={"kind": report.kind, "patch": report.patch, "made": report.made, "body": report.body},
            )

    def reports(self, limit: int = 20) -> list[PlanReport]:
        """Newest first, without their bodies."""
        with border():
            return [_report(row) for row in models.PlanReport.objects.defer("body").order_by("-made")[:limit]]

    def report(self, sha256: str) -> PlanReport | None:
        """One whole report, or None."""
        with border():
            row = models.PlanReport.objects.filter(sha256=sha256).first()
        return _report(row, bytes(row.body)) if row else None

    def unsigned_reports(self, limit: int = 5) -> list[PlanReport]:
        """Whole reports that wait for the inside zone, oldest first."""
        with border():
            rows = models.PlanReport.objects.filter(key="", refused=False).order_by("made")[:limit]
            return [_report(row, bytes(row.body)) for row in rows]

    def sign_report(self, sha256: str, key: str, ed25519: bytes, mldsa65: bytes) -> bool:
        """Add the signature; False when it has one. An empty ``key`` says that it will never have one."""
        must_write()
        with border():
            rows = models.PlanReport.objects.filter(sha256=sha256, key="", refused=False)
            return rows.update(key=key, ed25519=ed25519, mldsa65=mldsa65, refused=not key) == 1

    # Days ---------------------------------------------------------------------------------------------------------

    def put_days(self, days: Iterable[PatchDay]) -> None:
        """Add or replace."""
        must_write()
        with border():
            for one in days:
                facts = {"size": one.size, "looked": one.looked, "failed": one.failed, "broken": one.broken}
                models.PatchDay.objects.update_or_create(
                    patch=one.patch, day=one.day, defaults={"objects_there": one.objects, **facts}
                )

    def days(self, since: date) -> list[PatchDay]:
        """In order of days."""
        with border():
            rows = models.PatchDay.objects.filter(day__gte=since).order_by("day", "patch")
            return [
                PatchDay(row.patch, row.day, row.objects_there, row.size, row.looked, row.failed, row.broken)
                for row in rows
            ]

    def sweep_days(self, before: date) -> int:
        """Forget older ones; returns how many."""
        must_write()
        with border():
            return models.PatchDay.objects.filter(day__lt=before).delete()[0]


def _held(job: str, lease: str) -> "QuerySet[models.Job]":
    # A job that nobody holds has an empty lease; an empty lease must never match it.
    rows = models.Job.objects.filter(job=job, lease=lease, state="running")
    return rows if lease else rows.none()


def _job(row: models.Job) -> Job:
    return Job(
        job=row.job,
        kind=row.kind,  # type: ignore[arg-type]  # only add_job writes it
        patch=row.patch,
        reason=row.reason,
        actor=row.actor,
        state=row.state,  # type: ignore[arg-type]
        stopping=row.stopping,
        created=row.created,
        started=row.started,
        finished=row.finished,
        blobs=row.blobs,
        of_blobs=row.of_blobs,
        size=row.size,
        of_size=row.of_size,
        eta=row.eta,
        failed=row.failed,
        code=row.code,
        report=row.report,
        lease=row.lease,
    )


def _report(row: models.PlanReport, body: bytes = b"") -> PlanReport:
    signature = (row.key, bytes(row.ed25519), bytes(row.mldsa65))
    return PlanReport(row.sha256, row.kind, row.patch, row.made, body, *signature, row.refused)

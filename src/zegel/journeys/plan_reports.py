"""What comes of leaving a patch and of practising it: how far it is, and the reports that are signed."""

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from zegel.parcels.strict import b64
from zegel.suppliers.plan import PlanReport


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is, over all runs; ``eta`` seconds to go at this run's speed, None before it has done anything."""

    blobs: int
    of_blobs: int
    size: int
    of_size: int
    seconds: float
    """Of this run; ``before`` blobs were done by others."""
    failed: int
    before: int = 0

    @property
    def eta(self) -> float | None:
        done = self.blobs - self.before
        return self.seconds / done * max(self.of_blobs - self.blobs, 0) if done else None if self.of_blobs else 0.0


_SUMS = ("blobs", "size", "copied", "copied_size", "deleted", "seconds")


@dataclass(slots=True)
class Report:
    """What was done, and what the patch says it still has: the proof of destruction, or the lack of one.

    It covers every run since the patch began to be left: the sums so far are recorded with what they count, so a run
    that was stopped or killed is in the next one's report. What failed, and what remains, is as it was at the end.
    """

    patch: str
    mode: str
    reason: str
    started: str
    """When the first run began."""
    runs: int = 1
    finished: str = ""
    blobs: int = 0
    size: int = 0
    copied: int = 0
    copied_size: int = 0
    deleted: int = 0
    seconds: float = 0.0
    safe_seconds: float = 0.0
    """Until everything that could be moved lay elsewhere, verified and recorded; deleting comes after that."""
    failed: dict[str, str] = field(default_factory=dict)
    """Blob → why it could not be moved; it is still where it was."""
    not_deleted: dict[str, str] = field(default_factory=dict)
    """Object → why the patch did not delete it."""
    remains: dict[str, Any] | None = None
    """What the patch itself still shows; None when it was not asked (hostile)."""

    def so_far(self) -> str:
        """What the next run's report begins with."""
        return json.dumps({name: getattr(self, name) for name in ("started", "runs", *_SUMS)})

    def go_on(self, so_far: str) -> None:
        """Add what earlier runs did. What does not read as :meth:`so_far` wrote it adds nothing."""
        with suppress(ValueError, KeyError, TypeError):
            before = json.loads(so_far)
            sums = {name: getattr(self, name) + before[name] for name in _SUMS}
            self.started, self.runs = str(before["started"]), int(before["runs"]) + 1
            for name, total in sums.items():
                setattr(self, name, total)

    @property
    def complete(self) -> bool:
        return not self.failed

    @property
    def empty(self) -> bool:
        """Whether the patch itself shows that nothing is left, in versions and unfinished uploads too."""
        return bool(self.remains and self.remains["nothing"])

    def spell(self) -> bytes:
        """The bytes that are signed."""
        members = {"zegel": "plan b report v1", **asdict(self), "complete": self.complete, "empty": self.empty}
        return json.dumps(members, sort_keys=True, indent=1, ensure_ascii=False).encode()


@dataclass(frozen=True, slots=True)
class Drilled:
    """A drill's result. ``only_here`` blobs are the recovery point, ``recovery_seconds`` the time for all of it."""

    patch: str
    mode: str
    held: str
    blobs: int
    size: int
    seconds: float
    failed: dict[str, str]
    all_blobs: int
    all_size: int
    only_here: int
    recovery_seconds: float

    def spell(self) -> bytes:
        """The bytes that are signed."""
        return json.dumps({"zegel": "drill report v1", **asdict(self)}, sort_keys=True, indent=1).encode()


def kept_as(report: Report | Drilled, kind: str, made: datetime) -> PlanReport:
    """The report as it is recorded, to be signed in the inside zone."""
    body = report.spell()
    return PlanReport(hashlib.sha256(body).hexdigest(), kind, report.patch, made, body)


def signature_file(key: str, ed25519: bytes, mldsa65: bytes) -> str:
    """What lies beside a report, as JSON; ``zegel plan-b verify`` reads it."""
    return json.dumps({"key": key, "ed25519": b64(ed25519), "mldsa65": b64(mldsa65)}, indent=1)


def due_after(drilled: datetime | None) -> datetime | None:
    """When the yearly drill of a patch is due (BIO2 5.30.01, 8.13.04); None is now: it never had one."""
    return drilled + timedelta(days=365) if drilled else None


def is_due(drilled: datetime | None, now: datetime) -> bool:
    """Whether it is due."""
    due = due_after(drilled)
    return due is None or due <= now

"""What officers asked of patches and what came of it: jobs, reports, and how each patch was day by day."""

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from zegel.errors import Mistake

JobKind = Literal["evacuate", "rebuild", "drill"]
"""``rebuild`` is an evacuation without the supplier's help: the patch is cut, and copies are made from the others."""
JobState = Literal["waiting", "running", "stopped", "done", "failed"]

_REPORTS = ("plan b report v1", "drill report v1")
_LONGEST = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Job:
    """One thing that an officer asked for; the tidy role does it. ``report``: the SHA-256 of what came of it."""

    job: str
    kind: JobKind
    patch: str
    reason: str
    actor: str
    state: JobState
    stopping: bool
    created: datetime
    started: datetime | None = None
    finished: datetime | None = None
    blobs: int = 0
    of_blobs: int = 0
    size: int = 0
    of_size: int = 0
    eta: float | None = None
    failed: int = 0
    code: str = ""
    report: str = ""
    lease: str = ""

    @property
    def ended(self) -> bool:
        return self.state in ("done", "failed")


@dataclass(frozen=True, slots=True)
class Steps:
    """How far a job is; ``eta`` seconds to go, None while nobody knows."""

    blobs: int
    of_blobs: int
    size: int
    of_size: int
    eta: float | None
    failed: int


@dataclass(frozen=True, slots=True)
class PlanReport:
    """The report of an evacuation or a drill. ``key`` is empty until the inside zone has signed it.

    ``refused``: it is not a report as ours are, and will never be signed.
    """

    sha256: str
    kind: str
    patch: str
    made: datetime
    body: bytes
    key: str = ""
    ed25519: bytes = b""
    mldsa65: bytes = b""
    refused: bool = False


@dataclass(frozen=True, slots=True)
class PatchDay:
    """How a patch was at the end of a day. ``looked``, ``failed`` and ``broken`` count from the patch's beginning."""

    patch: str
    day: date
    objects: int
    size: int
    looked: int
    failed: int
    broken: int


def read_report(body: bytes) -> dict[str, Any]:
    """The members of a report; raises Mistake ``bad-report`` for anything that is not spelled as our reports are.

    Whoever signs asks this first: a JSON object with one of two names can never be taken for a manifest's statement,
    which begins with another line.
    """
    try:
        members = json.loads(body) if len(body) <= _LONGEST else None
    except (ValueError, RecursionError):
        members = None
    if isinstance(members, dict) and body.startswith(b"{") and members.get("zegel") in _REPORTS:
        if not isinstance(members.get("patch"), str):
            raise Mistake("This is not a report of Plan B.", code="bad-report")
        return members
    raise Mistake("This is not a report of Plan B.", code="bad-report")

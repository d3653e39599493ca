"""Jobs as the templates show them."""

from typing import Any

from zegel.doors.web.rules_said import code_said
from zegel.suppliers.plan import Job


def job_facts(job: Job) -> dict[str, Any]:
    """A job in words: ``percent`` of its files, ``minutes`` to go (None: nobody knows)."""
    share = min(job.blobs / job.of_blobs, 1.0) if job.of_blobs else 0.0
    return {
        "is": job,
        "percent": int(100 * share),
        "minutes": None if job.eta is None else max(1, round(job.eta / 60)),
        "said": code_said(job.code) if job.code else "",
        "open": job.state in ("waiting", "running"),
    }

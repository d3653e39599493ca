"""The tables. Identifiers are the format's own, as text; moments are aware and UTC; sealed parts are age files.

Columns that are wiped keep no trace in their row: empty bytes, not a flag. Indexes serve one question each, and are
partial where the rows that matter are few among very many (live, waiting), so that a million done rows cost nothing.

Django looks for the tables of an application here.
"""

from zegel.records.models.audit import AuditEntry, AuditHead
from zegel.records.models.parcels import Blob, MailSeen, Outbox, Parcel, Published, Slip
from zegel.records.models.patches import Copy, Job, Outline, Patch, PatchDay, PlanReport, Supplier

__all__ = [
    "AuditEntry",
    "AuditHead",
    "Blob",
    "Copy",
    "Job",
    "MailSeen",
    "Outbox",
    "Outline",
    "Parcel",
    "Patch",
    "PatchDay",
    "PlanReport",
    "Published",
    "Slip",
    "Supplier",
]

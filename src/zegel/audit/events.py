"""The vocabulary of the audit chain: ``subject:action``, the action a past participle (docs/reference/audit.md).

A word is never reused for something else and never removed: chains of years ago must stay readable.
"""

from enum import StrEnum

from zegel.errors import Mistake


class Event(StrEnum):
    """Everything that an entry can say has happened. What stands in the entry's subject is told per group."""

    # Subject: the account's identifier.
    ACCOUNT_ADDED = "account:added"
    ACCOUNT_IMPORTED = "account:imported"
    ACCOUNT_CLOSED = "account:closed"
    ACCOUNT_REOPENED = "account:reopened"
    PASSWORD_SET = "password:set"  # noqa: S105  # the name of an event
    TOKEN_MADE = "token:made"  # noqa: S105
    TOKEN_REVOKED = "token:revoked"  # noqa: S105
    OFFICER_NAMED = "officer:named"
    OFFICER_DISMISSED = "officer:dismissed"
    SENDER_ALLOWED = "sender:allowed"
    SENDER_DISALLOWED = "sender:disallowed"

    # Subject: the parcel's identifier.
    MANIFEST_SIGNED = "manifest:signed"
    PARCEL_DEPOSITED = "parcel:deposited"
    PARCEL_ARRIVED = "parcel:arrived"
    PARCEL_REVOKED = "parcel:revoked"
    PARCEL_EXPIRED = "parcel:expired"
    PARCEL_GONE = "parcel:gone"
    PARCEL_EXPORTED = "parcel:exported"
    EXPIRY_CHANGED = "expiry:changed"

    # Subject: the slip's identifier.
    READER_ANNOUNCED = "reader:announced"
    READER_DELIVERED = "reader:delivered"
    READER_REROUTED = "reader:rerouted"
    READER_ALARMED = "reader:alarmed"
    READER_UNREACHED = "reader:unreached"
    READER_DELAYED = "reader:delayed"
    READER_AUTOREPLIED = "reader:autoreplied"
    CODE_SENT = "code:sent"
    PROOF_ASKED = "proof:asked"
    PROOF_GIVEN = "proof:given"
    PROOF_FAILED = "proof:failed"
    PROOF_PAUSED = "proof:paused"
    SHARE_RELEASED = "share:released"
    KEY_RELEASED = "key:released"
    MANIFEST_FETCHED = "manifest:fetched"
    ATTACHMENT_FETCHED = "attachment:fetched"
    SLIP_REVOKED = "slip:revoked"

    # Subject: the supplier's name.
    SUPPLIER_IMPORTED = "supplier:imported"

    # Subject: the patch's name.
    PATCH_CUT = "patch:cut"
    PATCH_REOPENED = "patch:reopened"
    EVACUATION_STARTED = "evacuation:started"
    EVACUATION_FINISHED = "evacuation:finished"
    DRILL_HELD = "drill:held"
    DRILL_DUE = "drill:due"
    PLAN_REQUESTED = "plan:requested"
    PLAN_STOPPED = "plan:stopped"
    PLAN_RESUMED = "plan:resumed"
    REPORT_SIGNED = "report:signed"

    # Subject: the blob's identifier.
    COPY_BROKEN = "copy:broken"
    COPY_REPAIRED = "copy:repaired"


def checked_event(text: str) -> Event:
    """Return the event with this word; raises :class:`Mistake` ``unknown-event``."""
    try:
        return Event(text)
    except ValueError:
        raise Mistake("“{event}” is not an event of the audit chain.", code="unknown-event", event=text[:60]) from None

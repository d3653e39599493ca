"""Limits on everything that a stranger can send (sizes in bytes, periods in the unit that the name says)."""

from dataclasses import dataclass

MANIFEST_BYTES = 16 * 1024 * 1024
"""The signed manifest, both lines (docs/format.md §4): the body of a message must fit."""

SUBJECT_CHARACTERS = 998
NAME_CHARACTERS = 150
SLIP_BYTES = 8 * 1024
"""A slip is about 2 kB; grease may be added."""
NOTICE_BYTES = 8 * 1024

CODE_MINUTES = 10
CODE_TRIES = 5
TICKET_MINUTES = 60


@dataclass(frozen=True, slots=True)
class Limits:
    """What an organisation allows; published in ``/.well-known/zegel`` so that senders know before they seal."""

    readers: int = 500
    attachments: int = 500
    parcel_bytes: int = 10 * 1024**3
    part_bytes: int = 16 * 1024 * 1024
    days: int = 365
    mail_proof_class: int = 4
    """The highest class at which the link alone is proof enough for a reader."""

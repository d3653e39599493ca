"""What passes between server and reader: what she may know before the proof, and what she gets after it."""

from dataclasses import dataclass, field
from datetime import datetime

from zegel.parcels.addresses import Person
from zegel.parcels.manifest import Organisation


@dataclass(frozen=True, slots=True)
class Announced:
    """What a reader may know before she proved anything; ``hint`` is the last two digits of a telephone, or empty."""

    organisation: Organisation
    sender: Person
    proof: str
    hint: str
    created: datetime
    expires: datetime
    language: str


@dataclass(frozen=True, slots=True)
class Released:
    """What the server hands out after the proof; the link secret makes it open. ``blobs``: (name, sealed size)."""

    parcel: str
    sealed_slip: bytes = field(repr=False)
    share: bytes = field(repr=False)
    blobs: tuple[tuple[str, int], ...]
    ticket: str = field(repr=False)
    ticket_until: datetime


@dataclass(frozen=True, slots=True)
class NoticeFacts:
    """What a notice may say: who wrote, until when, and the link; nothing of the content."""

    slip: str
    to: str
    language: str
    sender_name: str
    sender_address: str
    organisation: str
    created: datetime
    expires: datetime
    proof: str
    """``mail``, ``code`` or ``sms``: the notice says what the reader will need."""
    link: str = field(repr=False)

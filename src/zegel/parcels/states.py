"""Where a parcel and each of its readers are, and which steps are allowed from there.

A **parcel** is ``live`` from its deposit until it is ``revoked`` or ``expired``; when its blobs are deleted too, it is
``gone`` (the row stays, so that the sender still sees what became of it).

A **reader** goes sent → announced → opened → downloaded, each with its moment; ``revoked`` and ``expired`` end it, and
``unreached`` says that the courier gave up. A reader to whom the mail itself travels goes sent → delivered, and nobody
can know whether she opened it. One whose mailbox is read in the portal goes kept → opened → downloaded. Moments are
never taken back: a parcel opened and then revoked was opened.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from zegel.errors import NotFound
from zegel.parcels.notify import SILENT, Notify
from zegel.parcels.proofs import Proof
from zegel.parcels.ways import Way

ParcelState = Literal["live", "revoked", "expired", "gone"]
Milestone = Literal["announced", "delivered", "opened", "downloaded", "unreached"]


@dataclass(frozen=True, slots=True)
class ReaderStatus:
    """What the sender sees of one reader."""

    slip: str
    address: str
    proof: str
    sent: datetime
    announced: datetime | None
    opened: datetime | None
    downloaded: datetime | None
    unreached: datetime | None
    revoked: datetime | None
    delivered: datetime | None = None
    way: Way = "link"

    @property
    def state(self) -> str:
        """The one word for this reader: the furthest of what happened."""
        for word in ("revoked", "downloaded", "opened", "unreached", "delivered", "announced"):
            if getattr(self, word):
                return word
        if self.way == "portal":
            return "kept"
        return "waiting" if self.proof == "missing" and self.way == "link" else "sent"


@dataclass(frozen=True, slots=True)
class ParcelStatus:
    """What the sender sees of one parcel. The subject is not here: only readers can see it."""

    parcel: str
    sender: str
    class_: int
    created: datetime
    expires: datetime
    state: ParcelState
    size: int
    attachments: int
    readers: tuple[ReaderStatus, ...]


@dataclass(frozen=True, slots=True)
class Received:
    """What the reader of an own mailbox sees of one message before it is opened. The subject is sealed."""

    sender: str
    sender_name: str
    class_: int
    created: datetime
    expires: datetime
    parcel_state: ParcelState
    reader: ReaderStatus

    @property
    def state(self) -> str:
        """``new``, ``opened``, ``downloaded``, ``revoked`` or ``expired``."""
        if self.reader.revoked or self.parcel_state == "revoked":
            return "revoked"
        if self.parcel_state != "live":
            return "expired"
        return "new" if self.reader.state == "kept" else self.reader.state


@dataclass(frozen=True, slots=True)
class Slip:
    """What the outside keeps of one reader's slip; ``sealed_slip`` and ``share`` are empty once it is destroyed."""

    slip: str
    parcel: str
    parcel_state: ParcelState
    sender: str
    sender_name: str
    address: str
    proof: Proof
    language: str
    created: datetime
    expires: datetime
    revoked: datetime | None
    sealed_slip: bytes = field(repr=False)
    share: bytes = field(repr=False)
    kind: str = "claim"
    way: Way = "link"
    notify: Notify = SILENT
    attachments: int = 0
    delivered: datetime | None = None
    class_: int = 2
    return_to: str = ""
    """Who is told what became of this reader; empty: the sender."""
    origin: str = field(default="", repr=False)
    """For what came from another organisation: whose it is (``parcels.origin``)."""


def check_open(slip: Slip, now: datetime) -> None:
    """Refuse to hand out anything of a slip that is revoked or expired; raises :class:`NotFound` saying which.

    The clock decides, not the sweeper: a parcel is closed at its expiry even when nothing has cleaned up yet.
    """
    if slip.revoked or slip.parcel_state == "revoked":
        raise NotFound("The sender has withdrawn this message.", code="revoked")
    if slip.expires <= now or slip.parcel_state in ("expired", "gone"):
        raise NotFound("This message was available until {date}.", code="expired", date=f"{slip.expires:%Y-%m-%d}")
    if not slip.sealed_slip or (slip.kind == "claim" and not slip.share):
        raise NotFound("The sender has withdrawn this message.", code="revoked")


def check_ready(slip: Slip) -> None:
    """Refuse to release anything while nobody has said how this reader proves who she is; raises :class:`NotFound`."""
    if slip.proof.kind == "missing":
        raise NotFound("This message is not ready yet; the sender still has to complete it.", code="not-ready")

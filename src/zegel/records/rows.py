"""Rows of the tables → the values of ``parcels``, in one place."""

from collections.abc import Iterable
from datetime import datetime

from zegel.parcels import states
from zegel.parcels.notify import read_notify
from zegel.parcels.proofs import Proof
from zegel.records import models

STATUS_COLUMNS = (
    "parcel_id", "slip", "address", "proof", "way", "announced", "delivered", "opened", "downloaded", "unreached",
    "revoked", "destroyed",
)  # fmt: skip
"""What a status needs of a slip: a list never fetches sealed bytes."""


def parcel_status(parcel: models.Parcel, slips: Iterable[models.Slip]) -> states.ParcelStatus:
    """A parcel with its readers as the sender sees it; the archive's slip is not a reader."""
    return states.ParcelStatus(
        parcel=parcel.parcel,
        sender=parcel.sender,
        class_=parcel.class_number,
        created=parcel.created,
        expires=parcel.expires,
        state=_state(parcel),
        size=parcel.size,
        attachments=parcel.attachments,
        readers=tuple(reader_status(parcel, slip) for slip in slips),
    )


def reader_status(parcel: models.Parcel, slip: models.Slip) -> states.ReaderStatus:
    return states.ReaderStatus(
        slip=slip.slip,
        address=slip.address,
        proof=slip.proof,
        sent=parcel.created,
        announced=slip.announced,
        opened=slip.opened,
        downloaded=slip.downloaded,
        unreached=slip.unreached,
        revoked=revoked_at(parcel, slip),
        delivered=slip.delivered,
        way=slip.way,  # type: ignore[arg-type]
    )


def received(slip: models.Slip) -> states.Received:
    """A mailbox's slip with its parcel, as the reader's list shows it."""
    parcel = slip.parcel
    return states.Received(
        sender=parcel.sender,
        sender_name=parcel.sender_name,
        class_=parcel.class_number,
        created=parcel.created,
        expires=parcel.expires,
        parcel_state=_state(parcel),
        reader=reader_status(parcel, slip),
    )


def whole_slip(slip: models.Slip) -> states.Slip:
    """A slip with its parcel (``select_related``), bytes and all."""
    parcel = slip.parcel
    return states.Slip(
        slip=slip.slip,
        parcel=parcel.parcel,
        parcel_state=_state(parcel),
        sender=parcel.sender,
        sender_name=parcel.sender_name,
        address=slip.address,
        proof=Proof(slip.proof, slip.telephone, bytes(slip.salt), bytes(slip.verifier)),  # type: ignore[arg-type]
        language=slip.language,
        created=parcel.created,
        expires=parcel.expires,
        revoked=revoked_at(parcel, slip),
        sealed_slip=bytes(slip.sealed_slip),
        share=bytes(slip.share),
        kind=slip.kind,
        way=slip.way,  # type: ignore[arg-type]
        notify=read_notify(slip.notify),
        attachments=parcel.attachments,
        delivered=slip.delivered,
        class_=parcel.class_number,
        return_to=slip.return_to,
        origin=slip.origin,
    )


def revoked_at(parcel: models.Parcel, slip: models.Slip) -> datetime | None:
    """When this reader was revoked, alone or with the whole parcel; None when the parcel only expired.

    A mail that was delivered cannot be taken back: its slip was destroyed then, and nothing of it was revoked.
    """
    return slip.revoked or (slip.destroyed if parcel.ended == "revoked" and not slip.delivered else None)


def _state(parcel: models.Parcel) -> states.ParcelState:
    return parcel.state  # type: ignore[return-value]  # only set_state writes it

"""How a parcel's status is spelled in JSON: the API and the command line say the same."""

from datetime import datetime
from typing import Any

from zegel.parcels.manifest import spell_time
from zegel.parcels.states import ParcelStatus, ReaderStatus


def spell_status(status: ParcelStatus) -> dict[str, Any]:
    """Members as in the API's ``Parcel``."""
    return {
        "parcel": status.parcel,
        "state": status.state,
        "class": status.class_,
        "created": spell_time(status.created),
        "expires": spell_time(status.expires),
        "size": status.size,
        "attachments": status.attachments,
        "readers": [_spell_reader(reader) for reader in status.readers],
    }


def _spell_reader(reader: ReaderStatus) -> dict[str, Any]:
    return {
        "slip": reader.slip,
        "address": reader.address,
        "proof": reader.proof,
        "way": reader.way,
        "state": reader.state,
        "sent": spell_time(reader.sent),
        "announced": _moment(reader.announced),
        "delivered": _moment(reader.delivered),
        "opened": _moment(reader.opened),
        "downloaded": _moment(reader.downloaded),
        "unreached": _moment(reader.unreached),
        "revoked": _moment(reader.revoked),
    }


def _moment(moment: datetime | None) -> str | None:
    return spell_time(moment) if moment else None

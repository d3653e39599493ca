"""The inside API, ``/inside/v1``: signatures, and parcels from programs that cannot seal. Plaintext passes here."""

from typing import Any

from django.http import HttpRequest
from ninja import Router, Status
from pydantic import BaseModel, Field

from zegel.doors.web.installed import house
from zegel.doors.web.lanes import transfer
from zegel.doors.web.ninja_api import TokenAuth, ZegelAPI, actor_of, errors
from zegel.doors.web.schemas import Deposited, Identifier, Strict
from zegel.doors.web.submission import PARCEL_SCHEMA, receive
from zegel.parcels.manifest import spell_time
from zegel.parcels.signature import SUITE, Signature
from zegel.parcels.strict import b64


class SignIn(Strict):
    """Which manifest to sign: the parcel's identifier, and the hex SHA-256 of line 1 (docs/format.md §4.2)."""

    parcel: Identifier
    sha256: str = Field(max_length=64)


class SignatureOut(BaseModel):
    """The members of line 2 of the signed manifest."""

    zegel: str = "signature v1"
    suite: str
    key: str
    host: str
    sender: str
    time: str
    ed25519: str
    mldsa65: str

    @classmethod
    def of(cls, signature: Signature, suite: str) -> "SignatureOut":
        return cls(
            suite=suite,
            key=signature.key,
            host=signature.host,
            sender=signature.sender,
            time=spell_time(signature.time),
            ed25519=b64(signature.ed25519),
            mldsa65=b64(signature.mldsa65),
        )


inside = Router(auth=TokenAuth(), tags=["inside"])

_MULTIPART: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": (
            "A part named `parcel` with JSON, and any number of file parts. Each file is sealed while it arrives; "
            "the order of the files is that of the attachments."
        ),
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["parcel"],
                    "properties": {
                        "parcel": PARCEL_SCHEMA,
                        "file": {"type": "array", "items": {"type": "string", "format": "binary"}},
                    },
                },
                "encoding": {"parcel": {"contentType": "application/json"}},
            }
        },
    }
}


@inside.post("/signatures", response={200: SignatureOut, **errors(401)})
def sign(request: HttpRequest, payload: SignIn) -> SignatureOut:
    """Sign the digest of a manifest for the account of this token; the content stays unknown here too."""
    signature = house().inside_vouch().vouch(actor_of(request), payload.parcel, payload.sha256)
    return SignatureOut.of(signature, SUITE)


@inside.post("/parcels", response={201: Deposited, **errors(401, 411, 415)}, openapi_extra=_MULTIPART)
def submit_parcel(request: HttpRequest) -> Status[Deposited]:
    """Send a message with its attachments; 201 means sealed, durable, and about to be announced."""
    packing = house().inside_submit().begin(actor_of(request))
    try:
        with transfer():
            message = receive(request, packing)
        parcel = packing.finish(message)
    except BaseException:
        packing.abort()
        raise
    return Status(201, Deposited(parcel=parcel, url=f"{house().profile.url}/sent/{parcel}"))


api = ZegelAPI(
    title="Zegel, inside",
    description="For programs of the organisation that cannot seal. Keep it off the internet: plaintext passes here.",
    namespace="inside",
)
api.add_router("", inside)

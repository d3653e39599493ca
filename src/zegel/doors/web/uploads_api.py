"""``/api/v1/blobs``: sealed bytes come in before their parcel does."""

from typing import Any

from django.http import HttpRequest
from ninja import Router, Status
from pydantic import BaseModel, Field

from zegel.doors.web import bodies
from zegel.doors.web.installed import house
from zegel.doors.web.lanes import transfer
from zegel.doors.web.ninja_api import BringerAuth, actor_of, errors
from zegel.doors.web.schemas import Strict
from zegel.parcels.deposit import Blob


class StoredBlob(BaseModel):
    """A blob that is durable; the receipt is what the deposit shows. ``sha256`` is of the sealed bytes."""

    blob: str
    size: int
    sha256: str
    receipt: str

    @classmethod
    def of(cls, blob: Blob, receipt: str) -> "StoredBlob":
        return cls(blob=blob.blob, size=blob.size, sha256=blob.sha256, receipt=receipt)


class Parts(Strict):
    """How many parts, from 0, make the blob."""

    parts: int = Field(ge=1)


uploads = Router(auth=BringerAuth(), tags=["uploads"])

_RAW: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "Sealed bytes, at most limits.part_bytes, with a Content-Length.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@uploads.put("/blobs/{blob}", response={201: StoredBlob, **errors(401, 409, 411)}, openapi_extra=_RAW)
def put_blob(request: HttpRequest, blob: str) -> Status[StoredBlob]:
    """Store a whole blob of at most one part; the same bytes again are answered the same."""
    size = bodies.length(request)
    with transfer():
        stored, receipt = house().uploads.put(actor_of(request), blob, bodies.pieces(request), size)
    return Status(201, StoredBlob.of(stored, receipt))


@uploads.put("/blobs/{blob}/parts/{number}", response={204: None, **errors(401, 409, 411)}, openapi_extra=_RAW)
def put_part(request: HttpRequest, blob: str, number: int) -> Status[None]:
    """Store part `number`, from 0, of a large blob; every part but the last has `limits.part_bytes`."""
    size = bodies.length(request)
    with transfer():
        house().uploads.put_part(actor_of(request), blob, number, bodies.pieces(request), size)
    return Status(204, None)


@uploads.post("/blobs/{blob}/complete", response={201: StoredBlob, **errors(401, 409)})
def complete_blob(request: HttpRequest, blob: str, payload: Parts) -> Status[StoredBlob]:
    """Make one blob of the parts 0 to parts-1; asking again is answered the same."""
    stored, receipt = house().uploads.join(actor_of(request), blob, payload.parts)
    return Status(201, StoredBlob.of(stored, receipt))

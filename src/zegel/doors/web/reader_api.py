"""``/api/v1/reader``: for a reader without account. No cookies are used; the link secret never comes here."""

from collections.abc import Callable, Iterator
from typing import Any

from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from ninja import Router, Status
from pydantic import BaseModel, Field

from zegel.doors.web.installed import house
from zegel.doors.web.lanes import Outgoing
from zegel.doors.web.ninja_api import errors
from zegel.doors.web.ranges import Range, read_range
from zegel.doors.web.schemas import Language, ProofWord, Strict
from zegel.errors import Denied, Mistake
from zegel.parcels.manifest import spell_time
from zegel.parcels.release import Announced, Released
from zegel.parcels.strict import b64


class Named(BaseModel):
    """A name and an address."""

    name: str
    address: str


class OrganisationOut(BaseModel):
    """Who runs this Zegel."""

    name: str
    host: str


class ProofOut(BaseModel):
    """Which proof is wanted; ``hint`` is the last two digits of the telephone, else empty."""

    kind: ProofWord
    hint: str


class AnnouncedOut(BaseModel):
    """What a reader may know before she proved anything."""

    organisation: OrganisationOut
    sender: Named
    proof: ProofOut
    created: str
    expires: str
    language: str

    @classmethod
    def of(cls, found: Announced) -> "AnnouncedOut":
        return cls(
            organisation=OrganisationOut(name=found.organisation.name, host=found.organisation.host),
            sender=Named(name=found.sender.name, address=found.sender.address),
            proof=ProofOut.model_validate({"kind": found.proof, "hint": found.hint}),
            created=spell_time(found.created),
            expires=spell_time(found.expires),
            language=found.language,
        )


class CodeIn(Strict):
    """The language of the page; the SMS is in the language that the sender chose for this reader."""

    language: Language = "nl"


class ShownProof(Strict):
    """The proof; ``code`` for ``code`` and ``sms``."""

    kind: ProofWord
    code: str = Field("", max_length=512)


class OpenIn(Strict):
    """Either a proof, or the ticket of an earlier proof less than an hour ago."""

    proof: ShownProof | None = None
    ticket: str | None = Field(None, max_length=2048)


class SealedFile(BaseModel):
    """A blob and its sealed size in bytes."""

    blob: str
    size: int


class ReleasedOut(BaseModel):
    """What opens together with the secret in the link; ``slip`` and ``share`` are base64."""

    parcel: str
    slip: str
    share: str
    blobs: list[SealedFile]
    ticket: str
    ticket_until: str

    @classmethod
    def of(cls, found: Released) -> "ReleasedOut":
        return cls(
            parcel=found.parcel,
            slip=b64(found.sealed_slip),
            share=b64(found.share),
            blobs=[SealedFile(blob=blob, size=size) for blob, size in found.blobs],
            ticket=found.ticket,
            ticket_until=spell_time(found.ticket_until),
        )


reader = Router(tags=["reader"])

_BYTES: dict[str, Any] = {
    "parameters": [
        {"name": "Authorization", "in": "header", "required": True, "schema": {"type": "string"}},
        {"name": "Range", "in": "header", "required": False, "schema": {"type": "string"}},
    ],
    "responses": {
        200: {"description": "Sealed bytes", "content": {"application/octet-stream": {}}},
        206: {"description": "A range of the sealed bytes", "content": {"application/octet-stream": {}}},
    },
}


@reader.get("/slips/{slip}", response={200: AnnouncedOut, **errors(404, 410)})
def look(request: HttpRequest, slip: str) -> AnnouncedOut:
    """What a reader may know before the proof: who wrote, until when, which proof is wanted."""
    return AnnouncedOut.of(house().collect.look(slip))


@reader.post("/slips/{slip}/code", response={204: None, **errors(404, 410, 429)})
def request_code(request: HttpRequest, slip: str, payload: CodeIn | None = None) -> Status[None]:
    """Have six digits sent by SMS; earlier ones stop counting."""
    house().collect.request_code(slip)
    return Status(204, None)


@reader.post("/slips/{slip}/open", response={200: ReleasedOut, **errors(403, 404, 410, 429)})
def open_slip(request: HttpRequest, slip: str, payload: OpenIn) -> ReleasedOut:
    """Show the proof, or the ticket of an earlier one; answers share, slip and a ticket for the blobs."""
    if (payload.proof is None) == (payload.ticket is None):
        raise Mistake("Show either a proof or a ticket.", code="bad-proof")
    if payload.ticket is not None:
        return ReleasedOut.of(house().collect.reopen(slip, payload.ticket))
    code = payload.proof.code if payload.proof else ""
    return ReleasedOut.of(house().collect.open(slip, code))


@reader.get("/slips/{slip}/blobs/{blob}", response=errors(403, 404, 410, 416), openapi_extra=_BYTES)
def fetch_blob(request: HttpRequest, slip: str, blob: str) -> HttpResponseBase:
    """Sealed bytes of one blob, whole or one range of it (`Authorization: Ticket …`)."""
    collect, ticket = house().collect, _ticket(request)
    size = collect.blob_size(slip, blob, ticket)
    return sealed_bytes(request, blob, size, lambda start, length: collect.blob(slip, blob, ticket, start, length))


def sealed_bytes(
    request: HttpRequest, blob: str, size: int, read: Callable[[int, int | None], Iterator[bytes]]
) -> HttpResponseBase:
    """Answer a blob of ``size`` bytes, whole or the range that was asked for; raises Unavailable ``busy``."""
    wanted = _wanted(request, blob, size)
    start, length = (wanted.start, wanted.length) if wanted else (0, None)
    outgoing = Outgoing()
    try:
        response = StreamingHttpResponse(outgoing.send(read(start, length)))
    except BaseException:
        outgoing.close()
        raise
    response["Content-Length"] = str(wanted.length if wanted else size)
    if wanted:
        response.status_code = 206
        response["Content-Range"] = wanted.content_range
    response["Content-Type"] = "application/octet-stream"
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = f'"{blob}"'
    return response


def _ticket(request: HttpRequest) -> str:
    scheme, _, ticket = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "ticket" or not ticket:
        raise Denied("This ticket is not valid any more.", code="bad-ticket")
    return ticket.strip()


def _wanted(request: HttpRequest, blob: str, size: int) -> Range | None:
    header = request.headers.get("Range", "")
    # A blob never changes under its name, so its name is its tag; with another tag the whole is wanted (§13.1.5).
    if not header or request.headers.get("If-Range", f'"{blob}"') != f'"{blob}"':
        return None
    return read_range(header, size)

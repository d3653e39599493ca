"""``/api/v1/parcels``: deposits, and what became of them. A sender sees his own parcels and nobody else's."""

from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Router, Status
from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema

from zegel.doors.web.installed import house
from zegel.doors.web.ninja_api import TokenAuth, actor_of, errors
from zegel.doors.web.schemas import Deposited, Identifier, Language, Moment, ProofWord, Strict
from zegel.parcels.deposit import SUITE, Blob, Deposit, Reader
from zegel.parcels.limits import NOTICE_BYTES, SLIP_BYTES
from zegel.parcels.manifest import read_time
from zegel.parcels.proofs import Proof, sms_proof
from zegel.parcels.spelling import spell_status
from zegel.parcels.states import ParcelStatus
from zegel.parcels.strict import unb64


def _schema(most: int) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "contentEncoding": "base64", "maxLength": (most + 2) // 3 * 4})


Half = Annotated[bytes, BeforeValidator(unb64), Field(max_length=64), _schema(64)]
SealedSlip = Annotated[bytes, BeforeValidator(unb64), Field(max_length=SLIP_BYTES), _schema(SLIP_BYTES)]
SealedNotice = Annotated[bytes, BeforeValidator(unb64), Field(max_length=NOTICE_BYTES), _schema(NOTICE_BYTES)]


class ProofIn(Strict):
    """``telephone`` is for ``sms``; ``salt`` (16 bytes) and ``verifier`` (32) are for ``code`` (docs/format.md §6)."""

    kind: ProofWord
    telephone: str = Field("", max_length=40)
    salt: Half = b""
    verifier: Half = b""

    def proof(self) -> Proof:
        """Raises Mistake ``bad-telephone``."""
        match self.kind:
            case "sms":
                return sms_proof(self.telephone)
            case "code":
                return Proof("code", salt=self.salt, verifier=self.verifier)
        return Proof("mail")


class ReaderIn(Strict):
    """One reader; for the organisation's ``archive`` slip, address, share and notice are empty."""

    slip: Identifier
    kind: Literal["claim", "archive"] = "claim"
    address: str = Field("", max_length=320)
    language: Language = "nl"
    proof: ProofIn
    sealed_slip: SealedSlip
    share: Half = b""
    sealed_notice: SealedNotice = b""

    def reader(self) -> Reader:
        return Reader(
            slip=self.slip,
            address=self.address,
            proof=self.proof.proof(),
            sealed_slip=self.sealed_slip,
            share=self.share,
            sealed_notice=self.sealed_notice,
            language=self.language,
            kind=self.kind,
        )


class BlobIn(Strict):
    """A blob that was uploaded, and the receipt for it."""

    blob: Identifier
    receipt: str = Field(max_length=2048)


class DepositIn(Strict):
    """A whole sealed parcel: the manifest's blob first, then the attachments in the manifest's order."""

    parcel: Identifier
    suite: str = Field(SUITE, max_length=60)
    class_: int = Field(alias="class", ge=0, le=4)
    expires: Moment
    language: Language = "nl"
    blobs: list[BlobIn]
    readers: list[ReaderIn]

    def deposit(self, sender: str, blobs: tuple[Blob, ...]) -> Deposit:
        """The same for the journey; raises Mistake ``bad-date``, ``bad-telephone``."""
        return Deposit(
            parcel=self.parcel,
            sender=sender,
            class_=self.class_,
            expires=read_time(self.expires),
            blobs=blobs,
            readers=tuple(reader.reader() for reader in self.readers),
            language=self.language,
            suite=self.suite,
        )


class ReaderOut(BaseModel):
    """One reader, and the moments at which something happened to her."""

    slip: str
    address: str
    proof: str
    way: str
    state: str
    sent: str
    announced: str | None
    delivered: str | None
    opened: str | None
    downloaded: str | None
    unreached: str | None
    revoked: str | None


class ParcelOut(BaseModel):
    """One parcel as its sender sees it. The subject is not here: only readers can see it."""

    parcel: str
    class_: int = Field(alias="class")
    created: str
    expires: str
    state: Literal["live", "revoked", "expired", "gone"]
    size: int
    attachments: int
    readers: list[ReaderOut]

    @classmethod
    def of(cls, status: ParcelStatus) -> "ParcelOut":
        return cls.model_validate(spell_status(status))


class ParcelPage(BaseModel):
    """Newest first; ``next`` is the ``before`` of the next page, empty on the last."""

    parcels: list[ParcelOut]
    next: str


class RevokeIn(Strict):
    """Without ``slip``, the parcel is withdrawn from every reader."""

    slip: str = Field("", max_length=26)


class ExpiryIn(Strict):
    """Until when readers can open it."""

    expires: Moment


class AccountOut(BaseModel):
    """Whose token this is."""

    account: str
    address: str
    name: str


parcels = Router(auth=TokenAuth(), tags=["parcels"])


@parcels.get("/me", response={200: AccountOut, **errors(401)})
def whose_token(request: HttpRequest) -> AccountOut:
    """Whose token this is."""
    actor = actor_of(request)
    return AccountOut(account=actor.account, address=actor.address, name=actor.name)


@parcels.post("/parcels", response={201: Deposited, **errors(401, 403, 409)}, by_alias=True)
def deposit_parcel(request: HttpRequest, payload: DepositIn) -> Status[Deposited]:
    """Make a sealed parcel real. 201 means durable; the same deposit again is answered the same."""
    actor, rooms = actor_of(request), house()
    blobs = tuple(rooms.uploads.redeem(actor, item.blob, item.receipt) for item in payload.blobs)
    parcel = rooms.send.deposit(actor, payload.deposit(actor.address, blobs))
    return Status(201, Deposited(parcel=parcel, url=f"{rooms.profile.url}/sent/{parcel}"))


@parcels.get("/parcels", response={200: ParcelPage, **errors(401, 404)}, by_alias=True)
def list_parcels(request: HttpRequest, before: str = "", limit: int = 50) -> ParcelPage:
    """Your parcels, newest first; `limit` is at most 200, `before` the `next` of the page before."""
    limit = max(1, min(limit, 200))
    found = house().follow.parcels(actor_of(request), before, limit)
    return ParcelPage(
        parcels=[ParcelOut.of(status) for status in found],
        next=found[-1].parcel if len(found) == limit else "",
    )


@parcels.get("/parcels/{parcel}", response={200: ParcelOut, **errors(401, 404)}, by_alias=True)
def show_parcel(request: HttpRequest, parcel: str) -> ParcelOut:
    """One of your parcels, and what happened to each reader."""
    return ParcelOut.of(house().follow.parcel(actor_of(request), parcel))


@parcels.post("/parcels/{parcel}/revoke", response={200: ParcelOut, **errors(401, 404)}, by_alias=True)
def revoke_parcel(request: HttpRequest, parcel: str, payload: RevokeIn | None = None) -> ParcelOut:
    """Withdraw it from every reader, or from the one whose slip is given; again is fine."""
    actor, rooms = actor_of(request), house()
    if payload and payload.slip:
        rooms.revoke.reader(actor, parcel, payload.slip)
    else:
        rooms.revoke.parcel(actor, parcel)
    return ParcelOut.of(rooms.follow.parcel(actor, parcel))


@parcels.post("/slips/{slip}/proof", response={200: ParcelOut, **errors(401, 404, 409)}, by_alias=True)
def fill_in_proof(request: HttpRequest, slip: str, payload: ProofIn) -> ParcelOut:
    """Say how a reader proves who she is, where nobody said it yet: by `sms` or `code`. Then she is told.

    409 `proof-known`: what is known stays as it is.
    """
    actor, rooms = actor_of(request), house()
    rooms.fill_in.by_sender(actor, slip, payload.proof())
    return ParcelOut.of(rooms.follow.parcel(actor, rooms.records.slip(slip).parcel))


@parcels.post("/parcels/{parcel}/expiry", response={200: ParcelOut, **errors(401, 404)}, by_alias=True)
def change_expiry(request: HttpRequest, parcel: str, payload: ExpiryIn) -> ParcelOut:
    """Change until when readers can open it."""
    actor, rooms = actor_of(request), house()
    rooms.revoke.expiry(actor, parcel, read_time(payload.expires))
    return ParcelOut.of(rooms.follow.parcel(actor, parcel))

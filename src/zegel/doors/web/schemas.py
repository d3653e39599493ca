"""What the API takes and gives, as pydantic has it: strict, and nothing beside what is written here."""

import base64
import binascii
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from zegel.errors import Mistake
from zegel.journeys.house import Profile
from zegel.parcels.arrivals import MOST_ARRIVAL, Said, Signed
from zegel.parcels.deposit import SUITE, Blob, Deposit, Reader
from zegel.parcels.limits import NOTICE_BYTES, SLIP_BYTES
from zegel.parcels.manifest import read_time, spell_time
from zegel.parcels.origin import Origin
from zegel.parcels.proofs import Proof, sms_proof
from zegel.parcels.release import Announced, Released
from zegel.parcels.signature import Signature, SigningKey
from zegel.parcels.spelling import spell_status
from zegel.parcels.states import ParcelStatus


def b64(raw: bytes) -> str:
    """Base64 with padding (docs/format.md §1)."""
    return base64.b64encode(raw).decode("ascii")


def _unb64(text: object) -> bytes:
    if not isinstance(text, str):
        raise ValueError("not base64")
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("not base64") from None


def _schema(most: int) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "contentEncoding": "base64", "maxLength": (most + 2) // 3 * 4})


Half = Annotated[bytes, BeforeValidator(_unb64), Field(max_length=64), _schema(64)]
SealedSlip = Annotated[bytes, BeforeValidator(_unb64), Field(max_length=SLIP_BYTES), _schema(SLIP_BYTES)]
SealedNotice = Annotated[bytes, BeforeValidator(_unb64), Field(max_length=NOTICE_BYTES), _schema(NOTICE_BYTES)]

Identifier = Annotated[str, Field(max_length=26, examples=["k3mt3zmvwvuqrppbmm5mvjdu4q"])]
Moment = Annotated[str, Field(max_length=40, examples=["2026-12-20T09:14:00Z"])]
Language = Annotated[str, Field(max_length=10, examples=["nl"])]
ProofWord = Literal["mail", "code", "sms"]


class Strict(BaseModel):
    """Something that a caller sends: a member too many, or of another type, is refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Problem(BaseModel):
    """RFC 9457. ``code`` is stable; ``detail`` is a sentence in the language that ``Accept-Language`` asks for."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    retry_after: int | None = None


# Uploads ------------------------------------------------------------------------------------------------------------


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


# Deposit ------------------------------------------------------------------------------------------------------------


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


class Deposited(BaseModel):
    """The parcel is durable and will be announced; ``url`` is where its sender follows it."""

    parcel: str
    url: str


# What became of it --------------------------------------------------------------------------------------------------


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


# Readers ------------------------------------------------------------------------------------------------------------


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


# Other organisations ------------------------------------------------------------------------------------------------


class ArrivalIn(Strict):
    """A sealed parcel from another organisation (docs/format.md §9), and receipts for blobs that were brought."""

    arrival: str = Field(max_length=MOST_ARRIVAL)
    key: str = Field(max_length=60)
    time: Moment
    ed25519: str = Field(max_length=100)
    mldsa65: str = Field(max_length=5000)
    receipts: dict[Identifier, Annotated[str, Field(max_length=2048)]] = {}

    def said(self) -> Said:
        """Raises Mistake ``bad-arrival``."""
        try:
            return Said(self.arrival, Signed.read(self.model_dump(include={"key", "time", "ed25519", "mldsa65"})))
        except (ValueError, KeyError, TypeError, Mistake):
            raise Mistake("This arrival is not right: {what}.", code="bad-arrival", what="signature") from None


class ArrivedOut(BaseModel):
    """A ticket for each blob that is missing; without any it is durable, and will be in the mailbox."""

    missing: dict[str, str]
    part_bytes: int


# The inside zone ----------------------------------------------------------------------------------------------------


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


def origin_members(origin: Origin) -> dict[str, Any]:
    """Another organisation, in the words of its own ``/.well-known/zegel``."""
    return {
        "organisation": {"name": origin.name, "host": origin.host},
        "signing": _signing(origin.keys),
    }


def profile_members(profile: Profile, arrivals: dict[str, Any]) -> dict[str, Any]:
    """``/.well-known/zegel`` (docs/format.md §5)."""
    limits = profile.limits
    members = {"arrivals": arrivals} if arrivals else {}
    return members | {
        "zegel": "organisation v1",
        "organisation": {"name": profile.organisation.name, "host": profile.organisation.host},
        "courier": profile.courier,
        "archive": profile.archive,
        "signing": _signing(profile.signing),
        "api": f"{profile.url}/api/v1",
        "inside": profile.inside_url,
        "limits": {
            "readers": limits.readers,
            "attachments": limits.attachments,
            "parcel_bytes": limits.parcel_bytes,
            "part_bytes": limits.part_bytes,
            "days": limits.days,
            "mail_proof_class": limits.mail_proof_class,
        },
    }


def _signing(keys: tuple[SigningKey, ...]) -> list[dict[str, str]]:
    return [{"key": key.fingerprint, "ed25519": b64(key.ed25519), "mldsa65": b64(key.mldsa65)} for key in keys]

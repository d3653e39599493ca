"""The sealed parcel as the outside zone gets it: envelopes and ciphertext, nothing to read (docs/format.md §6)."""

import hashlib
import json
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from zegel.errors import Mistake
from zegel.parcels import identifiers, limits
from zegel.parcels.addresses import checked_address
from zegel.parcels.claim import HALF_BYTES
from zegel.parcels.notify import SILENT, Notify
from zegel.parcels.proofs import Proof
from zegel.parcels.ways import CARRIES_MAIL, WAYS, Way

SUITE = "age-v1/mlkem768x25519"
LANGUAGES = ("nl", "en")
CLASSES = range(5)
_AGE = b"age-encryption.org/v1\n"

ReaderKind = Literal["claim", "archive", "mailbox", "arrival"]


@dataclass(frozen=True, slots=True)
class Blob:
    """One sealed file in storage; ``size`` and ``sha256`` are of the sealed bytes, as the store counted them."""

    blob: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Reader:
    """One reader of a deposit. ``kind`` is ``archive`` for the organisation's own slip, ``mailbox`` for an own mailbox
    that is read in the portal: no share, notice or proof.
    """

    slip: str
    address: str
    proof: Proof
    sealed_slip: bytes = field(repr=False)
    share: bytes = field(repr=False)
    sealed_notice: bytes = field(repr=False)
    language: str = "nl"
    kind: ReaderKind = "claim"
    way: Way = "link"
    notify: Notify = SILENT


@dataclass(frozen=True, slots=True)
class Deposit:
    """A whole sealed parcel: ``blobs[0]`` is the signed manifest, then the attachments in the manifest's order.

    With ``carries_mail`` the last blob is the mail itself, for readers to whom it travels; no manifest names it.
    """

    parcel: str
    sender: str
    class_: int
    expires: datetime
    blobs: tuple[Blob, ...]
    readers: tuple[Reader, ...]
    language: str = "nl"
    suite: str = SUITE
    once: str = field(default="", repr=False)
    """What names the mail that this was; two with the same name become one parcel. Empty: nobody can tell."""

    @property
    def carries_mail(self) -> bool:
        """Whether the mail itself travels to any reader."""
        return any(reader.way in CARRIES_MAIL for reader in self.readers)

    @property
    def attachments(self) -> int:
        """How many attachments readers see."""
        return len(self.blobs) - (2 if self.carries_mail else 1)

    @property
    def size(self) -> int:
        """All sealed bytes together."""
        return sum(blob.size for blob in self.blobs)


@dataclass(frozen=True, slots=True)
class Accepted:
    """A deposit that keeps the rules, as it is written; ``once`` is a keyed name of the mail it came in, or empty."""

    deposit: Deposit
    digest: str
    moment: datetime
    sender_name: str
    once: bytes = b""


def digest(deposit: Deposit) -> str:
    """SHA-256 over everything in the deposit: the same parcel sent twice is recognised, an altered one refused."""
    fields = [
        deposit.parcel, deposit.sender, deposit.class_, deposit.expires.isoformat(), deposit.language, deposit.suite,
        [[b.blob, b.size, b.sha256] for b in deposit.blobs],
        [
            [r.slip, r.address, r.kind, r.language, r.proof.kind, r.proof.telephone, r.way, r.notify.spell()]
            + [b64encode(part).decode() for part in (r.proof.salt, r.proof.verifier, r.sealed_slip)]
            + [b64encode(part).decode() for part in (r.share, r.sealed_notice)]
            for r in deposit.readers
        ],
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(fields).encode()).hexdigest()


def check_deposit(deposit: Deposit, now: datetime, allowed: limits.Limits) -> None:
    """Refuse a deposit that breaks a rule of the format or a limit; raises :class:`Mistake` naming the first one."""
    identifiers.checked(deposit.parcel)
    if deposit.suite != SUITE:
        raise Mistake("The suite “{suite}” is unknown here.", code="unknown-suite", suite=deposit.suite[:60])
    if deposit.class_ not in CLASSES:
        raise Mistake("A class is a number from 0 to 4.", code="bad-class")
    check_expiry(deposit.expires, now, allowed)
    _check_language(deposit.language)
    _check_counts(deposit, allowed)
    for blob in deposit.blobs:
        identifiers.checked(blob.blob)
    names = [blob.blob for blob in deposit.blobs] + [reader.slip for reader in deposit.readers]
    if len(set(names)) != len(names):
        raise Mistake("The same identifier stands twice in this parcel.", code="repeated-identifier")
    for reader in deposit.readers:
        _check_reader(reader)
        _check_proof(reader, deposit.class_, allowed.mail_proof_class)


def check_expiry(expires: datetime, now: datetime, allowed: limits.Limits) -> None:
    """Refuse an expiry in the past or too far away; raises :class:`Mistake`."""
    if expires.tzinfo is None:
        raise Mistake("A date needs a time zone.", code="bad-date")
    if expires <= now:
        raise Mistake("The expiry date is in the past.", code="expiry-past")
    if expires > now + timedelta(days=allowed.days, hours=1):
        raise Mistake("The expiry date is more than {days} days away.", code="expiry-far", days=allowed.days)


def _check_counts(deposit: Deposit, allowed: limits.Limits) -> None:
    if not any(reader.kind != "archive" for reader in deposit.readers):
        raise Mistake("A parcel needs at least one reader.", code="no-reader")
    if len(deposit.readers) > allowed.readers + 1:
        raise Mistake("A parcel has at most {most} readers.", code="too-many-readers", most=allowed.readers)
    if deposit.attachments < 0:
        raise Mistake("A parcel needs a manifest.", code="no-manifest")
    if deposit.attachments > allowed.attachments:
        raise Mistake("A parcel has at most {most} attachments.", code="too-many-attachments", most=allowed.attachments)
    if deposit.size > allowed.parcel_bytes:
        raise Mistake("A parcel has at most {most} bytes.", code="too-large", most=allowed.parcel_bytes)


def is_sealed(raw: bytes, most: int) -> bool:
    """Whether it looks like an age file of at most so many bytes."""
    return raw.startswith(_AGE) and len(raw) <= most


def parcel_exists() -> Mistake:
    """Something else has the identifier of a parcel, blob or slip."""
    return Mistake("Another message has this identifier already.", code="parcel-exists")


def _check_language(language: str) -> None:
    if language not in LANGUAGES:
        raise Mistake("The language “{language}” is not known here.", code="bad-language", language=language[:10])


def _check_reader(reader: Reader) -> None:
    identifiers.checked(reader.slip)
    if not is_sealed(reader.sealed_slip, limits.SLIP_BYTES):
        raise Mistake("A slip is an age file of at most {most} bytes.", code="bad-slip", most=limits.SLIP_BYTES)
    _check_language(reader.language)
    if reader.kind == "archive":
        return
    checked_address(reader.address)
    if reader.way not in WAYS:
        raise Mistake("The way “{way}” is unknown here.", code="unknown-way", way=str(reader.way)[:20])
    if (reader.kind == "mailbox") != (reader.way == "portal"):
        raise Mistake("The way “{way}” does not fit this kind of slip.", code="unknown-way", way=reader.way)
    if reader.kind == "mailbox":
        _check_mailbox(reader)
        return
    if len(reader.share) != HALF_BYTES:
        raise Mistake("A release share is 32 bytes.", code="bad-share")
    if not is_sealed(reader.sealed_notice, limits.NOTICE_BYTES):
        raise Mistake("A notice is an age file of at most {most} bytes.", code="bad-notice", most=limits.NOTICE_BYTES)
    if reader.proof.kind == "code" and (len(reader.proof.salt), len(reader.proof.verifier)) != (16, 32):
        raise Mistake("The verifier of an access code has a salt of 16 and a value of 32 bytes.", code="bad-verifier")


def _check_proof(reader: Reader, class_: int, most: int) -> None:
    """Refuse the link alone above a class; also on ways that may fall back to it."""
    may = reader.kind == "claim" and reader.way in ("link", "direct", "zegel")
    if may and reader.proof.kind == "mail" and class_ > most:
        raise Mistake(
            "The link alone is proof enough up to class {most}. Choose an access code or a telephone number.",
            code="weak-proof",
            most=most,
        )


def _check_mailbox(reader: Reader) -> None:
    # Found by its address, whatever the case a sender wrote it in.
    if reader.address != reader.address.lower():
        raise Mistake("The address of a mailbox is written in lower case.", code="bad-address", address=reader.address)
    if reader.share or reader.sealed_notice:
        raise Mistake("The slip of a mailbox has no share and no notice.", code="bad-share")

"""Submit: a message and its attachments become a sealed parcel, on the sender's machine or in the inside zone.

Everything is sealed as it comes in; plaintext is never written anywhere. Then the parcel is deposited, here or at a
server: the first of the two steps of sending knows nothing of which.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from zegel import seal
from zegel.errors import Denied, Mistake
from zegel.journeys.ports.clock import Clock
from zegel.journeys.ports.keys import MailboxKeys
from zegel.journeys.ports.peers import BlobSink, Depositor, Vouch
from zegel.journeys.ports.people import Actor
from zegel.journeys.ports.stores import BlobWriter
from zegel.journeys.read import spell_slip
from zegel.parcels import claim, identifiers
from zegel.parcels.addresses import Person, checked_address
from zegel.parcels.deposit import LANGUAGES, Blob, Deposit, Reader, check_expiry
from zegel.parcels.expiry import TIME_ZONE, read_expiry
from zegel.parcels.limits import Limits
from zegel.parcels.manifest import Attachment, Manifest, Organisation, checked_subject, spell_manifest
from zegel.parcels.names import safe_name
from zegel.parcels.notify import SILENT, Notify
from zegel.parcels.outbox_words import DeliveryWords, MailForm, NoticeWords, Words, marked, spell_words
from zegel.parcels.pieces import PieceDigest
from zegel.parcels.proofs import Proof
from zegel.parcels.signature import spell_signed
from zegel.parcels.ways import CARRIES_MAIL, Way

DEFAULT_DAYS = 30
_LONGEST_TYPE = 255


@dataclass(frozen=True, slots=True)
class ReaderWish:
    """A reader as the sender names her: where the notice goes, how she must prove who she is, her language, her
    way, and what the sender wants to hear about her.
    """

    address: str
    proof: Proof
    language: str = ""
    way: Way = "link"
    notify: Notify = SILENT


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent, apart from its attachments. ``to`` and ``cc`` are shown to all; ``readers`` get it."""

    subject: str = field(repr=False)
    text: str = field(repr=False)
    readers: tuple[ReaderWish, ...]
    html: str = field(default="", repr=False)
    to: tuple[Person, ...] = ()
    cc: tuple[Person, ...] = ()
    class_: int = 2
    expires: datetime | None = None
    language: str = "nl"
    once: str = field(default="", repr=False)
    """See ``parcels.deposit.Deposit``."""


@dataclass(frozen=True, slots=True)
class Submit:
    """Begins parcels. ``courier`` and ``archive`` are age recipients; ``archive`` may be empty."""

    sink: BlobSink
    depositor: Depositor
    vouch: Vouch
    organisation: Organisation
    courier: str
    archive: str
    limits: Limits
    clock: Clock
    mailboxes: MailboxKeys | None = field(default=None, repr=False)
    """For readers whose own mailbox is read in the portal; the inside zone alone has them."""
    time_zone: ZoneInfo = TIME_ZONE
    """Of a date that a sender names."""
    row_key: bytes = field(default=b"", repr=False)
    """Marks deliveries of the mail itself; the inside zone alone has it, and the courier takes no other."""

    def read_expiry(self, text: str) -> datetime | None:
        """Until when, as a sender writes it; None for empty, which is the usual period. Raises Mistake ``bad-date``."""
        return read_expiry(text, self.clock(), self.time_zone) if text else None

    def begin(self, actor: Actor, class_: int | None = None) -> "Packing":
        """Start one parcel for this sender. Who knows its class already saves copying it about later.

        Raises Denied ``closed-account``: also on the server's own command line, which asks for no password.
        """
        if not actor.active:
            raise Denied("The account {address} is closed.", code="closed-account", address=actor.address)
        return Packing(self, actor, class_)


class AttachmentWriter:
    """One attachment being sealed into its blob."""

    def __init__(self, packing: "Packing", name: str, type_: str, cid: str):
        self._packing = packing
        self._name = safe_name(name)
        self._type = type_[:_LONGEST_TYPE]
        self._cid = cid[:_LONGEST_TYPE]
        self._hash = hashlib.sha256()
        self._pieces = PieceDigest()
        self._size = 0
        self._blob = SealedBlob(packing.submit.sink, packing.recipient, packing.class_)

    def write(self, data: bytes) -> None:
        """Append plaintext; raises Mistake when the parcel becomes larger than allowed."""
        self._hash.update(data)
        self._pieces.update(data)
        self._size += len(data)
        self._packing.count_bytes(len(data))
        self._blob.write(data)

    def close(self) -> None:
        """Finish the attachment; without this it does not become part of the parcel."""
        self._blob.close()
        whole, pieces = self._hash.hexdigest(), self._pieces.hexdigest()
        found = Attachment(self._blob.blob, self._name, self._type, self._size, whole, pieces, self._cid)
        self._packing.add(found, self._blob)

    def abort(self) -> None:
        """Forget the attachment."""
        self._blob.abort()


class MailWriter:
    """The mail itself being sealed, for readers to whom it travels. No manifest names it."""

    def __init__(self, packing: "Packing"):
        self._packing = packing
        self._blob = SealedBlob(packing.submit.sink, packing.recipient, packing.class_)

    def write(self, data: bytes) -> None:
        """Append; raises Mistake when the parcel becomes larger than allowed."""
        self._packing.count_bytes(len(data))
        self._blob.write(data)

    def close(self, form: MailForm) -> None:
        """The mail is complete; ``form`` says what a server must be able to carry. Without this nobody gets it."""
        self._blob.close()
        self._packing.set_mail(self._blob, form)

    def abort(self) -> None:
        """Forget the mail."""
        self._blob.abort()


class SealedBlob:
    """Plaintext in, one sealed blob in the sink."""

    def __init__(self, sink: BlobSink, recipient: seal.HybridRecipient, class_: int | None):
        self.blob = identifiers.new_identifier()
        self.stored: Blob | None = None
        """When it is durable."""
        self._sink = sink
        self._writer: BlobWriter = sink.open_write(self.blob, class_)
        self._sealer = seal.Sealer([recipient])

    def write(self, data: bytes) -> None:
        sealed = self._sealer.update(data)
        if sealed:
            self._writer.write(sealed)

    def close(self) -> None:
        """All is written. A small blob is durable later, together with the others of its parcel."""
        self._writer.write(self._sealer.finish())
        if not self._writer.light:
            self.stored = self._writer.commit()

    def abort(self) -> None:
        self._writer.abort()

    def give_up(self) -> None:
        """Forget it, and remove what was stored of it."""
        self._writer.abort()
        if self.stored:
            self._sink.delete(self.blob)

    @staticmethod
    def store_all(sink: BlobSink, sealed: Sequence["SealedBlob"]) -> tuple[Blob, ...]:
        """Make durable what is not yet, in one wait where the sink can."""
        waiting = [one for one in sealed if one.stored is None]
        for one, blob in zip(waiting, sink.commit_all([one._writer for one in waiting]), strict=True):
            one.stored = blob
        return tuple(one.stored for one in sealed if one.stored)


class Packing:
    """One parcel being packed; nothing of it is visible to anybody before :meth:`finish` returns."""

    def __init__(self, submit: Submit, actor: Actor, class_: int | None = None):
        self.submit = submit
        self.class_ = class_
        self.actor = actor
        self.parcel = identifiers.new_identifier()
        self._key = seal.HybridIdentity.generate()
        self.recipient = self._key.recipient
        self._attachments: list[Attachment] = []
        self._sealed: list[SealedBlob] = []
        self._open: list[AttachmentWriter | MailWriter] = []
        self._mail: tuple[SealedBlob, MailForm] | None = None
        self._bytes = 0
        self._doubtful = False

    def attachment(self, name: str, type_: str = "application/octet-stream", cid: str = "") -> AttachmentWriter:
        """Start an attachment; raises Mistake when there are too many."""
        if sum(isinstance(one, AttachmentWriter) for one in self._open) >= self.submit.limits.attachments:
            raise Mistake(
                "A parcel has at most {most} attachments.",
                code="too-many-attachments",
                most=self.submit.limits.attachments,
            )
        writer = AttachmentWriter(self, name, type_, cid)
        self._open.append(writer)
        return writer

    def mail(self) -> MailWriter:
        """Start the mail itself; only for a parcel whose way to some reader carries it."""
        writer = MailWriter(self)
        self._open.append(writer)
        return writer

    def set_mail(self, blob: SealedBlob, form: MailForm) -> None:
        self._mail = blob, form

    def count_bytes(self, more: int) -> None:
        self._bytes += more
        if self._bytes > self.submit.limits.parcel_bytes:
            raise Mistake("A parcel has at most {most} bytes.", code="too-large", most=self.submit.limits.parcel_bytes)

    def add(self, attachment: Attachment, blob: SealedBlob) -> None:
        self._attachments.append(attachment)
        self._sealed.append(blob)

    def finish(self, message: Message) -> str:
        """Seal the rest, deposit, and return the parcel's identifier: from here on it is durable.

        Raises Mistake for what the sender got wrong (nothing is kept), Unavailable when it may work later.
        """
        now = self.submit.clock().replace(microsecond=0)
        expires = message.expires or now + timedelta(days=min(DEFAULT_DAYS, self.submit.limits.days))
        check_expiry(expires, now, self.submit.limits)
        readers = self._check_readers(message)
        mail = self._mail_blob(readers)
        manifest = self._manifest(message, now, expires)
        self._sealed = [self._seal_manifest(manifest), *self._sealed, *mail]
        deposit = Deposit(
            parcel=self.parcel,
            sender=self.actor.address,
            class_=message.class_,
            expires=expires,
            readers=tuple(self._reader(wish, message.language) for wish in readers) + self._archive_reader(),
            blobs=SealedBlob.store_all(self.submit.sink, self._sealed),
            language=message.language,
            once=message.once,
        )
        # From here on the parcel may be real although no answer comes back (a connection lost at the commit).
        self._doubtful = True
        try:
            parcel = self.submit.depositor.deposit(self.actor, deposit)
        except (Mistake, Denied):
            self._doubtful = False
            raise
        if parcel != self.parcel:
            # The same mail had become a parcel before: that one counts, and what was stored for this one goes.
            self._doubtful = False
            self.abort()
        return parcel

    def abort(self) -> None:
        """Forget the parcel; what was stored of it can be opened by nobody and is removed.

        Blobs stay when a deposit was tried and nobody knows whether it was written: without a parcel the sweep
        removes them, with one its reader needs them.
        """
        for writer in self._open:
            writer.abort()
        if not self._doubtful:
            for sealed in dict.fromkeys((*self._sealed, *([self._mail[0]] if self._mail else ()))):
                sealed.give_up()

    def _mail_blob(self, readers: list[ReaderWish]) -> tuple[SealedBlob, ...]:
        """The mail as the last blob when it travels to anybody; sealed for nobody, it is given up."""
        if any(wish.way in CARRIES_MAIL for wish in readers):
            if self._mail is None:
                raise Mistake("The mail itself is missing from this parcel.", code="no-mail")
            return (self._mail[0],)
        if self._mail:
            self._mail[0].give_up()
            self._mail = None
        return ()

    def _check_readers(self, message: Message) -> list[ReaderWish]:
        if message.language not in LANGUAGES:
            raise Mistake(
                "The language “{language}” is not known here.", code="bad-language", language=message.language
            )
        if not message.readers:
            raise Mistake("A parcel needs at least one reader.", code="no-reader")
        if len(message.readers) > self.submit.limits.readers:
            raise Mistake(
                "A parcel has at most {most} readers.", code="too-many-readers", most=self.submit.limits.readers
            )
        once: dict[str, ReaderWish] = {}
        for wish in message.readers:
            address = checked_address(wish.address)
            name = address.lower() if wish.way == "portal" else address
            once.setdefault(name, replace(wish, address=address))
        return list(once.values())

    def _manifest(self, message: Message, now: datetime, expires: datetime) -> Manifest:
        return Manifest(
            parcel=self.parcel,
            organisation=self.submit.organisation,
            from_=Person(self.actor.name, self.actor.address),
            to=message.to,
            cc=message.cc,
            subject=checked_subject(message.subject),
            text=message.text,
            html=message.html,
            class_=message.class_,
            language=message.language,
            created=now,
            expires=expires,
            attachments=tuple(self._attachments),
            archive=bool(self.submit.archive),
        )

    def _seal_manifest(self, manifest: Manifest) -> SealedBlob:
        line = spell_manifest(manifest)
        signature = self.submit.vouch.vouch(self.actor, self.parcel, hashlib.sha256(line).hexdigest())
        sealed = SealedBlob(self.submit.sink, self.recipient, self.class_)
        try:
            sealed.write(spell_signed(line, signature))
            sealed.close()
            return sealed
        except BaseException:
            sealed.abort()
            raise

    def _slip_text(self) -> bytes:
        return spell_slip(self.parcel, self._key)

    def _reader(self, wish: ReaderWish, language: str) -> Reader:
        if wish.way == "portal":
            return self._mailbox_reader(wish, language)
        slip, secret, share = identifiers.new_identifier(), claim.new_half(), claim.new_half()
        identity = seal.HybridIdentity.from_seed(claim.derive_seed(secret, share, slip))
        words = self._words(wish, slip, claim.spell_secret(secret))
        return Reader(
            slip=slip,
            address=wish.address,
            proof=wish.proof,
            sealed_slip=seal.seal(self._slip_text(), identity.recipient),
            share=share,
            sealed_notice=seal.seal(spell_words(words), seal.parse_recipient(self.submit.courier)),
            language=wish.language or language,
            way=wish.way,
            notify=wish.notify,
        )

    def _words(self, wish: ReaderWish, slip: str, secret: str) -> Words:
        """What her outbox row says. The courier gets the parcel key only when the mail itself travels."""
        if wish.way not in CARRIES_MAIL or self._mail is None:
            return NoticeWords(slip, secret, wish.address)
        blob, form = self._mail
        key = str(self._key)
        words = DeliveryWords(slip, secret, key, blob.blob, self.actor.address, form, wish.address, wish.way)
        return marked(words, self.submit.row_key)

    def _mailbox_reader(self, wish: ReaderWish, language: str) -> Reader:
        """One slip for the identity of her mailbox: no secret, no share, and nobody to send a notice to."""
        if self.submit.mailboxes is None:
            raise Mistake("There is no mailbox {address} here.", code="no-mailbox", address=wish.address)
        address = wish.address.lower()
        sealed = seal.seal(self._slip_text(), self.submit.mailboxes.recipient(address.rpartition("@")[2]))
        return Reader(
            slip=identifiers.new_identifier(),
            address=address,
            proof=Proof("mail"),
            sealed_slip=sealed,
            share=b"",
            sealed_notice=b"",
            language=wish.language or language,
            kind="mailbox",
            way="portal",
            notify=wish.notify,
        )

    def _archive_reader(self) -> tuple[Reader, ...]:
        if not self.submit.archive:
            return ()
        sealed = seal.seal(self._slip_text(), seal.parse_recipient(self.submit.archive))
        return (Reader(identifiers.new_identifier(), "", Proof("mail"), sealed, b"", b"", kind="archive"),)

"""One mail on its way in: parsed and sealed while it arrives, then finished, or aborted without a trace.

All methods block (they seal and store) and run in the door's thread pool, never two at once for one mail.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import format_datetime
from typing import Protocol

from zegel.doors.smtp.config import DoorConfig
from zegel.doors.smtp.mime import AttachmentWriter, Mail
from zegel.doors.smtp.once import Naming
from zegel.errors import Denied, Mistake, NotFound
from zegel.journeys.judge import Came, FindWays, Judge
from zegel.journeys.ports.people import Actor
from zegel.journeys.submit import Message, ReaderWish
from zegel.journeys.wishes import Defaults, Wishes
from zegel.mime.headers import Headers, decode_words, read_addresses
from zegel.mime.onward import Added, Onward
from zegel.mime.walker import Part
from zegel.parcels.addresses import Person, checked_address, shown_name
from zegel.parcels.manifest import checked_subject
from zegel.parcels.notify import SILENT, Notify
from zegel.parcels.outbox_words import MailForm
from zegel.parcels.ways import CARRIES_MAIL
from zegel.policy.facts import Listener
from zegel.policy.verdict import Verdict

log = logging.getLogger(__name__)

_MOST_HOPS = 50
"""Received fields; servers count them so that a mail does not go round for ever (RFC 5321 §6.3)."""


class MailWriter(Protocol):
    """The mail itself being sealed (``journeys.submit.MailWriter``)."""

    def write(self, data: bytes) -> None: ...

    def close(self, form: MailForm) -> None: ...


class Submission(Protocol):
    """One parcel being packed (``journeys.submit.Packing``); attachments may be open side by side."""

    @property
    def parcel(self) -> str: ...

    def attachment(self, name: str, type_: str = ..., cid: str = ...) -> AttachmentWriter: ...

    def mail(self) -> MailWriter:
        """Start the mail itself, for readers to whom it travels."""

    def finish(self, message: Message) -> str: ...

    def abort(self) -> None: ...


class Submit(Protocol):
    """Begins parcels (``journeys.submit.Submit``)."""

    def begin(self, actor: Actor, class_: int | None = None) -> Submission: ...


@dataclass(frozen=True, slots=True)
class Recipient:
    """One RCPT: the address, and what the sender wants to hear about her (RFC 3461)."""

    address: str
    notify: Notify = SILENT


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who sends, and to whom: what MAIL and RCPT said. ``size`` is what MAIL declared.

    ``author`` tells whom the mail comes from by the (name, address) of its From header; it raises Denied.
    """

    author: Callable[[Sequence[tuple[str, str]]], Actor]
    recipients: Sequence[Recipient]
    listener: Listener = "submission"
    size: int | None = None

    @property
    def addresses(self) -> list[str]:
        return [recipient.address for recipient in self.recipients]


class Intake:
    """Feed the mail, then :meth:`finish`; or :meth:`abort`. Both are safe to call once more."""

    def __init__(
        self,
        submit: Submit,
        config: DoorConfig,
        envelope: Envelope,
        clock: Callable[[], datetime],
        ways: FindWays | None = None,
    ):
        self._envelope = envelope
        self._clock = clock
        self._hostname = config.hostname
        defaults = Defaults(config.default_proof, config.language, config.time_zone, config.missing_proof)
        self._judge = Judge(replace(config.policy, default_class=config.default_class), defaults, clock, ways)
        self._submit = submit
        self._submission: Submission | None = None
        self._mail = _CheckedMail(self, config)
        self._came: Came | None = None
        self._verdicts: tuple[Verdict, ...] = ()
        self._wishes: Wishes | None = None
        self._bytes = 0
        self._naming = Naming()
        self._actor: Actor | None = None
        self._early = bytearray()
        """What came before anybody could say whether the mail itself travels."""
        self._copy: _Copy | None = None

    def feed(self, data: bytes) -> None:
        """Take the next bytes; raises Mistake, Denied or Unavailable, after which only :meth:`abort` makes sense."""
        self._bytes += len(data)
        self._naming.feed(data)
        if self._submission is None:
            self._early += data
        self._mail.feed(data)
        if self._copy:
            self._copy.feed(bytes(self._early) or data)
        if self._submission:
            self._early.clear()

    def head(self, part: Part) -> None:
        """The top headers are there: refuse whom we must before anything is sealed."""
        actor = self._actor = self._author(part)
        self._came = Came(self._envelope.listener, actor.address, self._envelope.size)
        self._verdicts = self._judge.weigh(part.headers, self._came, self._envelope.addresses)
        self._wishes = self._judge.wishes(part.headers, self._verdicts)
        if self._envelope.listener == "incoming":
            self._check_stranger(part.headers, self._wishes)
        self._submission = self._submit.begin(actor, self._wishes.class_)
        if any(wish.way in CARRIES_MAIL for wish in self._wishes.readers):
            added = _added(self._submission.parcel, self._hostname, self._clock())
            self._copy = _Copy(self._submission.mail(), Onward(added))

    def attachment(self, name: str, type_: str, cid: str = "") -> AttachmentWriter:
        if self._submission is None:
            raise Mistake("This mail was broken off.", code="broken-off")
        return self._submission.attachment(name, type_, cid)

    def finish(self) -> str:
        """The mail is complete; returns the parcel's identifier when it is durable."""
        self._mail.close()
        if not (self._submission and self._wishes and self._came and self._mail.top):
            raise Mistake("This mail was broken off.", code="broken-off")
        if self._copy:
            self._copy.close(bytes(self._early))
        headers = self._mail.top.headers
        self._judge.check_size(headers, self._came, self._verdicts, self._bytes)
        message = Message(
            subject=checked_subject(decode_words(headers.first("subject"))),
            text=self._mail.text,
            html=self._mail.html,
            to=tuple(_people(headers.all("to"))),
            cc=tuple(_people(headers.all("cc"))),
            readers=self._readers(self._wishes),
            class_=self._wishes.class_,
            expires=self._wishes.expires,
            language=self._wishes.language,
            once=self._name(headers),
        )
        submission, self._submission = self._submission, None
        try:
            return submission.finish(message)
        except (Mistake, Denied, NotFound):
            submission.abort()
            raise
        # After any other error nobody knows whether the deposit was written: its blobs stay, and are swept if not.

    def abort(self) -> None:
        """Forget the mail; never raises: whoever calls has nothing better to do."""
        submission, self._submission = self._submission, None
        if submission:
            try:
                submission.abort()
            except Exception:
                log.exception("a broken-off mail could not be cleaned up; the sweeper will")

    def _readers(self, wishes: Wishes) -> tuple[ReaderWish, ...]:
        notify = {recipient.address.lower(): recipient.notify for recipient in self._envelope.recipients}
        return tuple(replace(wish, notify=notify.get(wish.address.lower(), wish.notify)) for wish in wishes.readers)

    def _name(self, headers: Headers) -> str:
        if self._actor is None:
            return ""
        message_id = headers.first("message-id")
        return self._naming.name(self._actor.account, self._actor.address, message_id, self._envelope.addresses)

    def _check_stranger(self, headers: Headers, wishes: Wishes) -> None:
        """From outside mail goes into mailboxes and no other way; one that goes round and round is stopped."""
        if len(headers.all("received")) > _MOST_HOPS:
            raise Denied("This mail goes round in circles.", code="mail-loop")
        if any(wish.way not in ("mailbox", "portal") for wish in wishes.readers):
            raise Denied("Mail from outside is for mailboxes of this organisation only.", code="no-relay")

    def _author(self, part: Part) -> Actor:
        """Whom the From header names, if he may send here (RFC 5322 §3.6.2: at most one field)."""
        fields = part.headers.all("from")
        senders = read_addresses(fields)
        if len(fields) > 1 or (fields and not senders):
            raise Denied("The From header must name one sender.", code="foreign-sender")
        return self._envelope.author(senders)


class _CheckedMail(Mail):
    def __init__(self, intake: Intake, config: DoorConfig):
        super().__init__(intake, config.mime, config.language)
        self._intake = intake

    def head(self, part: Part) -> None:
        self._intake.head(part)


class _Copy:
    """The mail itself on its way into its blob."""

    def __init__(self, writer: MailWriter, onward: Onward):
        self._writer = writer
        self._onward = onward

    def feed(self, data: bytes) -> None:
        self._writer.write(self._onward.feed(data))

    def close(self, rest: bytes) -> None:
        """``rest`` is not empty for a mail that ended before its header did."""
        self._writer.write(self._onward.feed(rest) + self._onward.close())
        self._writer.close(self._onward.form)


def _added(parcel: str, hostname: str, now: datetime) -> Added:
    """What the mail gets on its way: a trace that does not tell which machine inside sent it (RFC 5321 §4.4)."""
    date = format_datetime(now)
    return Added(
        trace=f"Received: from inside by {hostname} (Zegel) with ESMTP id {parcel};\r\n\t{date}".encode(),
        date=f"Date: {date}".encode(),
        message_id=f"Message-ID: <{parcel}@{hostname}>".encode(),
    )


def _people(values: list[str]) -> list[Person]:
    """Whom the mail shows as its readers; what is no address is left out."""
    found = []
    for name, address in read_addresses(values):
        try:
            found.append(Person(shown_name(name), checked_address(address)))
        except Mistake:
            continue
    return found

"""``journeys.ports.outbox.Notifier`` with the drivers that the configuration names."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Protocol
from zoneinfo import ZoneInfo

from zegel.outbox.mail import MaildirRoute, Relay, Route, SmtpRoute, Tls
from zegel.outbox.notice import From, write_notice
from zegel.outbox.sms import FileSms, HttpSms, NoSms, SmsRoute, read_request, write_sms
from zegel.parcels.expiry import TIME_ZONE
from zegel.parcels.release import NoticeFacts
from zegel.post.report import ReportFacts, write_report
from zegel.post.request import RequestFacts, write_request
from zegel.post.verp import BounceAddresses
from zegel.post.written import Written


class MailSettings(Protocol):
    """``[mail]`` of the configuration; relative paths are under the data folder."""

    @property
    def kind(self) -> Literal["smtp", "maildir"]: ...
    @property
    def sender(self) -> str: ...
    @property
    def folder(self) -> str: ...
    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def tls(self) -> Tls: ...
    @property
    def user(self) -> str: ...
    @property
    def password_file(self) -> str: ...


class SmsSettings(Protocol):
    """``[sms]`` of the configuration."""

    @property
    def kind(self) -> Literal["file", "http", "none"]: ...
    @property
    def file(self) -> str: ...
    @property
    def driver(self) -> str: ...


class MailSigner(Protocol):
    """Signs a mail for the organisation's domain (``keys.dkim``)."""

    def sign(self, head: bytes, body: Iterable[bytes]) -> bytes:
        """The ``DKIM-Signature`` fields that go before the mail."""


@dataclass(frozen=True, slots=True)
class Marks:
    """What the keys room gives the courier: return addresses of their own, and signatures. Either may be missing."""

    bounces: BounceAddresses | None = None
    signer: MailSigner | None = None


class RouteNotifier:
    """Writes notices and codes, and hands them to a route."""

    def __init__(self, from_: From, mail: Route, sms: SmsRoute, now: Callable[[], datetime], marks: Marks):
        self._from = from_
        self._mail = mail
        self._sms = sms
        self._now = now
        self._marks = marks

    def notice(self, message: NoticeFacts) -> None:
        bounces = self._marks.bounces
        sender = bounces.make(message.slip) if bounces else self._from.address
        self._mail.send(self._signed(write_notice(message, self._from, self._now())), sender, message.to)

    def report(self, facts: ReportFacts) -> None:
        written = write_report(facts, self._from.address, self._from.zone, self._now())
        # The empty envelope sender: nobody answers a report (RFC 3461 §6.1).
        self._mail.send(self._signed(written), "", facts.to)

    def request(self, facts: RequestFacts) -> None:
        written = write_request(facts, self._from.address, self._from.zone, self._now())
        self._mail.send(self._signed(written), "", facts.to)

    def sms_code(self, telephone: str, code: str, language: str, organisation: str, message: str) -> None:
        self._sms.send(telephone, write_sms(code, language, organisation), message)

    def _signed(self, mail: Written) -> Written:
        signer = self._marks.signer
        return replace(mail, head=signer.sign(mail.head, (mail.body,)) + mail.head) if signer else mail


def notifier(
    mail: MailSettings,
    sms: SmsSettings,
    data: Path,
    marks: Marks = Marks(),  # it is frozen
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    time_zone: ZoneInfo = TIME_ZONE,
) -> RouteNotifier:
    """Build it; raises Mistake for settings that would send secrets in the clear or cannot be read."""
    return RouteNotifier(From(mail.sender, time_zone), _mail_route(mail, data), _sms_route(sms, data), now, marks)


def _mail_route(mail: MailSettings, data: Path) -> Route:
    if mail.kind == "maildir":
        return MaildirRoute(data / mail.folder)
    secret = data / mail.password_file if mail.password_file else None
    return SmtpRoute(Relay(mail.host, mail.port, mail.tls, mail.user, secret))


def _sms_route(sms: SmsSettings, data: Path) -> SmsRoute:
    if sms.kind == "file":
        return FileSms(data / sms.file)
    if sms.kind == "http":
        return HttpSms(read_request(data / sms.driver))
    return NoSms()

"""What senders are told of their readers: by default, as RFC 3461 has them ask, and never twice or in a circle."""

from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.ground.databases import Database
from tests.ground.house import READER, SENDER, Ground, make_house
from zegel.errors import Mistake, Unavailable
from zegel.journeys.submit import Message, ReaderWish
from zegel.parcels.addresses import Person
from zegel.parcels.notify import SILENT, Notify
from zegel.parcels.proofs import Proof, parse_proof
from zegel.post.written import Written

_BOUNCES = Path(__file__).parents[1] / "post/bounces"
_SUCCESS = Notify(success=True, failure=True, delay=True, asked=True, envid="QQ+2B1", orcpt="rfc822;j+2Bx@example.net")
_NEVER = Notify(success=False, failure=False, delay=False, asked=True)


@pytest.fixture
def ground(tmp_path: Path, database: Database) -> Ground:
    return make_house(tmp_path)


def _send(ground: Ground, notify: Notify = SILENT, to: str = READER) -> str:
    packing = ground.house.inside_submit().begin(ground.actor)
    reader = ReaderWish(to, parse_proof("mail"), notify=notify)
    return packing.finish(Message(readers=(reader,), to=(Person("", to),), subject="Geheim", text="Zeer geheim"))


def _reports(ground: Ground) -> list[EmailMessage]:
    return [mail for mail in ground.mails() if mail["To"] == SENDER]


def _words(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return " ".join(body.get_content().split())


def _fields(mail: EmailMessage) -> dict[str, str]:
    status = next(part for part in mail.iter_parts() if part.get_content_type() == "message/delivery-status")
    return {name: str(value) for block in status.get_payload() for name, value in block.items()}  # type: ignore[union-attr]


def _bounce(ground: Ground, name: str) -> None:
    assert ground.house.bounce is not None
    sender = next(mail["Return-Path"] for mail in ground.mails() if mail["To"] == READER)
    mail = (_BOUNCES / f"{name}.eml").read_bytes()
    ground.house.bounce.take(str(sender).strip(" <>"), "", [mail])


class Away:
    """A mail server that answers as told, for notices; what goes to the sender it lets through."""

    def __init__(self, ground: Ground, error: Exception):
        self.error: Exception | None = error
        assert ground.house.announce is not None
        notifier: Any = ground.house.announce.handlers["notice"].notifier  # type: ignore[attr-defined]
        self.inner, notifier._mail = notifier._mail, self

    def send(self, mail: Written, sender: str, to: str) -> None:
        if self.error and to != SENDER:
            raise self.error
        self.inner.send(mail, sender, to)


def _refused() -> Mistake:
    return Mistake("Refused ({reply}).", code="mail-refused", reply="550 5.2.2")


def _busy() -> Unavailable:
    return Unavailable("Busy ({reply}).", code="mail-away", reply="450 4.2.0")


def test_a_bounce_is_told_once_with_the_reason_and_without_the_content(ground: Ground) -> None:
    _send(ground)
    ground.announce()
    for _ in range(2):
        _bounce(ground, "postfix-failed")
        ground.announce()
    (report,) = _reports(ground)
    assert report["Return-Path"].strip() == "<>"
    assert report["Subject"] == f"Niet bereikt: {READER}"
    assert "dit mailadres bestaat niet" in _words(report)
    assert _fields(report)["Status"] == "5.1.1"
    assert "eheim" not in report.as_string()
    assert "/o/" not in report.as_string()


def test_an_automatic_answer_is_told_once_in_words_alone(ground: Ground) -> None:
    _send(ground)
    ground.announce()
    for _ in range(2):
        _bounce(ground, "vacation-sieve")
        ground.announce()
    (told,) = _reports(ground)
    assert told["Subject"] == f"Automatisch antwoord: {READER}"
    assert told["Return-Path"].strip() == "<>"
    assert told["Auto-Submitted"] == "auto-replied"
    assert told.get_content_type() == "multipart/mixed"
    assert "Onze post is dus aangekomen" in _words(told)
    assert "eheim" not in told.as_string()


def test_who_has_opened_it_or_never_wants_reports_is_no_news(ground: Ground) -> None:
    _send(ground)
    ground.announce()
    ground.reading.open(ground.links()[0], "")
    _bounce(ground, "vacation-sieve")
    ground.announce()
    assert not _reports(ground)
    _send(ground, _NEVER)
    ground.announce()
    assert ground.house.bounce is not None
    address = str(ground.mails()[1]["Return-Path"]).strip(" <>")
    ground.house.bounce.take(address, "", [(_BOUNCES / "vacation-sieve.eml").read_bytes()])
    ground.announce()
    assert not _reports(ground)


def test_a_refusal_is_told(ground: Ground) -> None:
    Away(ground, _refused())
    _send(ground)
    ground.announce()
    (report,) = _reports(ground)
    assert _fields(report) | {"Action": "failed", "Diagnostic-Code": "smtp; 550 5.2.2"} == _fields(report)
    assert "postbus van de ontvanger is vol" in _words(report)


def test_success_is_told_to_whom_asked_and_to_nobody_else(ground: Ground) -> None:
    _send(ground)
    _send(ground, _NEVER)
    _send(ground, _SUCCESS)
    ground.announce()
    (report,) = _reports(ground)
    fields = _fields(report)
    assert fields["Action"] == "relayed"
    assert fields["Original-Envelope-Id"] == "QQ+1"
    assert fields["Original-Recipient"] == "rfc822;j+x@example.net"
    assert "Of de ontvanger het bericht heeft gelezen, weten wij daarmee niet" in _words(report)


def test_never_is_never(ground: Ground) -> None:
    Away(ground, _refused())
    _send(ground, _NEVER)
    ground.announce()
    assert not (ground.folder / "mail/new").exists() or not _reports(ground)


def test_a_delay_is_told_after_four_hours_once_to_whom_asked(ground: Ground) -> None:
    away = Away(ground, _busy())
    _send(ground, _SUCCESS)
    _send(ground)
    told = []
    for hours in range(12):
        ground.announce()
        told.append(len(_reports(ground)) if (ground.folder / "mail/new").exists() else 0)
        ground.clock.move(hours=1)
        assert told[-1] == (1 if hours >= 4 else 0), told
    (report,) = _reports(ground)
    assert _fields(report)["Action"] == "delayed"
    assert _fields(report)["Status"] == "4.2.0"
    assert "Wij blijven het proberen tot maandag 23 november 2026" in _words(report)
    away.error = None
    ground.clock.move(hours=5)
    ground.announce()
    assert [_fields(mail)["Action"] for mail in _reports(ground)] == ["delayed", "relayed"]


def test_after_three_days_it_is_given_up_and_told(ground: Ground) -> None:
    Away(ground, _busy())
    parcel = _send(ground)
    for _ in range(30):
        ground.announce()
        ground.clock.move(hours=3)
    (report,) = _reports(ground)
    assert _fields(report)["Action"] == "failed"
    assert ground.house.follow.parcel(ground.actor, parcel).readers[0].state == "unreached"
    assert ground.house.records.count_outbox()["waiting"] == 0
    ground.house.audit.verify()


def test_a_report_that_cannot_be_sent_makes_no_other(ground: Ground) -> None:
    _send(ground)
    ground.announce()
    away = Away(ground, _refused())
    away.send = lambda *_: (_ for _ in ()).throw(_refused())  # type: ignore[method-assign]
    _bounce(ground, "postfix-failed")
    ground.announce()
    assert ground.house.records.count_outbox() == {"waiting": 0, "held": 0, "done": 1, "dead": 1}


def test_what_the_sender_withdrew_is_not_told(ground: Ground) -> None:
    parcel = _send(ground, _SUCCESS)
    ground.house.revoke.parcel(ground.actor, parcel)
    ground.announce()
    assert ground.house.records.count_outbox()["dead"] == 0
    assert not (ground.folder / "mail/new").exists() or not _reports(ground)


def test_a_missing_proof_is_asked_for_whatever_was_asked(ground: Ground) -> None:
    packing = ground.house.inside_submit().begin(ground.actor)
    reader = ReaderWish(READER, Proof("missing"), notify=_NEVER)
    packing.finish(Message(readers=(reader,), subject="Geheim", text="Zeer geheim"))
    ground.announce()
    (request,) = _reports(ground)
    assert f"{ground.house.profile.url}/fill/" in _words(request)
    assert request["Auto-Submitted"] == "auto-generated"
    assert request.get_content_type() == "multipart/mixed"


def test_a_killed_report_is_repeated_with_the_same_message_id(ground: Ground) -> None:
    _send(ground)
    ground.announce()
    _bounce(ground, "postfix-failed")
    announce = ground.house.announce
    assert announce is not None
    rows = announce.records.lease_outbox(ground.clock(), "died", 10, 300)
    assert [row.kind for row in rows] == ["report"]
    ground.announce()
    assert not _reports(ground)
    ground.clock.now += timedelta(minutes=6)
    ground.announce()
    (report,) = _reports(ground)
    assert report["Message-ID"].startswith(f"<report.{rows[0].row}.")

"""Reports to senders, read back by ``email`` and by our own reading of bounces."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zegel.post.bounce import Reading, read_bounce
from zegel.post.report import Action, ReportFacts, write_report

_ZONE = ZoneInfo("Europe/Amsterdam")
_NOW = datetime(2026, 11, 20, 9, 14, tzinfo=UTC)
_FACTS = ReportFacts(
    message="report.1",
    action="failed",
    to="zorg@voorbeeld.example",
    reader="j.dejong@example.net",
    language="nl",
    organisation="Gemeente Voorbeeld",
    reporter="post.voorbeeld.example",
    sent=_NOW - timedelta(hours=1),
    status="5.1.1",
)


def _read(facts: ReportFacts) -> EmailMessage:
    wire = write_report(facts, "post@voorbeeld.example", _ZONE, _NOW).wire
    return message_from_bytes(wire, policy=policy.default)


def _words(facts: ReportFacts) -> str:
    body = _read(facts).get_body(("plain",))
    assert body is not None
    return " ".join(body.get_content().split())


def _fields(facts: ReportFacts) -> list[dict[str, str]]:
    status = next(part for part in _read(facts).iter_parts() if part.get_content_type().endswith("delivery-status"))
    return [{name: str(value) for name, value in block.items()} for block in status.get_payload()]  # type: ignore[union-attr]


def test_a_mail_program_sees_a_report_and_its_words() -> None:
    mail = _read(_FACTS)
    assert mail.get_content_type() == "multipart/report"
    assert mail.get_param("report-type") == "delivery-status"
    assert mail["Subject"] == "Niet bereikt: j.dejong@example.net"
    assert mail["From"] == "Gemeente Voorbeeld <post@voorbeeld.example>"
    assert mail["To"] == "zorg@voorbeeld.example"
    assert mail["Auto-Submitted"] == "auto-replied"
    assert mail["Message-ID"] == "<report.1@voorbeeld.example>"
    words = _words(_FACTS)
    assert "heeft uw beveiligde bericht van vrijdag 20 november 2026, 09:14 uur niet gekregen" in words
    assert "dit mailadres bestaat niet" in words


def test_a_program_reads_what_happened() -> None:
    facts = replace(_FACTS, reply="550 5.1.1", envelope_id="QQ314159", original_recipient="rfc822;j.dejong@example.net")
    message, recipient = _fields(facts)
    assert message == {
        "Original-Envelope-Id": "QQ314159",
        "Reporting-MTA": "dns; post.voorbeeld.example",
        "Arrival-Date": "Fri, 20 Nov 2026 08:14:00 +0000",
    }
    assert recipient == {
        "Original-Recipient": "rfc822;j.dejong@example.net",
        "Final-Recipient": "rfc822; j.dejong@example.net",
        "Action": "failed",
        "Status": "5.1.1",
        "Diagnostic-Code": "smtp; 550 5.1.1",
    }


@pytest.mark.parametrize("language", ["nl", "en", "fr"])
@pytest.mark.parametrize(
    ("action", "status", "read"),
    [
        ("failed", "5.2.2", Reading("failed", "5.2.2")),
        ("failed", "", Reading("failed", "5.0.0")),
        ("failed", "4.4.1", Reading("failed", "5.4.1")),
        ("delayed", "4.2.2", Reading("delayed", "4.2.2")),
        ("delayed", "", Reading("delayed", "4.0.0")),
        ("relayed", "", Reading("relayed", "2.0.0")),
        ("delivered", "", Reading("delivered", "2.0.0")),
    ],
)
def test_every_report_says_the_same_to_programs_and_people(
    action: Action, status: str, read: Reading, language: str
) -> None:
    facts = replace(_FACTS, action=action, status=status, language=language, until=_NOW + timedelta(days=3))
    wire = write_report(facts, "post@voorbeeld.example", _ZONE, _NOW).wire
    assert read_bounce(wire, null_sender=True) == read
    words = _words(facts)
    assert "j.dejong@example.net" in words
    assert "Gemeente Voorbeeld" in words
    assert "{" not in words
    assert ("Will-Retry-Until" in _fields(facts)[1]) == (action == "delayed")


@pytest.mark.parametrize(
    ("language", "way", "action", "words"),
    [
        ("nl", "plain", "relayed", "geeft het door als gewone e-mail"),
        ("en", "plain", "relayed", "passes it on as ordinary mail"),
        ("nl", "plain", "failed", "heeft uw bericht van"),
        ("en", "plain", "failed", "did not get your message of"),
        ("nl", "portal", "delivered", "ligt in de postbus van j.dejong@example.net"),
        ("en", "portal", "delivered", "lies in the mailbox of j.dejong@example.net"),
        ("nl", "link", "answered", "Op uw beveiligde bericht van"),
        ("en", "direct", "answered", "An automatic answer to your secure message of"),
        ("nl", "plain", "answered", "Op uw bericht van"),
        ("nl", "link", "relayed", "een mailserver heeft de aankondiging aangenomen"),
        ("nl", "direct", "delivered", "over een beveiligde verbinding"),
        ("nl", "mailbox", "failed", "heeft uw beveiligde bericht van"),
    ],
)
def test_words_tell_of_what_was_sent(language: str, way: str, action: Action, words: str) -> None:
    said = _words(replace(_FACTS, language=language, way=way, action=action, status=""))
    assert words in said
    if way == "plain":
        assert "aankondiging" not in said
        assert "notice" not in said


def test_a_delay_says_who_tries_until_when_and_what_then() -> None:
    facts = replace(_FACTS, action="delayed", status="4.4.1", until=_NOW + timedelta(hours=23))
    assert "tot zaterdag 21 november 2026, 09:14 uur. Lukt het dan nog niet, dan krijgt u daarvan bericht" in _words(
        facts
    )
    assert "Will-Retry-Until" in _fields(facts)[1]
    # A notice follows: that is another try.
    direct = replace(facts, way="direct")
    assert "dan wordt het een aankondiging met een link" in _words(direct)
    assert "Will-Retry-Until" not in _fields(direct)[1]
    # Another server's delay: it tries, and does not say for how long.
    assert "Een mailserver op de weg ernaartoe blijft het proberen" in _words(replace(facts, until=None))


@pytest.mark.parametrize(
    ("status", "why"),
    [
        ("5.1.1", "dit mailadres bestaat niet."),
        ("5.1.2", "het deel na de @"),
        ("5.1.10", "het deel na de @"),
        ("5.4.4", "het deel na de @"),
        ("5.2.2", "postbus van de ontvanger is vol"),
        ("5.2.1", "neemt geen post aan"),
        ("5.7.1", "weigert onze post"),
        ("4.7.1", "niet bereikbaar"),
        ("5.6.1", "heeft het bericht niet aangenomen"),
        ("nonsense", "heeft het bericht niet aangenomen"),
    ],
)
def test_a_status_becomes_words(status: str, why: str) -> None:
    assert why in _words(replace(_FACTS, status=status))


def test_an_address_in_other_letters() -> None:
    facts = replace(_FACTS, reader="björn@exämple.example")
    written = write_report(facts, "post@voorbeeld.example", _ZONE, _NOW)
    assert written.utf8
    assert b"message/global-delivery-status" in written.body
    assert "Final-Recipient: utf-8; björn@exämple.example".encode() in written.body
    assert "björn@exämple.example" in _words(facts)
    assert read_bounce(written.wire, null_sender=True) == Reading("failed", "5.1.1")


@given(text=st.text(max_size=60))
def test_what_the_sender_wrote_stays_in_its_line(text: str) -> None:
    facts = replace(_FACTS, envelope_id=f"a{text}", original_recipient=f"rfc822;{text}", reply=text)
    wire = write_report(facts, "post@voorbeeld.example", _ZONE, _NOW).wire
    assert read_bounce(wire, null_sender=True) == Reading("failed", "5.1.1")
    assert wire.count(b"\r\nAction: ") == 1
    assert wire.count(b"\n") == wire.count(b"\r\n")

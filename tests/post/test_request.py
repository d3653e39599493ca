"""The mail that asks a sender for a proof, read back by ``email``."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from zoneinfo import ZoneInfo

import pytest

from zegel.post.request import RequestFacts, write_request

_ZONE = ZoneInfo("Europe/Amsterdam")
_NOW = datetime(2026, 11, 20, 9, 14, tzinfo=UTC)
_READER = "j.dejong@example.net"
_LINK = "https://post.voorbeeld.example/fill/abc#geheim"
_FACTS = RequestFacts(
    message="report.1.slip",
    to="zorg@voorbeeld.example",
    readers=(_READER,),
    language="nl",
    organisation="Gemeente Voorbeeld",
    sent=_NOW,
    expires=_NOW + timedelta(days=30),
    site="https://post.voorbeeld.example/",
    link=_LINK,
)


def _read(facts: RequestFacts) -> EmailMessage:
    wire = write_request(facts, "post@voorbeeld.example", _ZONE, _NOW).wire
    return message_from_bytes(wire, policy=policy.default)


@pytest.mark.parametrize(
    ("language", "count", "subject"),
    [
        ("nl", 1, "Vul uw beveiligde bericht aan: een lezer wacht"),
        ("nl", 2, "Vul uw beveiligde bericht aan: 2 lezers wachten"),
        ("en", 1, "Complete your secure message: a reader waits"),
        ("en", 12, "Complete your secure message: 12 readers wait"),
        ("fr", 1, "Vul uw beveiligde bericht aan: een lezer wacht"),
    ],
)
def test_the_subject_names_nobody_and_the_text_does(language: str, count: int, subject: str) -> None:
    readers = (_READER, *(f"lezer{number}@example.org" for number in range(count - 1)))
    mail = _read(replace(_FACTS, language=language, readers=readers))
    assert mail["Subject"] == subject
    assert all(_READER not in str(value) for value in mail.values())
    body = mail.get_body(("plain",))
    assert body is not None
    words = body.get_content()
    assert f"- {_READER}" in words
    assert words.count("@example.org") == min(count - 1, 9)
    assert _LINK in words
    assert "{" not in words


def test_a_reader_in_other_letters() -> None:
    facts = replace(_FACTS, readers=("björn@exämple.example",))
    written = write_request(facts, "post@voorbeeld.example", _ZONE, _NOW)
    # She stands in the body alone, which every server can carry.
    assert not written.utf8
    assert written.wire.isascii()
    body = _read(facts).get_body(("plain",))
    assert body is not None
    assert "- björn@exämple.example" in body.get_content()

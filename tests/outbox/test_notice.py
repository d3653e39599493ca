import re
import subprocess
import sys
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.outbox.facts import FROM, LINK, NOW, SECRET, notice_facts
from zegel.outbox.notice import From
from zegel.outbox.notice import write_notice as write
from zegel.parcels.release import NoticeFacts
from zegel.post.moments import spell_moment


def write_notice(facts: NoticeFacts, from_: From, now: datetime) -> EmailMessage:
    """The notice as a mail program reads it."""
    return message_from_bytes(write(facts, from_, now).wire, policy=policy.default)


def _bodies(mail: EmailMessage) -> tuple[str, str]:
    read = message_from_bytes(mail.as_bytes(), policy=policy.default)
    plain, html = read.get_body(("plain",)), read.get_body(("html",))
    assert plain is not None
    assert html is not None
    return plain.get_content(), html.get_content()


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("nl", ("heeft een beveiligd bericht voor u", "zondag 20 december 2026, 10:14 uur", "Bel Gemeente Voorbeeld")),
        ("en", ("has a secure message for you", "Sunday 20 December 2026, 10:14", "Call Gemeente Voorbeeld")),
    ],
)
def test_both_bodies_say_who_until_when_and_where(language: str, words: tuple[str, ...]) -> None:
    mail = write_notice(notice_facts(language=language), FROM, NOW)
    plain, html = _bodies(mail)
    assert words[0] in plain
    assert f'lang="{language}"' in html
    for body in (plain, html):
        flat = " ".join(body.split())
        assert LINK in flat
        assert words[1] in flat
        assert words[2] in flat
        assert "Afdeling Zorg" in flat
        assert "zorg@voorbeeld.example" in flat
        assert "https://post.voorbeeld.example/" in flat
    assert mail["Content-Language"] == language


@pytest.mark.parametrize(
    ("proof", "wanted", "others"),
    [
        ("sms", "sms met een code", ("toegangscode", "Alleen deze link")),
        ("code", "toegangscode die u met de afzender", ("sms met een code", "Alleen deze link")),
        ("mail", "Alleen deze link", ("toegangscode", "sms met een code")),
    ],
)
def test_it_says_what_the_reader_needs_and_nothing_else(proof: str, wanted: str, others: tuple[str, ...]) -> None:
    for body in _bodies(write_notice(notice_facts(proof=proof), FROM, NOW)):
        flat = " ".join(body.split())
        assert wanted in flat
        assert not any(other in flat for other in others)


def test_nothing_is_loaded_from_anywhere() -> None:
    _, html = _bodies(write_notice(notice_facts(), FROM, NOW))
    assert not re.search(r"<(img|link|script|iframe|object|video|style)\b|\bsrc=|url\(|@import", html, re.IGNORECASE)
    assert set(re.findall(r'href="([^"]*)"', html)) == {LINK}


def test_the_headers_of_an_automatic_mail() -> None:
    mail = write_notice(notice_facts(), FROM, NOW)
    assert mail["From"] == "Afdeling Zorg via Gemeente Voorbeeld <post@voorbeeld.example>"
    assert mail["To"] == "j.dejong@example.net"
    assert mail["Subject"] == "Beveiligd bericht van Gemeente Voorbeeld"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"] == "Fri, 20 Nov 2026 09:14:00 +0000"
    assert "Reply-To" not in mail
    assert SECRET not in "".join(f"{name}: {value}" for name, value in mail.items())


def test_a_repeat_has_the_same_message_id_and_another_slip_another() -> None:
    first = write_notice(notice_facts(), FROM, NOW)
    again = write_notice(notice_facts(), FROM, datetime(2026, 11, 21, tzinfo=UTC))
    other = write_notice(notice_facts(slip="aaaaaaaaaaaaaaaaaaaaaaaaaa"), FROM, NOW)
    assert first["Message-ID"] == again["Message-ID"]
    assert first["Message-ID"] != other["Message-ID"]


def test_names_cannot_break_out_of_html_or_headers() -> None:
    facts = notice_facts(sender_name='<b>Zorg</b>\r\nBcc: x@example.org, "', organisation="B & W <i>Voorbeeld</i>")
    mail = write_notice(facts, FROM, NOW)
    read = message_from_bytes(mail.as_bytes(), policy=policy.default)
    assert "Bcc" not in read
    assert [a.addr_spec for a in read["From"].addresses] == ["post@voorbeeld.example"]
    _, html = _bodies(mail)
    assert "<b>" not in html
    assert "<i>" not in html
    plain, _ = _bodies(mail)
    assert "B & W <i>Voorbeeld</i>" in plain


def test_a_name_that_looks_like_an_address_is_not_shown_as_the_sender() -> None:
    mail = write_notice(notice_facts(sender_name="directie@bank.example"), FROM, NOW)
    assert mail["From"] == "Gemeente Voorbeeld <post@voorbeeld.example>"


@given(sender=st.text(max_size=300), organisation=st.text(min_size=1, max_size=300))
def test_any_name_makes_a_mail(sender: str, organisation: str) -> None:
    mail = write_notice(notice_facts(sender_name=sender, organisation=organisation), FROM, NOW)
    assert [a.addr_spec for a in mail["From"].addresses] == ["post@voorbeeld.example"]
    assert mail["To"] == "j.dejong@example.net"


def test_an_address_in_other_letters_makes_a_utf8_mail() -> None:
    mail = write_notice(notice_facts(to="björn@exämple.example"), FROM, NOW)
    assert mail["To"] == "björn@exämple.example"


def test_summer_time_counts() -> None:
    assert spell_moment(datetime(2026, 7, 1, 9, tzinfo=UTC), "nl", FROM.zone) == "woensdag 1 juli 2026, 11:00 uur"


def test_it_needs_no_django_settings() -> None:
    code = (
        "from tests.outbox.facts import *\nfrom zegel.outbox.notice import write_notice\n"
        "assert b'Beveiligd' in write_notice(notice_facts(), FROM, NOW).wire\n"
        "from django.conf import settings\nassert not settings.configured"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_mailbox_providers_and_vacation_programs_see_what_it_is() -> None:
    mail = write_notice(notice_facts(), FROM, NOW)
    assert mail["List-Id"] == "<berichten.voorbeeld.example>"
    assert mail["Feedback-ID"] == "::notice:zegel"
    # A reader cannot unsubscribe from a decision about her; a link that seems to offer it would be a lie.
    assert "List-Unsubscribe" not in mail


@given(sender=st.text(max_size=300), organisation=st.text(min_size=1, max_size=300))
def test_every_line_is_one_that_a_mail_server_takes(sender: str, organisation: str) -> None:
    for to in ("j.dejong@example.net", "björn@exämple.example"):
        facts = notice_facts(sender_name=sender, organisation=organisation, to=to)
        written = write(facts, FROM, NOW)
        lines = written.wire.split(b"\r\n")
        assert not any(b"\r" in line or b"\n" in line or b"\0" in line for line in lines)
        assert max(map(len, lines)) <= 998
        assert written.utf8 == (not to.isascii())
        assert written.body.isascii()


@given(sender=st.text(max_size=50), organisation=st.text(min_size=1, max_size=50))
def test_names_are_read_back_as_they_were_meant(sender: str, organisation: str) -> None:
    facts = notice_facts(sender_name=sender, organisation=organisation)
    plain, _ = _bodies(write_notice(facts, FROM, NOW))
    shown = " ".join("".join(char if char.isprintable() else " " for char in organisation).split())
    assert f"{shown} heeft een beveiligd bericht" in plain


def test_each_notice_has_its_own_link_and_date_whatever_names_hold() -> None:
    later = datetime(2027, 1, 3, 9, 14, tzinfo=UTC)
    first = notice_facts(sender_name="\ue000Zorg\ue001", organisation="B\ue000")
    second = notice_facts(sender_name="\ue000Zorg\ue001", organisation="B\ue000", link=f"{LINK}2&x", expires=later)
    for facts, link, day in ((first, LINK, "20 december 2026"), (second, f"{LINK}2&x", "3 januari 2027")):
        plain, html = _bodies(write_notice(facts, FROM, NOW))
        assert plain.count(link) == 1
        assert html.count(link.replace("&", "&amp;")) == 3
        assert day in " ".join(plain.split())
        assert "\ue000" not in plain + html
        assert "\ue001" not in plain + html

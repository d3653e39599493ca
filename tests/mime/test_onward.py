"""What is left out of a mail on its way, what is added, and that all else passes byte for byte, however it is cut."""

import email
import email.policy
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zegel.mime.onward import Added, Onward

ADDED = Added(b"Received: from inside by x;\r\n\tnow", b"Date: now", b"Message-ID: <new@x>")
TRACE = b"Received: from inside by x;\r\n\tnow\r\n"
HEAD = b"Date: d\r\nMessage-ID: <1@x>\r\n"


def onward(*pieces: bytes) -> tuple[bytes, str]:
    found = Onward(ADDED)
    return b"".join([found.feed(piece) for piece in pieces] + [found.close()]), found.form


@pytest.mark.parametrize(
    "field",
    [
        b"Bcc: geheim@x.example\r\n",
        b"BCC : geheim@x.example\r\n",
        b"bcc:\r\n geheim@x.example,\r\n\tgeheim2@x.example\r\n",
        b"Resent-Bcc: geheim@x.example\r\n",
        b"Zegel-Proof: code:geheim\r\n",
        b"zEGEL-anything: geheim\r\n",
        b"Return-Path: <geheim@x.example>\r\n",
        b"Bcc: " + b"geheim@x.example, " * 500 + b"\r\n",
    ],
)
def test_what_is_not_for_others_stays_behind(field: bytes) -> None:
    raw = HEAD + b"Subject: a\r\n" + field + b"To: b@x\r\n\r\nBcc: in the body stays\r\n"
    assert onward(raw)[0] == TRACE + raw.replace(field, b"")


@given(st.lists(st.integers(0, 400), max_size=8), st.booleans())
def test_where_it_is_cut_makes_no_difference(cuts: list[int], crlf: bool) -> None:
    raw = HEAD + b"Bcc: x@x\r\n y@y\r\nZegel-Class: 3\r\nSubject: " + b"a" * 250 + b"\r\n b\r\n\r\nbody\r\n.dot\r\n"
    raw = raw if crlf else raw.replace(b"\r\n", b"\n")
    places = sorted({0, len(raw), *(min(cut, len(raw)) for cut in cuts)})
    pieces = [raw[start:end] for start, end in itertools.pairwise(places)]
    assert onward(*pieces) == onward(raw)


@given(st.binary(max_size=300))
def test_a_body_passes_byte_for_byte(body: bytes) -> None:
    assert onward(HEAD + b"\r\n" + body)[0] == TRACE + HEAD + b"\r\n" + body


def test_date_and_message_id_are_added_once_where_missing() -> None:
    made = email.message_from_bytes(onward(b"From: a@x\r\n\r\nhi\r\n")[0], policy=email.policy.default)
    assert (made["Message-ID"], made["Date"] is not None, made.get_content().strip()) == ("<new@x>", True, "hi")
    kept = email.message_from_bytes(onward(b"MESSAGE-ID: <old@x>\r\n\r\nhi")[0], policy=email.policy.default)
    assert kept.get_all("Message-ID") == ["<old@x>"]


@pytest.mark.parametrize("raw", [b"", b"Subject: x", b"Subject: x\r\n", b"Bcc: x@x", b"a" * 500, b"\r\n"])
def test_a_mail_without_a_body_gets_an_end_of_its_header(raw: bytes) -> None:
    found = onward(raw)[0] if raw else onward()[0]
    assert found.startswith(TRACE)
    assert found.endswith(b"\r\n\r\n")
    assert b"x@x" not in found


@pytest.mark.parametrize(
    ("raw", "form"),
    [
        (HEAD + b"\r\nplain", "7bit"),
        (HEAD + b"\r\ncaf\xc3\xa9", "8bit"),
        (HEAD + b"Subject: caf\xc3\xa9\r\n\r\nplain", "utf8"),
        (HEAD + b"Bcc: caf\xc3\xa9@x\r\n\r\nplain", "7bit"),
    ],
)
def test_what_a_server_must_be_able_to_carry(raw: bytes, form: str) -> None:
    assert onward(raw)[1] == form

"""What comes back: as servers and vacation programs write it, and as strangers do."""

from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zegel.post.bounce import MOST_BYTES, Reading, read_bounce

_FOLDER = Path(__file__).parent / "bounces"
_SAID = {
    "postfix-failed": Reading("failed", "5.1.1"),
    "postfix-delayed": Reading("delayed", "4.4.1"),
    "exchange-failed": Reading("failed", "5.1.10"),
    "exim-failed": Reading("failed"),
    "qmail-failed": Reading("failed", "5.1.1"),
    "statusless": Reading("failed", "5.0.0"),
    "success": Reading("delivered", "2.0.0"),
    "vacation-exchange": Reading("automatic"),
    "vacation-sieve": Reading("automatic"),
    "vacation-old": Reading("automatic"),
    "vacation-bare": Reading("automatic"),
    "read-receipt": Reading("other"),
    "person": Reading("other"),
}


def _mail(name: str) -> bytes:
    return (_FOLDER / f"{name}.eml").read_bytes()


def test_every_mail_of_the_collection_is_examined() -> None:
    assert {path.stem for path in _FOLDER.glob("*.eml")} == set(_SAID)


@pytest.mark.parametrize("name", _SAID)
@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_it_is_read_as_it_was_meant(name: str, ends: bytes) -> None:
    assert read_bounce(_mail(name).replace(b"\n", ends), null_sender=True) == _SAID[name]


@pytest.mark.parametrize("name", ["exim-failed", "qmail-failed"])
def test_old_forms_count_only_with_the_sender_of_a_bounce(name: str) -> None:
    assert read_bounce(_mail(name), null_sender=False).said != "failed"


def test_what_a_report_sends_back_is_not_read() -> None:
    """The notice that comes back inside a bounce may hold anything, also another report."""
    inner = _mail("success")
    outer = EmailMessage()
    outer["Subject"] = "Fwd"
    outer["Content-Type"] = 'multipart/mixed; boundary="outer"'
    body = b"--outer\nContent-Type: message/rfc822\n\n" + _mail("postfix-failed") + b"\n--outer--\n"
    assert read_bounce(outer.as_bytes() + body, null_sender=False).said == "other"
    report = _mail("postfix-delayed").replace(
        b"\n--b--", b"\n--b\nContent-Type: message/rfc822\n\n" + inner + b"\n--b--"
    )
    assert read_bounce(report, null_sender=True) == Reading("delayed", "4.4.1")


def test_the_worst_of_several_recipients_counts() -> None:
    more = b"\nFinal-Recipient: rfc822; a@example.net\nAction: delivered\nStatus: 2.0.0\n\n"
    more += b"Final-Recipient: rfc822; b@example.net\nAction: failed\nStatus: 5.2.2\n"
    mail = _mail("success").replace(b"\n--b--", more + b"\n--b--")
    assert read_bounce(mail, null_sender=True) == Reading("failed", "5.2.2")


@given(mail=st.binary(max_size=2000), null=st.booleans())
@example(mail=b"Content-Type: multipart/report; boundary*=x''%ff\n\n--\n", null=True)
@example(mail=b'Content-Type: multipart/report; boundary=""\n\n--\n--', null=True)
@example(mail=b"Subject: =?x?q?=\n\n", null=True)
def test_nothing_that_comes_in_makes_it_fall(mail: bytes, null: bool) -> None:
    assert read_bounce(mail, null).said in ("failed", "delayed", "relayed", "delivered", "automatic", "other")


_HOSTILE = [
    b'Content-Type: multipart/report; a="' + b";" * MOST_BYTES,
    b"Content-Type: multipart/report; " + b"boundary*1=x; " * (MOST_BYTES // 14),
    b"Content-Type: multipart/report; boundary=b\n\n" + b"--b\n" * (MOST_BYTES // 4),
    b"Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\na: b\n"
    + b" c\n" * 80000,
    b"\n\nHi. This is the \n" + b"\n" * MOST_BYTES,
    b"\n\nHi. This is the \n" + b"\n<" * (MOST_BYTES // 2),
    b"Subject: " + b"=?utf-8?q?a?= " * (MOST_BYTES // 14),
    b"a: b\n" * (MOST_BYTES // 5),
]


@pytest.mark.parametrize("mail", _HOSTILE, ids=range(len(_HOSTILE)))
@pytest.mark.timeout(20)
def test_what_is_made_to_be_slow_is_read_all_the_same(mail: bytes) -> None:
    assert read_bounce(mail, null_sender=True).said in ("other", "failed")

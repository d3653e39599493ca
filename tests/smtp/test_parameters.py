"""The arguments of MAIL and RCPT (RFC 1870, 3461, 6152, 6531), and what of them reaches the intake."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.smtp.ground import READER, SENDER, Door
from tests.smtp.wire import Wire
from zegel.doors.smtp.parameters import MailParameters, read_mail, read_rcpt
from zegel.errors import Mistake
from zegel.parcels.notify import SILENT, Notify

MAIL = f"From: {SENDER}\r\nTo: {READER}\r\nSubject: s\r\n\r\ntekst\r\n".encode()


def test_everything_of_mail_is_read() -> None:
    line = "from:<a@b.example> SIZE=12 body=8bitmime SMTPUTF8 RET=hdrs ENVID=QQ+2B1 AUTH=<>"
    assert read_mail(line) == MailParameters("a@b.example", 12, True, "QQ+2B1")
    assert read_mail("FROM: <>") == MailParameters("")


@pytest.mark.parametrize(
    ("parameters", "kind"),
    [
        ("SIZE=", "smtp-syntax"), ("SIZE=-1", "smtp-syntax"), ("SIZE=1e3", "smtp-syntax"), ("SIZE", "smtp-syntax"),
        ("SIZE=" + "9" * 21, "smtp-syntax"), ("BODY=BINARYMIME", "smtp-syntax"), ("SMTPUTF8=yes", "smtp-syntax"),
        ("RET=ALL", "smtp-syntax"), ("ENVID=a=b", "smtp-syntax"), ("ENVID=+2b", "smtp-syntax"),
        ("ENVID=+", "smtp-syntax"), ("ENVID=" + "x" * 101, "smtp-syntax"), ("ENVID=é", "smtp-syntax"),
        ("SIZE=1 SIZE=2", "smtp-syntax"), ("NOTIFY=NEVER", "smtp-parameter"), ("XVERP", "smtp-parameter"),
        ("=", "smtp-syntax"), ("\x0b", "smtp-syntax"),
    ],
)  # fmt: skip
def test_what_mail_may_not_say(parameters: str, kind: str) -> None:
    with pytest.raises(Mistake) as refused:
        read_mail(f"FROM:<a@b.example> {parameters}")
    assert refused.value.kind == kind


@pytest.mark.parametrize(
    ("parameters", "kind"),
    [
        ("NOTIFY=", "smtp-syntax"), ("NOTIFY", "smtp-syntax"), ("NOTIFY=NEVER,FAILURE", "smtp-syntax"),
        ("NOTIFY=SUCCESS,SUCCESS", "smtp-syntax"), ("NOTIFY=SUCCESS,", "smtp-syntax"), ("NOTIFY=OK", "smtp-syntax"),
        ("ORCPT=a@b.example", "smtp-syntax"), ("ORCPT=rfc822;", "smtp-syntax"), ("ORCPT=rfc822;a+b", "smtp-syntax"),
        ("ORCPT=rfc822;" + "x" * 500, "smtp-syntax"), ("RET=FULL", "smtp-parameter"), ("SIZE=1", "smtp-parameter"),
    ],
)  # fmt: skip
def test_what_rcpt_may_not_say(parameters: str, kind: str) -> None:
    with pytest.raises(Mistake) as refused:
        read_rcpt(f"TO:<a@b.example> {parameters}")
    assert refused.value.kind == kind


@given(st.text(max_size=60))
def test_any_argument_is_read_or_refused_by_name(text: str) -> None:
    for read, keyword in ((read_mail, "FROM"), (read_rcpt, "TO")):
        for argument in (text, f"{keyword}:<a@b.example> {text}", f"{keyword}:{text}"):
            try:
                read(argument)
            except Mistake as error:
                assert error.kind in ("smtp-syntax", "smtp-parameter")  # noqa: PT017


@pytest.mark.parametrize(
    ("more_mail", "more_rcpt", "notify"),
    [
        ("", "", SILENT),
        (" RET=FULL ENVID=Q1", " NOTIFY=SUCCESS,DELAY ORCPT=rfc822;J@example.net",
         Notify(True, False, True, True, "Q1", "rfc822;J@example.net")),
        ("", " NOTIFY=NEVER", Notify(False, False, False, True)),
        ("", " NOTIFY=FAILURE", Notify(False, True, False, True)),
        (" ENVID=Q2", "", Notify(envid="Q2")),
    ],
)  # fmt: skip
def test_wishes_for_reports_reach_the_reader(door: Door, more_mail: str, more_rcpt: str, notify: Notify) -> None:
    with Wire(door.port) as wire:
        wire.login()
        assert wire.say(f"MAIL FROM:<{SENDER}>{more_mail}").startswith("250")
        assert wire.say(f"RCPT TO:<{READER}>{more_rcpt}").startswith("250")
        wire.say("DATA")
        wire.send(MAIL + b".\r\n")
        assert wire.reply().startswith("250")
    (reader,) = door.house.deposits[-1].readers
    assert reader.notify == notify


def test_addresses_beyond_ascii_need_smtputf8(door: Door) -> None:
    with Wire(door.port) as wire:
        wire.login()
        assert wire.say(f"MAIL FROM:<{SENDER}>").startswith("250")
        assert wire.say("RCPT TO:<josé@example.net>").startswith("553 5.6.7")
        assert wire.say("RCPT TO:<jose@exämple.net>").startswith("553 5.6.7")
        wire.say("RSET")
        assert wire.say(f"MAIL FROM:<{SENDER}> SMTPUTF8").startswith("250")
        assert wire.say("RCPT TO:<josé@exämple.net>").startswith("250")
        wire.say("RSET")
        assert wire.say("MAIL FROM:<zörg@voorbeeld.example>").startswith("553 5.6.7")

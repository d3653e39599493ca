"""A mail without a proof: from the mail program, over the terminal, to the reader; against running processes."""

import re
import smtplib
from email import policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.cli.conftest import SENDER, Zegel, wait_for

pytestmark = pytest.mark.slow

READERS = ["a@example.net", "b@example.net", "c@example.net"]


def _sent(zegel: Zegel) -> str:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = SENDER, ", ".join(READERS), "Beschikking"
    mail["Zegel-Proof"] = f"{READERS[0]}=code:Tulp-2026"
    mail.set_content("Geachte")
    with smtplib.SMTP("127.0.0.1", zegel.port + 2, timeout=60) as smtp:
        smtp.login(SENDER, zegel.token)
        smtp.mail(SENDER)
        for reader in READERS:
            smtp.rcpt(reader)
        code, text = smtp.data(mail.as_bytes(policy=policy.SMTP))
    assert code == 250, text
    return text.decode().split()[-1]


def _waiting(zegel: Zegel, parcel: str) -> list[str]:
    return re.findall(r"zegel proof (\w+)", zegel.at_server("status", parcel).out)


def test_a_reader_waits_until_the_sender_says_how_she_proves_who_she_is(zegel: Zegel, tmp_path: Path) -> None:
    before = len(zegel.mails())
    parcel = _sent(zegel)
    wait_for(lambda: len(zegel.mails()) == before + 2)  # one notice, one question
    told = "\n".join(zegel.mails()[before:])
    assert f"{zegel.url}/fill/{parcel}#" in told
    assert told.count("/o/") > 0
    first, second = _waiting(zegel, parcel)
    wrong = zegel.run("proof", first, "code:geheim", "--from", SENDER)
    assert (wrong.code, "sms:+31612345678 or code" in wrong.err) == (1, True)
    assert zegel.run("proof", first, "code", "--from", SENDER, env={"ZEGEL_CODE": "appel-boom-79"}).code == 0
    assert zegel.at_server("proof", second, "sms:+31612345642").code == 0
    wait_for(lambda: len(zegel.mails()) == before + 4)
    assert _waiting(zegel, parcel) == []
    again = zegel.at_server("proof", first, "sms:+31612345642")
    assert (again.code, "does not wait" in again.err) == (1, True)
    links = [re.search(r"http\S+/o/(\w+)#\S+", mail) for mail in zegel.mails()[before + 2 :]]
    link = next(found[0] for found in links if found and found[1] == first)
    got = zegel.run("collect", link, "--code", "Appel boom 79", "-o", str(tmp_path))
    assert got.code == 0, got.err
    assert "Geachte" in Path(got.out.splitlines()[0]).read_text()

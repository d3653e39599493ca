"""Mail programs at the door: smtplib and swaks, from login to the parcel as its reader opens it."""

import os
import shutil
import smtplib
import subprocess
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage

import pytest

from tests.smtp.ground import PASSWORD, READER, SENDER, Door


def _mail(**headers: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = f"Iemand Anders <{SENDER}>"
    mail["To"] = f'"J. de Jong" <{READER}>'
    mail["Subject"] = "Beschikking – 2026"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content("Geachte mevrouw De Jong,\n\nHierbij de beschikking.\n")
    return mail


@pytest.fixture
def client(door: Door) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP("127.0.0.1", door.port, timeout=60) as smtp:
        smtp.login(SENDER, PASSWORD)
        yield smtp


def test_a_mail_becomes_a_parcel_that_its_reader_opens(door: Door, client: smtplib.SMTP) -> None:
    mail = _mail(Zegel_Proof="sms:+31612345678", Zegel_Class="3", Zegel_Language="en", Zegel_Expires="14d")
    mail.add_alternative("<p>Geachte mevrouw De Jong,</p>", subtype="html")
    mail.add_attachment(b"%PDF-1.7 \x00\xff", maintype="application", subtype="pdf", filename="Beschikking één.pdf")
    client.send_message(mail)
    received = door.house.last
    manifest = received.manifest
    assert manifest.subject == "Beschikking – 2026"
    assert manifest.text == "Geachte mevrouw De Jong,\n\nHierbij de beschikking."
    assert manifest.html.strip() == "<p>Geachte mevrouw De Jong,</p>"
    assert (manifest.from_.name, manifest.from_.address) == ("Afdeling Zorg", SENDER)
    assert [(p.name, p.address) for p in manifest.to] == [("J. de Jong", READER)]
    assert (manifest.class_, manifest.language) == (3, "en")
    assert (manifest.expires - manifest.created).days == 14
    assert received.files == [("Beschikking één.pdf", "application/pdf", "", b"%PDF-1.7 \x00\xff")]
    assert received.readers[0].address == READER
    assert received.readers[0].proof.telephone == "+31612345678"


def test_250_names_the_parcel(door: Door, client: smtplib.SMTP) -> None:
    client.mail(SENDER)
    client.rcpt(READER)
    code, text = client.data(_mail().as_bytes(policy=policy.SMTP))
    assert code == 250
    assert text.decode() == f"2.0.0 Accepted as parcel {door.house.deposits[0].parcel}"


def test_blind_copies_are_readers_but_not_shown(door: Door, client: smtplib.SMTP) -> None:
    client.send_message(_mail(Cc="ander@example.org", Bcc="blind@example.org"))
    received = door.house.last
    assert {r.address for r in received.readers} == {READER, "ander@example.org", "blind@example.org"}
    shown = [p.address for p in (*received.manifest.to, *received.manifest.cc)]
    assert shown == [READER, "ander@example.org"]


def test_two_mails_in_one_session_are_two_parcels(door: Door, client: smtplib.SMTP) -> None:
    client.send_message(_mail())
    client.send_message(_mail())
    assert len({deposit.parcel for deposit in door.house.deposits}) == 2


@pytest.fixture
def swaks() -> str:
    found = shutil.which("swaks")
    if not found:
        if os.environ.get("CI"):
            pytest.fail("swaks is not installed")
        pytest.skip("swaks is not installed")
    return found


def run_swaks(swaks: str, door: Door, *more: str) -> "subprocess.CompletedProcess[str]":
    command = [swaks, "--server", f"127.0.0.1:{door.port}", "--from", SENDER, "--to", READER, "--timeout", "60", *more]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_swaks_sends_with_an_attachment(swaks: str, door: Door, mechanism: str, tmp_path: object) -> None:
    done = run_swaks(
        swaks, door, "--auth", mechanism, "--auth-user", SENDER, "--auth-password", PASSWORD,
        "--header", "Subject: Van swaks", "--header", "Zegel-Proof: code:Tulp-2026", "--attach-name", "a.txt",
        "--attach-type", "text/plain", "--attach", "inhoud", "--body", "Dag",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    received = door.house.last
    assert received.manifest.subject == "Van swaks"
    assert received.manifest.text == "Dag"
    assert received.names == ["a.txt"]
    assert received.readers[0].proof.kind == "code"


def test_swaks_pipelines(swaks: str, door: Door) -> None:
    done = run_swaks(swaks, door, "--pipeline", "--auth", "PLAIN", "--auth-user", SENDER, "--auth-password", PASSWORD)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(door.house.deposits) == 1


def test_swaks_is_refused_with_a_wrong_password(swaks: str, door: Door) -> None:
    done = run_swaks(swaks, door, "--auth", "PLAIN", "--auth-user", SENDER, "--auth-password", "raad maar")
    assert done.returncode != 0
    assert "535 5.7.8" in done.stdout
    assert not door.house.deposits

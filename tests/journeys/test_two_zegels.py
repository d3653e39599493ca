"""From one Zegel to a mailbox of another: sealed here, proven by DANE, sealed there again, and into Dovecot."""

import shutil
import smtplib
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.ground import databases
from tests.ground.delivery import Certificates, make_certificates
from tests.ground.dns import running_dns
from tests.ground.dovecot import Mailboxes, running_dovecot
from tests.ground.ports import free_port
from tests.journeys.test_travel import Travel, house_with_door

pytestmark = pytest.mark.slow

THERE = "127.0.0.41"
TEAM = "team@ander.test"
CONFIG = """
[smtp]
listen = ""
hostname = "mx.ander.test"
certificate = "chain.pem"
key = "leaf.key"

[[smtp.listener]]
kind = "incoming"
listen = "{listen}"

[direct]
enabled = true
resolvers = ["{resolver}"]

[[mailbox]]
domains = ["ander.test"]
deliver = "lmtp"
host = "127.0.0.1"
port = {port}
authorities = "root.pem"
name = "box.ander.test"
"""


@contextmanager
def other_zegel(
    folder: Path, port: int, certificates: Certificates, dovecot: Mailboxes, resolver: str
) -> Iterator[None]:
    """A whole Zegel in processes of its own, that takes mail for its mailboxes."""
    zegel = [sys.executable, "-m", "zegel"]
    subprocess.run(
        [*zegel, "init", "--data", folder, "--organisation", "Gemeente Ander", "--url", "http://127.0.0.1:1",
         "--mail-from", "post@ander.test"],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    for path in (certificates.chain, certificates.key, certificates.authorities):
        shutil.copy(path, folder)
    config = folder / "zegel.toml"
    told = [part for part in config.read_text().split("\n[") if not part.startswith("smtp]")]
    config.write_text("\n[".join(told) + CONFIG.format(listen=f"{THERE}:{port}", port=dovecot.port, resolver=resolver))
    with (folder / "out").open("wb") as out:
        running = [
            subprocess.Popen([*zegel, "serve", "--data", folder, "--role", role], stdout=out, stderr=out)
            for role in ("smtp", "courier")
        ]
    try:
        _await_port(port, running[0], folder / "out")
        yield
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(60)


def _await_port(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            socket.create_connection((THERE, port), timeout=5).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > end:
                raise AssertionError(log.read_text()) from None
            time.sleep(0.1)


@pytest.fixture
def travel(tmp_path: Path, sqlite: databases.Database) -> Iterator[tuple[Travel, Mailboxes, int]]:
    """The other Zegel has a database of its own; one kind of ours is enough."""
    port = free_port()
    certificates = make_certificates(tmp_path / "certificates", "mx.ander.test", "box.ander.test")
    zone = f"""\
ander.test. IN MX 10 mx.ander.test.
mx.ander.test. IN A {THERE}
_{port}._tcp.mx.ander.test. IN TLSA 3 1 1 {certificates.digest.hex()}
"""
    (tmp_path / "dns").mkdir()
    with ExitStack() as stack:
        dns = stack.enter_context(running_dns(tmp_path / "dns", {"test": zone}))
        dovecot = stack.enter_context(running_dovecot("ander.test", certificates.chain, certificates.key))
        stack.enter_context(other_zegel(tmp_path / "ander", port, certificates, dovecot, dns.resolver))
        found = stack.enter_context(house_with_door(tmp_path / "wij", certificates, port, dns, dovecot))
        yield found, dovecot, port


def test_a_mail_goes_from_one_zegel_into_a_mailbox_of_another(travel: tuple[Travel, Mailboxes, int]) -> None:
    ours, dovecot, port = travel
    done = ours.swaks("--to", TEAM, "--body", "Geheim-XYZZY", "--h-Message-Id", "<twee@voorbeeld.example>")
    assert done.returncode == 0, done.stdout
    ours.ground.announce()
    assert ours.readers() == {TEAM: ("direct", "delivered")}
    (mail,) = dovecot.await_mail(TEAM)
    assert b"Geheim-XYZZY" in mail
    assert mail.count(b"(Zegel) with ESMTP") == 2

    for to, sender, code in STRANGE:
        assert _refusal(port, to, sender) == code, (to, sender)
    assert len(dovecot.mails(TEAM)) == 1


STRANGE = (
    ("wie@ander.test", "a@elders.example", (550, "5.1.1")),
    ("a@elders.example", "a@elders.example", (550, "5.7.1")),
    (TEAM, "baas@ander.test", (550, "5.7.1")),
)
"""An unknown mailbox, somebody else's domain, and a mail in the name of somebody inside."""


def _refusal(port: int, to: str, sender: str) -> tuple[int, str]:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with smtplib.SMTP(THERE, port, timeout=60) as line:
        line.starttls(context=context)
        try:
            line.sendmail(sender, [to], f"From: {sender}\r\nSubject: x\r\n\r\nx\r\n")
        except smtplib.SMTPRecipientsRefused as error:
            ((code, text),) = error.recipients.values()
        except smtplib.SMTPDataError as error:
            code, text = error.smtp_code, error.smtp_error
        else:
            return 250, ""
    return code, bytes(text).split()[0].decode() if isinstance(text, bytes) else text.split()[0]

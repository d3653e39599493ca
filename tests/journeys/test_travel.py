"""A mail's way with real parts: swaks, our door, DNS, courier, Postfix with DANE, Dovecot's LMTP; or a notice."""

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.ground import databases
from tests.ground.databases import missing
from tests.ground.delivery import Certificates, make_certificates
from tests.ground.dns import Dns, running_dns
from tests.ground.dovecot import Mailboxes, running_dovecot
from tests.ground.house import SENDER, Clock, Ground, make_house
from tests.ground.mail_peer import mail_peer
from tests.ground.ports import free_port
from tests.ground.postfix import Listener, Postfix, need_postfix, running_postfix
from tests.ground.smtp_door import Server
from zegel.domains.lookup import Domains
from zegel.domains.policies import PolicyServers
from zegel.domains.resolver import Resolver
from zegel.doors.smtp.config import DoorConfig
from zegel.doors.smtp.config import Listener as DoorListener
from zegel.doors.smtp.desk import Journeys
from zegel.doors.smtp.logins import Logins
from zegel.journeys.ways import DirectCarrier, MailboxCarrier, Ways
from zegel.outbox.direct import DirectRoute, FixedRoute, MailServer
from zegel.parcels.ways import Way
from zegel.policy.conditions import TagIs, ToIs
from zegel.policy.rules import Pass, Rule
from zegel.policy.ruleset import Policy

pytestmark = pytest.mark.slow

OWN = "eigen.example"
ZONE = """\
good.test. IN MX 10 mx.good.test.
mx.good.test. IN A 127.0.0.21
_{port}._tcp.mx.good.test. IN TLSA 3 1 1 {right}
wrong.test. IN MX 10 mx.wrong.test.
mx.wrong.test. IN A 127.0.0.21
_{port}._tcp.mx.wrong.test. IN TLSA 3 1 1 {other}
"""
PLAIN = "some.plain. IN MX 10 mx.some.plain.\nmx.some.plain. IN A 127.0.0.21\n"


@dataclass
class Servers:
    """What stands around Zegel."""

    certificates: Certificates
    port: int
    dns: Dns
    postfix: Postfix
    dovecot: Mailboxes


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    need_postfix()
    folder, port = tmp_path_factory.mktemp("servers"), free_port()
    certificates = make_certificates(folder / "certificates", "mx.good.test", f"box.{OWN}")
    both = folder / "both.pem"
    both.write_bytes(certificates.key.read_bytes() + certificates.chain.read_bytes())
    zone = ZONE.format(port=port, right=certificates.digest.hex(), other=hashlib.sha256(b"other").hexdigest())
    (folder / "dns").mkdir()
    with ExitStack() as stack:
        dns = stack.enter_context(running_dns(folder / "dns", {"test": zone, "plain": PLAIN}))
        smtpd = Listener("127.0.0.21", port, (f"smtpd_tls_chain_files={both}", "message_size_limit=200000000"))
        postfix = stack.enter_context(running_postfix(["good.test", "wrong.test", "some.plain"], [smtpd]))
        dovecot = stack.enter_context(running_dovecot(OWN, certificates.chain, certificates.key))
        yield Servers(certificates, port, dns, postfix, dovecot)


@dataclass
class Travel:
    """A house with its door open."""

    ground: Ground
    door: int

    def swaks(self, *more: str) -> "subprocess.CompletedProcess[str]":
        program = shutil.which("swaks")
        if program is None:
            missing("swaks")
        command = [
            program, "--server", f"127.0.0.1:{self.door}", "--from", SENDER, "--timeout", "30", "--auth", "PLAIN",
            "--auth-user", SENDER, "--auth-password", self.ground.password, *more,
        ]  # fmt: skip
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    def readers(self) -> dict[str, tuple[str, str]]:
        """Way and state of each reader of the newest parcel."""
        (status, *_) = self.ground.house.follow.parcels(self.ground.actor)
        return {reader.address: (reader.way, reader.state) for reader in status.readers}


@contextmanager
def house_with_door(
    folder: Path, certificates: Certificates, port: int, dns: Dns, dovecot: Mailboxes, relay: int = 0, **facts: Any
) -> Iterator[Travel]:
    """A house that delivers to servers on ``port``, with its door open for programs that log in."""
    clock, authorities = Clock(), certificates.authorities
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(8))
        domains = Domains(Resolver([dns.resolver]), PolicyServers(), port=port)
        ways = Ways(frozenset({OWN}), domains, pool, clock, deadline=20)
        direct = DirectRoute("post.voorbeeld.example", port=port, authorities=authorities, patience=60)
        box = MailServer("127.0.0.1", dovecot.port, "lmtp", "starttls", authorities, f"box.{OWN}")
        fixed = FixedRoute(box, "post.voorbeeld.example", patience=60)
        stack.callback(direct.close)
        stack.callback(fixed.close)
        carriers: dict[Way, Any] = {"direct": DirectCarrier(ways, direct), "mailbox": MailboxCarrier({OWN: fixed})}
        if relay:
            ways = replace(ways, plain=True)
            plain = FixedRoute(MailServer("127.0.0.1", relay, "smtp", "none"), "post.voorbeeld.example", patience=60)
            stack.callback(plain.close)
            carriers["plain"] = plain
        ground = make_house(folder, clock=clock, ways=ways, carriers=carriers)
        house = ground.house
        config = DoorConfig("post.voorbeeld.example", (DoorListener(port=0),), missing_proof="wait", **facts)
        journeys = Journeys(house.inside_submit(), Logins(house.people), house.authors, house.clock, ways=house.ways)
        server = Server(config, journeys)
        server.start()
        stack.callback(server.stop)
        yield Travel(ground, server.ports[0])


@pytest.fixture
def travel(tmp_path: Path, database: databases.Database, servers: Servers) -> Iterator[Travel]:
    with house_with_door(tmp_path, servers.certificates, servers.port, servers.dns, servers.dovecot) as found:
        yield found


def test_one_mail_goes_four_ways(travel: Travel, servers: Servers) -> None:
    ident = f"<{travel.door}@voorbeeld.example>"
    done = travel.swaks(
        "--to", f"a@good.test,b@wrong.test,c@some.plain,team@{OWN}", "--body", "Geheim-XYZZY",
        "--h-Message-Id", ident, "--header", "Bcc: d@good.test", "--header", "Zegel-Class: 3",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert travel.readers() == {
        "a@good.test": ("direct", "sent"),
        "b@wrong.test": ("direct", "sent"),
        "c@some.plain": ("link", "waiting"),
        f"team@{OWN}": ("mailbox", "sent"),
    }
    travel.ground.announce()
    found = travel.readers()
    assert (found["a@good.test"], found[f"team@{OWN}"]) == (("direct", "delivered"), ("mailbox", "delivered"))
    assert found["b@wrong.test"] == ("direct", "sent")
    mail = servers.postfix.arrived(ident)
    assert mail.get_content().strip() == "Geheim-XYZZY"
    assert mail["Bcc"] is None
    assert not [name for name in mail if name.lower().startswith("zegel")]
    ours = str(mail.get_all("Received")[-1])
    assert "by post.voorbeeld.example (Zegel)" in ours
    assert "127.0.0.1" not in ours
    assert any(ident.encode() in one for one in servers.dovecot.await_mail(f"team@{OWN}"))
    events = [str(entry.event) for entry in travel.ground.house.audit.entries()]
    assert events.count("reader:delivered") == 2
    assert events.count("reader:alarmed") == 1
    # The liar's mail waits for a day, and then for a proof; nobody got it.
    for _ in range(26):
        travel.ground.clock.move(hours=1)
        travel.ground.announce()
    assert travel.readers()["b@wrong.test"] == ("link", "waiting")
    assert servers.postfix.log().count("to=<b@wrong.test>") == 0


def test_an_unknown_mailbox_is_told_to_the_sender(travel: Travel) -> None:
    assert travel.swaks("--to", f"wie@{OWN}").returncode == 0
    travel.ground.announce()
    assert travel.readers() == {f"wie@{OWN}": ("mailbox", "unreached")}
    (report,) = travel.ground.mails()
    assert report["To"] == SENDER
    assert f"wie@{OWN}" in report.as_string()


def test_whoever_is_given_a_proof_for_a_domain_without_one_gets_a_link(travel: Travel) -> None:
    assert travel.swaks("--to", "c@some.plain", "--header", "Zegel-Proof: mail").returncode == 0
    travel.ground.announce()
    assert travel.readers() == {"c@some.plain": ("link", "announced")}


def test_the_mail_arrives_byte_for_byte(travel: Travel, servers: Servers, tmp_path: Path) -> None:
    ident = f"<bytes.{travel.door}@voorbeeld.example>"
    body = "".join(f".{number:05d} é {'x' * (number % 900)}\r\n" for number in range(2000))
    raw = f"From: {SENDER}\r\nTo: a@good.test\r\nMessage-ID: {ident}\r\nDate: Thu, 26 Nov 2026 09:00:00 +0100\r\n"
    raw += f"Subject: x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{body}"
    path = tmp_path / "mail.eml"
    path.write_bytes(raw.encode())
    assert travel.swaks("--to", "a@good.test", "--data", f"@{path}").returncode == 0
    travel.ground.announce()
    servers.postfix.arrived(ident)
    (found,) = [one for one in (servers.postfix.maildir / "new").iterdir() if ident.encode() in one.read_bytes()]
    arrived = found.read_bytes().replace(b"\r\n", b"\n")
    # swaks ends the mail with one more line end.
    assert arrived.rstrip(b"\n").endswith(raw.encode().replace(b"\r\n", b"\n").rstrip(b"\n"))


def test_only_what_a_rule_lets_pass_leaves_unproven(
    tmp_path: Path, database: databases.Database, servers: Servers
) -> None:
    rules = (Rule("nieuws", (ToIs(("*.plain",)), TagIs(("nieuws",))), Pass(4)),)
    facts = {"policy": Policy(rules)}
    with (
        mail_peer() as relay,
        house_with_door(
            tmp_path, servers.certificates, servers.port, servers.dns, servers.dovecot, relay.port, **facts
        ) as travel,
    ):
        assert travel.swaks("--to", "c@some.plain,a@good.test", "--h-Subject", "[nieuws] x").returncode == 0
        assert travel.readers() == {"c@some.plain": ("plain", "sent"), "a@good.test": ("direct", "sent")}
        relay.steps["mail"] = "451 4.3.0 later"
        travel.ground.announce()
        assert travel.readers()["c@some.plain"] == ("plain", "sent")
        relay.steps.clear()
        travel.ground.clock.move(minutes=5)
        travel.ground.announce()
        assert {state for _, state in travel.readers().values()} == {"delivered"}
        (mail,) = relay.mails
        assert b"[nieuws] x" in mail.content
        assert travel.swaks("--to", "c@some.plain", "--h-Subject", "iets anders").returncode == 0
        travel.ground.announce()
        assert travel.readers() == {"c@some.plain": ("link", "waiting")}
        assert len(relay.mails) == 1

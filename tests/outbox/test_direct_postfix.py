"""From a domain's name to a Maildir: real DNS with a private root, a real policy server, a real Postfix.

Each domain has a server of its own: the same Postfix on another address of this machine, with another certificate.
"""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.ground.dns import Dns, running_dns
from tests.ground.policy_server import PolicyHost, policy_server
from tests.ground.ports import free_port
from tests.ground.postfix import Listener, Postfix, need_postfix, running_postfix
from tests.transport.made import Made, make
from zegel.domains.lookup import Domains
from zegel.domains.policies import PolicyServers
from zegel.domains.resolver import Resolver
from zegel.errors import Mistake, Unavailable
from zegel.journeys.mail_check import MailCheck
from zegel.outbox.direct import DirectRoute
from zegel.parcels.notify import Notify
from zegel.transport.certificates import public_key
from zegel.transport.delivery import Delivered, RawMail
from zegel.transport.way import Choice, choose_way

pytestmark = pytest.mark.slow

YESTERDAY = datetime.now(UTC) - timedelta(days=1)
FROM = "a.bakker@gemeente.example"


def _ee(made: Made) -> str:
    return f"3 1 1 {hashlib.sha256(public_key(made.der) or b'').hexdigest()}"


def _ta(made: Made) -> str:
    return f"2 0 1 {hashlib.sha256(made.der).hexdigest()}"


@dataclass
class Place:
    """Everything that is running, and what delivers."""

    domains: Domains
    route: DirectRoute
    postfix: Postfix
    dns: Dns
    policies: PolicyHost

    def choice(self, domain: str) -> Choice:
        return choose_way(self.domains.offer(domain), datetime.now(UTC).date())

    def send(self, domain: str, content: bytes = b"hello\r\n", notify: Notify | None = None) -> Delivered:
        head = f"From: <{FROM}>\r\nTo: <x@{domain}>\r\nSubject: x\r\nMessage-ID: <{domain}>\r\n\r\n".encode()
        mail = RawMail(lambda: [head, content], size=len(head) + len(content))
        return self.route.deliver(self.choice(domain), mail, FROM, f"x@{domain}", notify or Notify())


class _Plan:
    """Domains as they are made: their zones, and the listeners of their servers."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.port = free_port()
        self.zones = {"test": "", "plain": "", "bogus": ""}
        self.listeners: list[Listener] = []
        self.names: list[str] = []
        self.policies: dict[str, str] = {}

    def add(self, domain: str, chain: tuple[Made, ...] = (), tlsa: tuple[str, ...] = (), *options: str) -> None:
        address = f"127.0.0.{11 + len(self.listeners)}"
        zone = domain.rpartition(".")[2]
        records = [f"{domain}. IN MX 10 mx.{domain}.", f"mx.{domain}. IN A {address}"]
        records += [f"_{self.port}._tcp.mx.{domain}. IN TLSA {record}" for record in tlsa]
        self.zones[zone] += "\n".join(records) + "\n"
        if chain:
            path = self.folder / f"{domain}.pem"
            path.write_bytes(chain[0].key_pem + b"".join(one.pem for one in chain))
            options = (f"smtpd_tls_chain_files={path}", *options)
        else:
            options = ("smtpd_tls_security_level=none", *options)
        self.listeners.append(Listener(address, self.port, options))
        self.names.append(domain)

    def policy(self, domain: str) -> None:
        zone = domain.rpartition(".")[2]
        self.zones[zone] += f'_mta-sts.{domain}. IN TXT "v=STSv1; id=1"\nmta-sts.{domain}. IN A 127.0.0.1\n'
        self.policies[f"mta-sts.{domain}"] = f"version: STSv1\nmode: enforce\nmx: mx.{domain}\nmax_age: 86400\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    need_postfix()
    folder = tmp_path_factory.mktemp("place")
    root = make(authority=True, common_name="root", start=YESTERDAY)
    middle = make(authority=True, common_name="middle", by=root, start=YESTERDAY)
    unnamed = make(start=YESTERDAY)
    expired = make(("elsewhere.test",), start=YESTERDAY - timedelta(days=9), days=2)
    plan = _Plan(folder)
    plan.add("ee.test", (unnamed,), (_ee(make()), _ee(unnamed)))
    plan.add("ta.test", (make(("mx.ta.test",), by=middle, start=YESTERDAY), middle, root), (_ta(root),))
    plan.add("ta-name.test", (make(("mx.ta.test",), by=middle, start=YESTERDAY), middle, root), (_ta(root),))
    plan.add("ta-domain.test", (make(("ta-domain.test",), by=middle, start=YESTERDAY), middle), (_ta(middle),))
    plan.add("expired.test", (expired,), (_ee(expired),))
    plan.add("wrong.test", (unnamed,), (_ee(make()),))
    plan.add("unusable.test", (unnamed,), (_ee(unnamed).replace("3 1 1", "1 1 1"),))
    plan.add("open.test", (), (_ee(unnamed),))
    plan.add("refusing.test", (unnamed,), (_ee(unnamed),), "smtpd_recipient_restrictions=reject")
    plan.add("later.test", (unnamed,), (_ee(unnamed),), "smtpd_recipient_restrictions=defer")
    plan.add("small.test", (unnamed,), (_ee(unnamed),), "message_size_limit=2000")
    plan.add(
        "old.test", (unnamed,), (_ee(unnamed),), "smtpd_tls_mandatory_protocols=TLSv1", "smtpd_tls_protocols=TLSv1"
    )
    plan.add("sts.plain", (make(("mx.sts.plain",), by=middle, start=YESTERDAY), middle))
    plan.add("sts-wrong.plain", (make(("mx.sts.plain",), by=middle, start=YESTERDAY), middle))
    plan.add("sts-self.plain", (make(("mx.sts-self.plain",), start=YESTERDAY),))
    plan.add(
        "unusable-sts.test",
        (make(("mx.unusable-sts.test",), by=middle, start=YESTERDAY), middle),
        ("1 1 1 " + "0" * 64,),
    )
    for domain in ("sts.plain", "sts-wrong.plain", "sts-self.plain", "unusable-sts.test"):
        plan.policy(domain)
    plan.add("wrong.bogus", (unnamed,), (_ee(unnamed),))
    plan.zones["test"] += "null.test. IN MX 0 .\n"
    (folder / "root.pem").write_bytes(root.pem)
    https = make(tuple(plan.policies), by=root, start=YESTERDAY)
    (folder / "https.pem").write_bytes(https.pem)
    (folder / "https.key").write_bytes(https.key_pem)
    (folder / "dns").mkdir()
    with ExitStack() as stack:
        names = stack.enter_context(running_dns(folder / "dns", plan.zones))
        policies = stack.enter_context(policy_server(folder / "https.pem", folder / "https.key"))
        policies.policies.update(plan.policies)
        postfix = stack.enter_context(running_postfix(plan.names, plan.listeners))
        servers = PolicyServers(folder / "root.pem", policies.port)
        domains = Domains(Resolver([names.resolver]), servers, port=plan.port)
        route = DirectRoute("out.gemeente.example", port=plan.port, authorities=folder / "root.pem", patience=60)
        stack.callback(route.close)
        yield Place(domains, route, postfix, names, policies)


@pytest.mark.parametrize(
    ("domain", "proof", "fits"),
    [
        ("ee.test", "dane", "3 1 1"),
        ("ta.test", "dane", "2 0 1"),
        ("ta-domain.test", "dane", "2 0 1"),
        ("expired.test", "dane", "3 1 1"),
        ("sts.plain", "mta-sts", ""),
        ("unusable-sts.test", "mta-sts", ""),
    ],
)
def test_who_proves_himself_gets_the_mail(place: Place, domain: str, proof: str, fits: str) -> None:
    assert place.choice(domain).kind == proof
    found = place.send(domain, b".hidden dot\r\n..two\r\nplain \xc3\xa9 text\r\n")
    assert (found.server, found.proof, found.fits, found.tls) == (f"mx.{domain}", proof, fits, "TLSv1.3")
    assert found.reply == "250 2.0.0"
    mail = place.postfix.arrived(f"<{domain}>")
    assert mail["X-Original-To"] == f"x@{domain}"
    assert "TLSv1.3" in mail["Received"] or "ESMTPS" in mail["Received"]
    assert mail.get_payload(decode=True) == b".hidden dot\n..two\nplain \xc3\xa9 text\n"


@pytest.mark.parametrize(
    ("domain", "code"),
    [
        ("wrong.test", "proof-failed"),
        ("ta-name.test", "proof-failed"),
        ("sts-wrong.plain", "proof-failed"),
        ("sts-self.plain", "proof-failed"),
        ("open.test", "tls-failed"),
        ("old.test", "tls-failed"),
        ("later.test", "direct-away"),
    ],
)
def test_who_does_not_gets_nothing_now(place: Place, domain: str, code: str) -> None:
    assert place.choice(domain).servers
    with pytest.raises(Unavailable) as error:
        place.send(domain)
    assert error.value.kind == code
    if code == "direct-away":
        assert str(error.value.facts["reply"]).startswith("45")


def test_who_refuses_is_not_asked_again(place: Place) -> None:
    with pytest.raises(Mistake) as error:
        place.send("refusing.test")
    assert (error.value.kind, error.value.facts["reply"]) == ("mail-refused", "554 5.7.1")
    with pytest.raises(Mistake) as error:
        place.send("small.test", b"x" * 70 + b"\r\n" * 2000)
    assert error.value.kind == "mail-too-big"
    # Only that mail: the next one goes over the same connection.
    assert place.send("small.test").fits == "3 1 1"


@pytest.mark.parametrize(
    ("domain", "kind", "reason"),
    [
        ("unusable.test", "none", "tlsa-unusable"),
        ("null.test", "none", "null-mx"),
        ("wrong.bogus", "temporary", "mx-failed"),
        ("nothing.test", "none", "no-domain"),
    ],
)
def test_where_there_is_no_proof_nothing_is_sent(place: Place, domain: str, kind: str, reason: str) -> None:
    choice = place.choice(domain)
    assert (choice.kind, choice.servers) == (kind, ())
    assert reason in [why.code for why in choice.reasons]
    with pytest.raises(Mistake) as error:
        place.send(domain)
    assert error.value.kind == "no-proof"


def test_a_report_of_delivery_comes_back(place: Place) -> None:
    wants = Notify(success=True, failure=False, asked=True, envid="zegel+2B7", orcpt="rfc822;asked@ee.test")
    mail = RawMail(lambda: [b"Subject: x\r\nMessage-ID: <report>\r\n\r\nsecret words\r\n"])
    place.route.deliver(place.choice("ee.test"), mail, "sender@ee.test", "x@ee.test", wants)
    report = place.postfix.first(lambda mail: mail.get_content_type() == "multipart/report")
    text = report.as_string()
    assert "Action: delivered" in text
    assert "Original-Envelope-Id: zegel+7" in text or "Original-Envelope-Id: zegel+2B7" in text
    assert "Original-Recipient: rfc822;asked@ee.test" in text
    # Headers only: what the mail said does not travel back, over who knows what.
    assert "secret words" not in text


def test_looking_at_a_domain_lets_its_servers_prove_themselves(place: Place) -> None:
    check = MailCheck(place.domains, place.route, lambda: datetime.now(UTC), True)
    (found,) = check.check("ta.test", connect=True).probed
    assert (found.server, found.trouble, found.tls, found.fits) == ("mx.ta.test", "", "TLSv1.3", "2 0 1")
    for domain, trouble in (("wrong.test", "proof-failed"), ("open.test", "tls-failed")):
        (found,) = check.check(domain, connect=True).probed
        assert found.trouble == trouble
    checked = check.check("unusable.test", connect=True)
    assert (checked.probed, checked.believed, checked.validates) == ((), True, True)


def test_threads_share_a_route(place: Place) -> None:
    choice = place.choice("ee.test")
    done: list[Delivered] = []

    def some() -> None:
        for _ in range(4):
            done.append(place.route.deliver(choice, RawMail(lambda: [b"Subject: x\r\n\r\n"]), FROM, "x@ee.test"))

    threads = [threading.Thread(target=some) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.reply for one in done] == ["250 2.0.0"] * 24


def test_without_dns_mail_waits(place: Place) -> None:
    away = Domains(Resolver([f"127.0.0.1:{free_port()}"]), PolicyServers(port=1), patience=0.5)
    assert choose_way(away.offer("ee.test"), datetime.now(UTC).date()).kind == "temporary"

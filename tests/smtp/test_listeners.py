"""Who may send through which listener: relays known by address or certificate, strangers, and whom From stands for."""

import ssl
import subprocess
from collections.abc import Iterable
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from tests.outbox.sink import Certificate, make_certificate
from tests.smtp.authority import Authority
from tests.smtp.ground import COLLEAGUE, READER, SENDER, TEAM, House, listening, open_door
from tests.smtp.wire import Wire
from zegel.doors.smtp.config import STRANGERS, DoorConfig, Listener
from zegel.errors import Denied, Mistake, Unavailable
from zegel.post.bounce import MOST_BYTES

LOOPBACK = (ip_network("127.0.0.0/8"),)
RELAY = listening(kind="relay", networks=LOOPBACK)
VERP = "post+abc@voorbeeld.example"


def _mail(sender: str, more: str = "") -> bytes:
    return f"From: {sender}\r\nTo: {READER}\r\nSubject: s\r\n{more}\r\ntekst\r\n".encode()


def _relay(wire: Wire, raw: bytes, *readers: str, sender: str = "bounce@lists.example") -> str:
    wire.say("EHLO mx.voorbeeld.example")
    return wire.deliver(raw, *readers, sender=sender)


class Returned:
    """Return addresses of the courier, and what came to them; ``away`` makes it fail."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str, bytes]] = []
        self.away = False

    def is_bounce_address(self, address: str) -> bool:
        return address.startswith("post+")

    def check(self, address: str) -> None:
        if address != VERP:
            raise Denied("This is no address of ours.", code="forged-bounce")

    def take(self, address: str, sender: str, mail: Iterable[bytes]) -> None:
        if self.away:
            raise Unavailable("The database cannot be reached.", code="database-away")
        self.taken.append((address, sender, b"".join(mail)))


# Relay --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "address", "name"),
    [
        (f"Iemand <{COLLEAGUE.address}>", COLLEAGUE.address, COLLEAGUE.name),
        ("J. Jansen <j.jansen@voorbeeld.example>", "j.jansen@voorbeeld.example", "J. Jansen"),
        ("J. Jansen <j.jansen@Voorbeeld.EXAMPLE>", "j.jansen@voorbeeld.example", "J. Jansen"),
        ("=?utf-8?q?Jos=C3=A9?= <jose@voorbeeld.example>", "jose@voorbeeld.example", "José"),
    ],
)
def test_a_relayed_mail_comes_from_whom_its_header_names(header: str, address: str, name: str) -> None:
    with open_door(RELAY) as door, Wire(door.port) as wire:
        assert _relay(wire, _mail(header)).startswith("250 2.0.0")
        sender = door.house.last.manifest.from_
        assert (sender.address, sender.name) == (address, name)


@pytest.mark.parametrize(
    "header",
    [
        "j@elders.example",
        "j@sub.voorbeeld.example",
        "j@xvoorbeeld.example",
        "j@voorbeeld.example, k@voorbeeld.example",
        "j@voorbeeld.example\r\nFrom: k@voorbeeld.example",
        "weg@voorbeeld.example",
        "nobody",
        "",
    ],
)
def test_a_relayed_mail_from_elsewhere_is_refused(header: str) -> None:
    with open_door(RELAY) as door, Wire(door.port) as wire:
        assert _relay(wire, _mail(header)).startswith("550 5.7.1")
        assert not door.house.deposits
        assert not door.house.store.blobs


def test_a_relayed_mail_without_from_is_refused() -> None:
    with open_door(RELAY) as door, Wire(door.port) as wire:
        assert _relay(wire, b"Subject: x\r\n\r\nx\r\n").startswith("550 5.7.1")


def test_who_is_outside_the_networks_relays_nothing() -> None:
    config = listening(kind="relay", networks=(ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")))
    with open_door(config) as door, Wire(door.port) as wire:
        offered = wire.say("EHLO x")
        assert "AUTH" not in offered
        assert wire.say("AUTH PLAIN").startswith("502")
        assert wire.say(f"MAIL FROM:<{SENDER}>").startswith("550 5.7.1")
        assert wire.say(f"RCPT TO:<{READER}>").startswith("503")


def test_a_relay_for_the_whole_world_cannot_be_configured() -> None:
    with pytest.raises(Mistake) as caught:
        listening(kind="relay").check()
    assert caught.value.kind == "open-relay"


# Client certificates ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("server"))


def _mutual(authority: Authority, server: Certificate, **facts: object) -> DoorConfig:
    return listening(
        kind="relay",
        tls="starttls",
        certificate=server.certificate,
        private_key=server.key,
        client_ca=authority.path,
        **{"client_names": ("mx.voorbeeld.example",), **facts},
    )


def _context(server: Certificate, client: Certificate | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(server.certificate))
    if client:
        context.load_cert_chain(client.certificate, client.key)
    return context


def _try(config: DoorConfig, server: Certificate, client: Certificate | None) -> str:
    """The refusal, or the reply to the mail; empty when TLS failed."""
    with open_door(config) as door, Wire(door.port) as wire:
        wire.say("EHLO x")
        wire.say("STARTTLS")
        try:
            wire.start_tls(_context(server, client))
            wire.say("EHLO x")
            refusal = wire.say(f"MAIL FROM:<{SENDER}>")
        except OSError:
            return ""
        return refusal if not refusal.startswith("250") else wire.say("RSET") and wire.deliver(_mail(SENDER))


def test_a_certificate_with_an_allowed_name_relays(authority: Authority, server: Certificate) -> None:
    config = _mutual(authority, server)
    assert _try(config, server, authority.issue("mx.voorbeeld.example")).startswith("250 2.0.0")


@pytest.mark.parametrize("name", ["mx2.voorbeeld.example", "x.mx.voorbeeld.example", "voorbeeld.example"])
def test_a_certificate_with_another_name_does_not(authority: Authority, server: Certificate, name: str) -> None:
    assert _try(_mutual(authority, server), server, authority.issue(name)).startswith("550 5.7.1")


def test_no_certificate_does_not(authority: Authority, server: Certificate) -> None:
    assert _try(_mutual(authority, server), server, None).startswith("550 5.7.1")


def test_the_certificate_of_another_authority_does_not(
    authority: Authority, server: Certificate, tmp_path: Path
) -> None:
    other = Authority(tmp_path)
    assert _try(_mutual(authority, server), server, other.issue("mx.voorbeeld.example")) == ""


def test_before_tls_a_certificate_cannot_count(authority: Authority, server: Certificate) -> None:
    with open_door(_mutual(authority, server)) as door, Wire(door.port) as wire:
        wire.say("EHLO x")
        assert wire.say(f"MAIL FROM:<{SENDER}>").startswith("550 5.7.1")


@pytest.mark.parametrize(("require", "reply"), [("all", "550 5.7.1"), ("any", "250 2.0.0")])
def test_both_or_one_of_them(authority: Authority, server: Certificate, require: str, reply: str) -> None:
    config = _mutual(authority, server, networks=LOOPBACK, require=require)
    assert _try(config, server, None).startswith(reply)


# Incoming -----------------------------------------------------------------------------------------------------------


def _incoming() -> DoorConfig:
    return replace(RELAY, listeners=(Listener(kind="incoming", limits=STRANGERS),))


def test_strangers_reach_the_couriers_addresses_only() -> None:
    returned = Returned()
    with open_door(_incoming(), bounces=returned) as door, Wire(door.port) as wire:
        offered = wire.say("EHLO mail.elders.example")
        assert "AUTH" not in offered
        assert "DSN" not in offered
        assert wire.say("MAIL FROM:<>").startswith("250")
        for stranger in (READER, SENDER, "post+xyz@voorbeeld.example"):
            assert wire.say(f"RCPT TO:<{stranger}>").startswith("550 5.7.1")
        assert wire.say("DATA").startswith("503")
        wire.say("RSET")
        bounce = b"From: MAILER-DAEMON@elders.example\r\nSubject: Undelivered\r\n\r\nniet bezorgd\r\n"
        assert wire.deliver(bounce, VERP, sender="").startswith("250 2.0.0")
        assert returned.taken == [(VERP, "", bounce)]
        assert not door.house.deposits


def test_without_a_courier_strangers_reach_nobody() -> None:
    with open_door(_incoming()) as door, Wire(door.port) as wire:
        wire.say("EHLO x")
        wire.say("MAIL FROM:<>")
        assert wire.say(f"RCPT TO:<{VERP}>").startswith("550 5.7.1")


def test_a_bounce_that_cannot_be_kept_is_451() -> None:
    returned = Returned()
    returned.away = True
    with open_door(_incoming(), bounces=returned) as door, Wire(door.port) as wire:
        wire.say("EHLO x")
        assert wire.deliver(b"x: y\r\n\r\n", VERP, sender="").startswith("451 4.3.0")


def test_of_a_long_bounce_the_beginning_is_read() -> None:
    returned = Returned()
    with open_door(_incoming(), bounces=returned) as door, Wire(door.port) as wire:
        wire.say("EHLO x")
        assert wire.deliver(b"a: b\r\n\r\n" + b"x" * 70 + b"\r\n" * 1_500_000, VERP, sender="").startswith("250")
        assert len(returned.taken[0][2]) == MOST_BYTES


def test_a_relay_also_brings_bounces_but_not_together_with_mail() -> None:
    returned = Returned()
    with open_door(RELAY, bounces=returned) as door, Wire(door.port) as wire:
        assert _relay(wire, b"Subject: Undelivered\r\n\r\n", VERP, sender="").startswith("250 2.0.0")
        wire.say("MAIL FROM:<>")
        assert wire.say(f"RCPT TO:<{VERP}>").startswith("250")
        assert wire.say(f"RCPT TO:<{READER}>").startswith("452 4.5.3")
        wire.say("RSET")
        wire.say(f"MAIL FROM:<{SENDER}>")
        assert wire.say(f"RCPT TO:<{READER}>").startswith("250")
        assert wire.say(f"RCPT TO:<{VERP}>").startswith("452 4.5.3")


def test_strangers_are_held_back() -> None:
    returned = Returned()
    limits = replace(STRANGERS, client_mails=3, client_recipients=5)
    config = replace(RELAY, listeners=(Listener(kind="incoming", limits=limits),))
    with open_door(config, bounces=returned) as door, Wire(door.port) as wire:
        wire.say("EHLO x")
        replies = []
        for _ in range(4):
            replies.append(wire.say("MAIL FROM:<>")[:9])
            wire.say("RSET")
        assert replies == ["250 2.1.0"] * 3 + ["451 4.7.1"]
    with open_door(config, bounces=returned) as door, Wire(door.port) as wire:
        wire.say("EHLO x")
        wire.say("MAIL FROM:<>")
        assert [wire.say(f"RCPT TO:<{VERP}>")[:9] for _ in range(6)] == ["250 2.1.5"] * 5 + ["451 4.7.1"]


def test_listeners_side_by_side_have_limits_of_their_own() -> None:
    house = House()
    narrow = replace(STRANGERS, sessions=1)
    listeners = (*RELAY.listeners, Listener(kind="incoming", limits=narrow), Listener())
    with open_door(replace(RELAY, listeners=listeners), house, Returned()) as door:
        relay, incoming, submission = door.ports
        with Wire(incoming) as stranger, Wire(incoming) as another:
            assert stranger.greeting.startswith("220")
            assert another.greeting.startswith("421 4.7.0")
            with Wire(relay) as wire:
                assert _relay(wire, _mail(SENDER)).startswith("250")
            with Wire(submission) as wire:
                assert wire.login().deliver(_mail(SENDER)).startswith("250")
    assert len(house.deposits) == 2


# Rights to From -----------------------------------------------------------------------------------------------------


def test_an_account_sends_as_the_mailbox_it_may_stand_for() -> None:
    with open_door() as door, Wire(door.port) as wire:
        wire.login()
        assert wire.deliver(_mail(f"Loket <{TEAM}>"), sender=TEAM).startswith("250 2.0.0")
        assert wire.deliver(_mail(TEAM)).startswith("250 2.0.0")
        assert wire.deliver(_mail(SENDER), sender=TEAM).startswith("250 2.0.0")
        found = [(parcel.manifest.from_.name, parcel.manifest.from_.address) for parcel in door.house.received]
        assert found == [("Loket", TEAM), ("Loket", TEAM), ("Afdeling Zorg", SENDER)]
        assert wire.say(f"MAIL FROM:<{COLLEAGUE.address}>").startswith("550 5.7.1")
        assert wire.deliver(_mail(COLLEAGUE.address)).startswith("550 5.7.1")
        assert wire.deliver(_mail(f"{TEAM}, {SENDER}")).startswith("550 5.7.1")


def test_openssl_sees_the_versions_and_ciphers_that_we_want(server: Certificate) -> None:
    config = listening(tls="starttls", certificate=server.certificate, private_key=server.key)
    with open_door(config) as door:
        assert "TLSv1.3" in _s_client(door.port)
        assert "ECDHE" in _s_client(door.port, "-tls1_2")
        assert "Cipher is (NONE)" in _s_client(door.port, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0")
        for old in ("AES128-SHA:AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-SHA"):
            assert "Cipher is (NONE)" in _s_client(door.port, "-tls1_2", "-cipher", old), old


def _s_client(port: int, *more: str) -> str:
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-starttls", "smtp", *more]
    return subprocess.run(command, capture_output=True, text=True, input="QUIT\r\n", timeout=120, check=False).stdout


def test_a_renewed_certificate_is_shown_without_a_restart(tmp_path: Path) -> None:
    first = make_certificate(tmp_path)
    config = listening(tls="starttls", certificate=first.certificate, private_key=first.key)
    with open_door(config) as door:
        before = _shown(door.port)
        whole = first.certificate.read_bytes()
        first.certificate.write_bytes(whole[:50])
        assert _shown(door.port) == before
        make_certificate(tmp_path)
        assert _shown(door.port) not in (before, b"")


def _shown(port: int) -> bytes:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with Wire(port) as wire:
        wire.say("EHLO x")
        wire.say("STARTTLS")
        wire.start_tls(context)
        assert isinstance(wire.socket, ssl.SSLSocket)
        return wire.socket.getpeercert(True) or b""

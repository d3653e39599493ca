"""Which domains have a Zegel: real DNS with DNSSEC, and a real HTTPS server, good and bad."""

import base64
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.ground.dns import running_dns
from tests.ground.policy_server import PolicyHost, policy_server
from tests.transport.made import Made, make
from zegel.domains.resolver import Resolver
from zegel.domains.zegels import Zegels
from zegel.errors import Mistake, NotFound, Unavailable
from zegel.keys.custody import Custody, make_keys

pytestmark = pytest.mark.slow

HOST = "post.good.test"
OTHER = "-".join(["ABCD"] * 8)
ZONE = """\
_zegel.good.test. IN TXT "v=zegel1; host=post.good" ".test:{port}; key={key}"
_zegel.both.test. IN TXT "v=zegel1; host=post.good.test:{port}; key={other},{key}"
_zegel.other.test. IN TXT "v=zegel1; host=post.good.test:{port}; key={other}"
_zegel.unnamed.test. IN TXT "v=zegel1; host=post.else.test:{port}; key={key}"
_zegel.nowhere.test. IN TXT "v=zegel1; host=post.nowhere.test:{port}; key={key}"
_zegel.twice.test. IN TXT "v=zegel1; host=post.good.test:{port}; key={key}"
_zegel.twice.test. IN TXT "v=zegel1; host=post.good.test:{port}; key={key}; x=y"
_zegel.wrong.test. IN TXT "v=zegel1; host=post.good.test:{port}"
_zegel.empty.test. IN TXT "something else"
_zegel.alias.test. IN CNAME _zegel.some.plain.
post.good.test. IN A 127.0.0.1
post.else.test. IN A 127.0.0.1
"""
PLAIN = '_zegel.some.plain. IN TXT "v=zegel1; host=post.good.test:{port}; key={key}"\n'


@dataclass
class World:
    resolver: str
    authorities: Path
    server: PolicyHost
    good: str

    def zegels(self, patience: float = 60, clock: Callable[[], float] = time.monotonic) -> Zegels:
        return Zegels(Resolver([self.resolver]), self.authorities, patience=patience, clock=clock)

    @contextmanager
    def spoiled(self, **facts: Any) -> Iterator[None]:
        before = {name: getattr(self.server, name) for name in facts}
        for name, value in facts.items():
            setattr(self.server, name, value)
        try:
            yield
        finally:
            for name, value in before.items():
                setattr(self.server, name, value)


def profile(custody: Custody) -> str:
    keys = [
        {"ed25519": base64.b64encode(key.ed25519).decode(), "mldsa65": base64.b64encode(key.mldsa65).decode()}
        for key in custody.public.signing
    ]
    organisation = {"name": "Gemeente Goed", "host": "post.good.test"}
    return json.dumps({"zegel": "organisation v1", "organisation": organisation, "signing": keys})


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, authority: Made, authorities: Path) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("zegels")
    custody = make_keys(folder / "keys")
    leaf = make((HOST,), by=authority, start=datetime.now(UTC) - timedelta(days=1))
    (folder / "chain.pem").write_bytes(leaf.pem + authority.pem)
    (folder / "leaf.key").write_bytes(leaf.key_pem)
    with policy_server(folder / "chain.pem", folder / "leaf.key") as server:
        facts = {"port": server.port, "key": custody.public.signing[0].fingerprint, "other": OTHER}
        server.kind, good = "application/json", profile(custody)
        server.policies |= {HOST: good, "post.else.test": good}
        bogus = PLAIN.replace("plain", "bogus").format(**facts)
        zones = {"test": ZONE.format(**facts), "plain": PLAIN.format(**facts), "bogus": bogus}
        (folder / "dns").mkdir()
        with running_dns(folder / "dns", zones) as dns:
            yield World(dns.resolver, authorities, server, good)


@pytest.mark.parametrize(
    ("domain", "state"),
    [
        ("good.test", "found"),
        ("Good.TEST", "found"),
        ("both.test", "found"),
        ("some.plain", "insecure"),
        ("alias.test", "insecure"),
        ("some.bogus", "failed"),
        ("twice.test", "malformed"),
        ("wrong.test", "malformed"),
        ("empty.test", "absent"),
        ("none.test", "absent"),
    ],
)
def test_only_one_signed_record_is_a_promise(world: World, domain: str, state: str) -> None:
    promise = world.zegels().promise(domain)
    assert (promise.state, promise.domain) == (state, domain.lower())


def test_what_is_no_domain_is_nobodys(world: World) -> None:
    with pytest.raises(Mistake, match="mail domain"):
        world.zegels().promise("no domain")


def test_a_peer_is_asked_once_until_it_must_be_fresh(world: World) -> None:
    zegels = world.zegels()
    world.server.asked.clear()
    place = zegels.place("good.test")
    assert (place.peer.name, place.host, place.port, place.addresses) == (
        "Gemeente Goed", HOST, world.server.port, ("127.0.0.1",),
    )  # fmt: skip
    assert zegels.place("good.test") is place
    assert world.server.asked == [(HOST, "/.well-known/zegel")]
    assert zegels.place("good.test", fresh=True) == place
    assert len(world.server.asked) == 2
    assert zegels.place("both.test").peer == place.peer


def test_nobody_makes_us_ask_anybody_again_and_again(world: World) -> None:
    """The attack: arrivals with made-up keys in the name of an organisation, each of which asked its Zegel anew."""
    now = 1000.0
    zegels = world.zegels(clock=lambda: now)
    world.server.asked.clear()
    for _ in range(5):
        zegels.place("good.test", fresh=True)
        with pytest.raises(Unavailable) as error:
            zegels.place("other.test")
        assert error.value.kind == "proof-failed"
    assert len(world.server.asked) == 2
    # Once in a while it may have changed.
    with pytest.raises(Unavailable):
        zegels.place("other.test", fresh=True)
    now += 31
    zegels.place("good.test", fresh=True)
    with pytest.raises(Unavailable):
        zegels.place("other.test")
    assert len(world.server.asked) == 5


@pytest.mark.parametrize("domain", ["some.plain", "twice.test", "none.test"])
def test_without_a_promise_nobody_is_asked(world: World, domain: str) -> None:
    world.server.asked.clear()
    with pytest.raises(NotFound):
        world.zegels().place(domain)
    assert world.server.asked == []


@pytest.mark.parametrize(
    ("domain", "kind"),
    [
        ("other.test", "proof-failed"),
        ("unnamed.test", "peer-away"),
        ("nowhere.test", "peer-away"),
        ("some.bogus", "peer-away"),
    ],
)
def test_whoever_does_not_keep_the_promise_gets_nothing(world: World, domain: str, kind: str) -> None:
    with pytest.raises(Unavailable) as error:
        world.zegels().place(domain)
    assert error.value.kind == kind


@pytest.mark.parametrize(
    "spoil",
    [
        {"status": 301, "location": "https://post.good.test/.well-known/zegel"},
        {"status": 500},
        {"kind": "text/html"},
        {"policies": {HOST: "{}"}},
        {"policies": {HOST: '{"zegel":"organisation v1"}' + " " * 300_000}},
        {"policies": {HOST: b"\xff"}},
        {"raw": b"SSH-2.0-x\r\n"},
    ],
    ids=lambda spoil: str(spoil)[:40],
)
def test_what_cannot_be_read_is_away(world: World, spoil: dict[str, Any]) -> None:
    with world.spoiled(**spoil), pytest.raises(Unavailable) as error:
        world.zegels().place("good.test")
    assert error.value.kind == "peer-away"


@pytest.mark.parametrize("where", ["headers", "body"])
def test_whoever_drips_is_away(world: World, where: str) -> None:
    zegels = world.zegels(patience=2)
    with world.spoiled(trickle=where), pytest.raises(Unavailable):
        zegels.place("good.test")

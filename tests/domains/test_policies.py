"""Policies of MTA-STS from a real HTTPS server, good and bad."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.ground.dns import Dns
from tests.ground.policy_server import PolicyHost
from zegel.domains.lookup import Domains
from zegel.domains.policies import PolicyServers
from zegel.domains.resolver import Resolver
from zegel.transport.mta_sts import Policy
from zegel.transport.way import choose_way

HOST = "mta-sts.sts.test"
TEXT = "version: STSv1\nmode: enforce\nmx: *.some.plain\nmax_age: {age}\n"


@pytest.fixture
def clock() -> list[float]:
    return [1000.0]


@pytest.fixture
def made(names: Dns, policies: PolicyHost, authorities: Path, clock: list[float]) -> Callable[[], Domains]:
    def make() -> Domains:
        servers = PolicyServers(authorities, policies.port)
        return Domains(Resolver([names.resolver]), servers, clock=lambda: clock[0])

    policies.policies[HOST] = TEXT.format(age=604800)
    return make


def test_a_policy_is_fetched(made: Callable[[], Domains], policies: PolicyHost) -> None:
    offer = made().offer("sts.test")
    assert (offer.sts, offer.policy) == ("found", Policy("enforce", ("*.some.plain",), 604800))
    assert policies.asked == [(HOST, "/.well-known/mta-sts.txt")]
    assert choose_way(offer, datetime.now(UTC).date()).kind == "mta-sts"


@pytest.mark.parametrize(
    "spoil",
    [
        {"status": 404},
        {"status": 500},
        {"status": 301, "location": "https://mta-sts.sts.test/elsewhere"},
        {"kind": "text/html"},
        {"kind": "application/octet-stream"},
        {"policies": {HOST: TEXT.format(age=1) + "x" * 70_000}},
        {"policies": {HOST: "version: STSv1\n"}},
        {"policies": {HOST: b"version: STSv1\n\xff\xfe: x\n"}},
    ],
    ids=lambda spoil: str(spoil)[:40],
)
def test_what_is_no_policy_is_none(made: Callable[[], Domains], policies: PolicyHost, spoil: dict[str, object]) -> None:
    for name, value in spoil.items():
        setattr(policies, name, value)
    domains = made()
    offer = domains.offer("sts.test")
    assert (offer.sts, offer.policy) == ("failed", None)
    assert choose_way(offer, datetime.now(UTC).date()).kind == "none"
    # A redirect is not followed, and nobody asks again at once.
    domains.offer("sts.test", fresh=True)
    assert [path for _, path in policies.asked] == ["/.well-known/mta-sts.txt"]


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


@pytest.mark.slow
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    st.binary(min_size=1, max_size=80)
    | st.binary(max_size=80).map(lambda body: HEAD + body)
    | st.binary(max_size=80).map(lambda body: HEAD + b"\r\n" + body)
    | st.sampled_from(
        [
            HEAD + b"Content-Length: -1\r\n\r\n",
            HEAD + b"Content-Length: 99\r\n\r\nversion: STSv1",
            HEAD + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFF\r\nx",
            HEAD + b"Content-Encoding: gzip\r\n\r\n\x1f\x8b",
            HEAD + b"Content-Type: text/plain\r\n\r\nversion: STSv1",
            b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
            b"HTTP/1.1 100 Continue\r\n\r\n" * 5000,
            b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000,
        ]
    )
)
def test_whatever_a_policy_server_says_is_a_policy_or_none(
    names: Dns, policies: PolicyHost, authorities: Path, raw: bytes
) -> None:
    policies.raw = raw
    domains = Domains(Resolver([names.resolver]), PolicyServers(authorities, policies.port), patience=5)
    offer = domains.offer("sts.test")
    assert (offer.sts, offer.policy) == ("failed", None)


def test_authorities_that_cannot_be_read_trust_nobody(names: Dns, policies: PolicyHost, tmp_path: Path) -> None:
    policies.policies[HOST] = TEXT.format(age=1)
    domains = Domains(Resolver([names.resolver]), PolicyServers(tmp_path / "none.pem", policies.port))
    assert domains.offer("sts.test").sts == "failed"


@pytest.mark.parametrize("where", ["headers", "body"])
def test_a_server_that_drips_has_no_more_time_than_a_silent_one(
    names: Dns, policies: PolicyHost, authorities: Path, where: str
) -> None:
    policies.policies[HOST] = TEXT.format(age=1)
    policies.trickle = where
    domains = Domains(Resolver([names.resolver]), PolicyServers(authorities, policies.port), patience=1.0)
    # It comes back at all: the drip goes on until the test ends.
    assert domains.offer("sts.test").sts == "failed"


def test_an_unknown_authority_is_not_believed(names: Dns, policies: PolicyHost) -> None:
    policies.policies[HOST] = TEXT.format(age=1)
    domains = Domains(Resolver([names.resolver]), PolicyServers(port=policies.port))
    assert domains.offer("sts.test").sts == "failed"
    assert policies.asked == []


def test_a_certificate_for_another_name_is_not_believed(made: Callable[[], Domains], policies: PolicyHost) -> None:
    policies.policies["mta-sts.other-name.test"] = TEXT.format(age=1)
    assert made().offer("other-name.test").sts == "failed"
    assert policies.asked == []


def test_two_records_are_none(made: Callable[[], Domains], policies: PolicyHost) -> None:
    assert made().offer("twice.test").sts == "absent"
    assert policies.asked == []


def test_a_policy_is_kept_as_long_as_it_says(
    made: Callable[[], Domains], policies: PolicyHost, clock: list[float]
) -> None:
    domains = made()
    assert domains.offer("sts.test").policy
    domains.offer("sts.test", fresh=True)
    assert len(policies.asked) == 1
    # After a day it is fetched again; when that fails the old one stays.
    policies.status = 503
    clock[0] += timedelta(days=1, seconds=1).total_seconds()
    assert domains.offer("sts.test").sts == "found"
    assert len(policies.asked) == 2
    policies.status = 200
    policies.policies[HOST] = TEXT.format(age=100).replace("enforce", "none")
    clock[0] += 301
    offer = domains.offer("sts.test")
    assert offer.policy
    assert offer.policy.mode == "none"
    # And when it has ended there is none.
    policies.status = 503
    clock[0] += 101
    assert domains.offer("sts.test").policy is None

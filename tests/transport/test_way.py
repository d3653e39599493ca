"""From what a domain offers to how a mail goes: every rule, and that no failure lowers anything."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zegel.transport.mta_sts import Policy
from zegel.transport.nta7516 import Nta
from zegel.transport.offer import Offer, Server
from zegel.transport.tlsa import Tlsa
from zegel.transport.way import REASONS, Choice, choose_way

TODAY = date(2026, 11, 25)
GOOD, UNUSABLE = Tlsa(3, 1, 1, b"x" * 32), Tlsa(1, 1, 1, b"x" * 32)
ENFORCE = Policy("enforce", ("*.example.nl",), 604800)


def server(name: str = "mx.example.nl", preference: int = 10, **facts: object) -> Server:
    plain = Server(name, preference, ("192.0.2.1",), "found", name, "absent")
    return replace(plain, **facts)  # type: ignore[arg-type]


def dane(name: str = "mx.example.nl", preference: int = 10, **facts: object) -> Server:
    return server(name, preference, **{"tlsa": "found", "records": (GOOD,), **facts})


def offer(*servers: Server, **facts: object) -> Offer:
    return replace(Offer("example.nl", "found", True, servers), **facts)  # type: ignore[arg-type]


def choose(one: Offer) -> Choice:
    found = choose_way(one, TODAY)
    assert all(str(reason) for reason in found.reasons)
    return found


def codes(found: Choice) -> list[str]:
    return [one.code for one in found.reasons]


def test_dane() -> None:
    found = choose(
        offer(dane("b.example.nl", 20), dane("a.example.nl", 10, base="alias.example.org"), expanded="x.org")
    )
    assert found.kind == "dane"
    assert [one.name for one in found.servers] == ["a.example.nl", "b.example.nl"]
    # RFC 7672 §3.2.2: the base domain is asked for and may be in the certificate; so may the domain itself.
    assert found.servers[0].sni == "alias.example.org"
    assert found.servers[0].names == ("alias.example.org", "example.nl", "x.org")
    assert found.servers[0].records == (GOOD,)


def test_servers_that_prove_nothing_get_no_mail() -> None:
    found = choose(offer(server("a.example.nl", 5), dane("b.example.nl", 10), server("c.example.nl", 20)))
    assert [one.name for one in found.servers] == ["b.example.nl"]
    assert found.kind == "dane"


def test_an_unsigned_list_of_servers_is_no_dane() -> None:
    found = choose(offer(dane(), mx_secure=False))
    assert found.kind == "none"
    assert "mx-insecure" in codes(found)


def test_unusable_records_are_no_proof() -> None:
    found = choose(offer(dane(records=(UNUSABLE,))))
    assert (found.kind, codes(found)[-1]) == ("none", "tlsa-unusable")
    mixed = choose(offer(dane(records=(UNUSABLE, GOOD))))
    assert mixed.servers[0].records == (GOOD,)


def test_mta_sts_proves_where_dane_does_not() -> None:
    found = choose(offer(server(), server("other.test"), mx_secure=False, sts="found", policy=ENFORCE))
    assert found.kind == "mta-sts"
    (only,) = found.servers
    assert (only.name, only.sni, only.names, only.records) == ("mx.example.nl", "mx.example.nl", ("mx.example.nl",), ())
    assert {"sts-enforce", "sts-covers", "sts-omits"} <= set(codes(found))


@pytest.mark.parametrize("mode", ["testing", "none"])
def test_other_modes_are_no_proof(mode: str) -> None:
    found = choose(offer(server(), sts="found", policy=replace(ENFORCE, mode=mode)))  # type: ignore[arg-type]
    assert found.kind == "none"
    assert f"sts-{mode}" in codes(found)


def test_a_server_with_dane_is_held_to_it_also_under_mta_sts() -> None:
    found = choose(offer(dane("a.example.nl"), server("b.example.nl", 20), sts="found", policy=ENFORCE))
    assert [one.proof for one in found.servers] == ["dane", "mta-sts"]
    assert found.kind == "mta-sts"


@pytest.mark.parametrize("failing", [{"tlsa": "failed"}, {"address": "failed", "addresses": ()}])
def test_a_failed_look_up_is_never_a_downgrade(failing: dict[str, object]) -> None:
    alone = choose(offer(server(**failing), sts="found", policy=ENFORCE))
    assert (alone.kind, alone.servers) == ("temporary", ())
    other = choose(offer(server(**failing), dane("b.example.nl", 20)))
    assert (other.kind, [one.name for one in other.servers]) == ("dane", ["b.example.nl"])
    unproven = choose(offer(server(**failing), server("b.example.nl", 20)))
    assert unproven.kind == "temporary"


@pytest.mark.parametrize(
    ("mx", "kind", "code"),
    [("failed", "temporary", "mx-failed"), ("null", "none", "null-mx"), ("no-domain", "none", "no-domain")],
)
def test_domains_without_servers(mx: str, kind: str, code: str) -> None:
    found = choose(Offer("example.nl", mx, True))  # type: ignore[arg-type]
    assert (found.kind, found.servers, codes(found)) == (kind, (), [code])


def test_a_domain_without_mx_is_its_own_server() -> None:
    found = choose(offer(dane("example.nl", 0), mx="absent"))
    assert found.kind == "dane"
    assert codes(found)[0] == "mx-absent"


def test_no_server_and_no_address() -> None:
    assert codes(choose(offer()))[-1] == "no-server"
    found = choose(offer(server(address="absent", addresses=())))
    assert (found.kind, codes(found)[-1]) == ("none", "address-absent")


NTA = Nta((2026, 1), (2026, 12), "Example", ((10, "safe.example.org"),))


def test_safe_mail_goes_to_the_servers_of_the_nta_record() -> None:
    found = choose(offer(dane(), nta="found", nta_record=NTA, nta_servers=(dane("safe.example.org"),), mx_secure=False))
    assert [one.name for one in found.servers] == ["safe.example.org"]
    assert found.kind == "dane"
    assert codes(found)[:2] == ["nta-in-force", "nta-servers"]


def test_they_must_prove_themselves_too() -> None:
    found = choose(offer(dane(), nta="found", nta_record=NTA, nta_servers=(server("safe.example.org"),)))
    assert (found.kind, found.servers) == ("none", ())


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"nta": "found", "nta_record": replace(NTA, start=(2026, 12))}, "nta-early"),
        ({"nta": "found", "nta_record": replace(NTA, end=(2026, 10))}, "nta-ended"),
        ({"nta": "insecure", "nta_record": NTA}, "nta-insecure"),
        ({"nta": "malformed"}, "nta-malformed"),
        ({"nta": "found", "nta_record": replace(NTA, hosts=())}, "nta-in-force"),
    ],
)
def test_otherwise_the_ordinary_servers_count(facts: dict[str, object], code: str) -> None:
    found = choose(offer(dane(), nta_servers=(dane("safe.example.org"),), **facts))
    assert [one.name for one in found.servers] == ["mx.example.nl"]
    assert code in codes(found)


def test_when_the_nta_record_cannot_be_read_mail_waits() -> None:
    found = choose(offer(dane(), nta="failed"))
    assert (found.kind, found.servers) == ("temporary", ())
    assert "nta-failed" in codes(found)


SERVERS = st.builds(
    Server,
    st.sampled_from(["a.example.nl", "b.example.nl", "c.test"]),
    st.integers(0, 3),
    st.just(("192.0.2.1",)),
    st.sampled_from(["found", "absent", "failed"]),
    st.sampled_from(["a.example.nl", "d.test"]),
    st.sampled_from(["found", "absent", "failed", "insecure"]),
    st.lists(st.sampled_from([GOOD, UNUSABLE]), max_size=2).map(tuple),
)
OFFERS = st.builds(
    Offer,
    st.just("example.nl"),
    st.sampled_from(["found", "absent", "failed", "no-domain", "null"]),
    st.booleans(),
    st.lists(SERVERS, max_size=3).map(tuple),
    st.just(""),
    st.sampled_from(["found", "absent", "failed"]),
    st.sampled_from([None, ENFORCE, replace(ENFORCE, mode="testing"), replace(ENFORCE, mode="none")]),
    st.sampled_from(["found", "absent", "failed", "insecure", "malformed"]),
    st.sampled_from([None, NTA, replace(NTA, hosts=())]),
    st.lists(SERVERS, max_size=2).map(tuple),
)


@given(OFFERS)
def test_whatever_is_chosen_was_proven(one: Offer) -> None:
    found = choose(one)
    assert all(reason.code in REASONS for reason in found.reasons)
    assert (found.kind in ("dane", "mta-sts")) is bool(found.servers)
    assert [s.preference for s in found.servers] == sorted(s.preference for s in found.servers)
    known = {s.name: s for s in (*one.servers, *one.nta_servers)}
    for chosen in found.servers:
        assert chosen.addresses
        assert chosen.records or chosen.proof == "mta-sts"
        if chosen.proof == "mta-sts":
            assert one.policy is not None
            assert one.policy.mode == "enforce"
            assert one.policy.covers(chosen.name)
        else:
            assert all(record.usable for record in chosen.records)
        assert chosen.name in known


@given(OFFERS, st.integers(0, 2))
def test_a_failure_adds_no_server(one: Offer, index: int) -> None:
    """An attacker who makes a look-up fail can make mail wait or take another proven way, never an unproven one."""
    broken = [replace(s, tlsa="failed") if i == index else s for i, s in enumerate(one.servers)]
    before = {(s.name, s.proof) for s in choose(one).servers}
    after = {(s.name, s.proof) for s in choose(replace(one, servers=tuple(broken))).servers}
    assert after <= before

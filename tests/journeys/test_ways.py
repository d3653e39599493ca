"""Which way a mail may go: the rule, and asking many domains at once within a deadline."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.ground.delivery import Shifting, failing, make_certificates, proving, unproven
from zegel.errors import Mistake
from zegel.journeys.ways import Ways
from zegel.parcels.arrivals import Place
from zegel.parcels.ways import Found, Way, pick_way
from zegel.transport.offer import Offer
from zegel.transport.zegel import Promise, ZegelRecord


@pytest.mark.parametrize(
    ("found", "has_proof", "allowed", "way"),
    [
        ("mailbox", False, None, "mailbox"),
        ("direct", True, None, "direct"),
        ("direct", False, None, "direct"),
        ("link", False, None, "link"),
        ("unsure", True, None, "link"),
        ("unsure", False, None, "direct"),
        ("unsure", True, ("direct",), "direct"),
        ("direct", False, ("link",), "link"),
        ("mailbox", True, ("link", "direct"), "link"),
        ("unsure", False, ("link",), "link"),
        ("zegel", False, None, "zegel"),
        ("zegel", True, None, "zegel"),
        ("zegel", True, ("link",), "link"),
        ("zegel", True, ("link", "direct"), "link"),
        ("zegel", False, ("link", "direct"), "direct"),
    ],
)
def test_the_way(found: Found, has_proof: bool, allowed: tuple[str, ...] | None, way: Way) -> None:
    assert pick_way("a@x.example", found, has_proof=has_proof, allowed=allowed) == way


@pytest.mark.parametrize("found", ["link", "mailbox"])
def test_no_way_that_is_allowed_refuses_the_mail(found: Found) -> None:
    with pytest.raises(Mistake, match="no other way is allowed"):
        pick_way("a@x.example", found, has_proof=True, allowed=("direct",))


def test_no_finding_and_no_rule_but_pass_makes_a_mail_plain() -> None:
    for found in ("mailbox", "direct", "unsure", "link"):
        for has_proof in (True, False):
            assert pick_way("a@x.example", found, has_proof=has_proof) != "plain"  # type: ignore[arg-type]


class Slow(Shifting):
    """Some domains never answer while the test runs."""

    over = threading.Event()

    def offer(self, domain: str, *, fresh: bool = False) -> Offer:
        if domain == "slow.example":
            self.over.wait(60)
        return super().offer(domain, fresh=fresh)


@pytest.fixture
def domains(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slow]:
    proven = proving(make_certificates(tmp_path_factory.mktemp("c"), "mx.example.nl"), "good.example")
    slow = Slow({"good.example": proven, "none.example": unproven(proven), "failing.example": failing(proven)})
    slow.over = threading.Event()
    yield slow
    slow.over.set()


def find(domains: Shifting | None, *addresses: str) -> dict[str, Found]:
    with ThreadPoolExecutor(8) as pool:
        own = frozenset({"own.example"})
        found = Ways(own, domains, pool, lambda: datetime.now(UTC), deadline=1).find(addresses)
        if isinstance(domains, Slow):
            domains.over.set()
        return found


def test_all_domains_are_asked_and_a_slow_one_does_not_decide_for_others(domains: Slow) -> None:
    wanted: dict[str, Found] = {
        "a@good.example": "direct",
        "B@GOOD.example": "direct",
        "a@none.example": "link",
        "a@failing.example": "unsure",
        "a@slow.example": "unsure",
        "team@own.example": "mailbox",
        "a@[127.0.0.1]": "link",
    }
    assert find(domains, *wanted) == wanted


def test_where_nothing_is_direct_nobody_is_asked() -> None:
    assert find(None, "a@good.example", "team@own.example") == {"a@good.example": "link", "team@own.example": "mailbox"}


def test_a_mailbox_in_the_portal_is_kept_there_if_anybody_may_read_it() -> None:
    with ThreadPoolExecutor(1) as pool:
        ways = Ways(
            frozenset(), None, pool, lambda: datetime.now(UTC),
            portal=frozenset({"own.example"}), is_used=lambda address: address == "Team@own.example",
        )  # fmt: skip
        assert ways.find(["Team@own.example", "typo@own.example"]) == {
            "Team@own.example": "portal",
            "typo@own.example": "nobody",
        }
    assert pick_way("a@x.example", "portal", has_proof=False) == "portal"
    assert pick_way("a@x.example", "portal", has_proof=True, allowed=("link",)) == "link"
    with pytest.raises(Mistake, match="no mailbox"):
        pick_way("a@x.example", "nobody", has_proof=True)


class Promised:
    """Which domains say in DNS that they have a Zegel, and with which key; one hangs until ``over``."""

    def __init__(self, keys: dict[str, str]):
        self.keys = keys
        self.asked: list[str] = []
        self.over = threading.Event()

    def promise(self, domain: str, *, fresh: bool = False) -> Promise:
        self.asked.append(domain)
        if domain == "slow.example":
            self.over.wait(60)
        if domain not in self.keys:
            return Promise(domain, "absent")
        return Promise(domain, "found", ZegelRecord("post." + domain, 443, (self.keys[domain],)))

    def place(self, domain: str, *, fresh: bool = False) -> Place:
        raise AssertionError("nobody is asked before a mail goes")


def test_a_domain_with_a_zegel_is_found_where_our_own_record_names_our_key() -> None:
    promised = Promised({"ander.example": "THEIRS", "wij.example": "OURS", "slow.example": "THEIRS"})
    with ThreadPoolExecutor(4) as pool:
        ways = Ways(frozenset({"eigen.example"}), None, pool, lambda: datetime.now(UTC), deadline=60, zegels=promised)
        to = ["a@ander.example", "b@ANDER.example", "c@none.example", "d@eigen.example"]
        found = dict(zip(to, ("zegel", "zegel", "link", "mailbox"), strict=True))
        assert ways.find(to) == found
        ours = replace(ways, sends_as="wij.example", keys=frozenset({"OURS", "NEXT"}))
        assert ours.find(to) == found
        without = dict(zip(to, ("link", "link", "link", "mailbox"), strict=True))
        for sends_as, keys in (("wij.example", {"NEXT"}), ("none.example", {"OURS"}), ("wij.example", set())):
            assert replace(ways, sends_as=sends_as, keys=frozenset(keys)).find(to) == without
        # Whoever does not answer in time gets it as she would without.
        assert replace(ways, deadline=0.1).find(["e@slow.example"]) == {"e@slow.example": "link"}
        promised.over.set()


def test_a_mail_for_own_mailboxes_waits_for_nobodys_zegel() -> None:
    """Our own record was looked up for it too, and a resolver that hangs held the sender."""
    promised = Promised({"slow.example": "OURS"})
    with ThreadPoolExecutor(4) as pool:
        ways = Ways(
            frozenset({"eigen.example"}), None, pool, lambda: datetime.now(UTC), deadline=60, zegels=promised,
            sends_as="slow.example", keys=frozenset({"OURS"}),
        )  # fmt: skip
        assert ways.find(["d@eigen.example"]) == {"d@eigen.example": "mailbox"}
        assert not promised.asked
        promised.over.set()

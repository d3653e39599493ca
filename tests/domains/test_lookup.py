"""What domains offer, as a validating resolver and a policy server tell it."""

import threading

import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

from tests.ground.dns import Dns
from tests.ground.mail_names import DIGEST
from tests.ground.ports import free_port
from zegel.domains.lookup import MOST_RECORDS, MOST_SERVERS, SHORTEST, Domains
from zegel.domains.policies import PolicyServers
from zegel.domains.resolver import Resolver
from zegel.errors import Mistake
from zegel.transport.tlsa import Tlsa

EE = Tlsa(3, 1, 1, bytes.fromhex(DIGEST))


def test_a_signed_domain(domains: Domains) -> None:
    offer = domains.offer("Good.Test.")
    assert (offer.domain, offer.mx, offer.mx_secure) == ("good.test", "found", True)
    first, second = offer.servers
    assert (first.name, first.preference, first.addresses) == ("mx1.good.test", 10, ("127.0.0.2",))
    assert (first.tlsa, set(first.records)) == ("found", {EE, Tlsa(2, 0, 1, EE.data)})
    assert (second.name, second.addresses, second.tlsa, second.records) == ("mx2.good.test", ("::1",), "absent", ())
    assert (offer.sts, offer.policy, offer.nta) == ("absent", None, "absent")


def test_an_unsigned_domain_may_have_signed_servers(domains: Domains) -> None:
    offer = domains.offer("to-good.plain")
    assert (offer.mx, offer.mx_secure) == ("found", False)
    assert offer.servers[0].tlsa == "found"


@pytest.mark.parametrize("domain", ["some.plain", "to-plain.test"])
def test_records_in_an_unsigned_zone_do_not_count(domains: Domains, domain: str) -> None:
    (server,) = domains.offer(domain).servers
    assert (server.address, server.tlsa, server.records) == ("found", "insecure", ())


def test_a_false_signature_is_a_failure_and_no_absence(domains: Domains, names: Dns) -> None:
    assert domains.offer("some.bogus").mx == "failed"
    (server,) = domains.offer("to-bogus.test").servers
    assert (server.address, server.addresses) == ("failed", ())
    (server,) = domains.offer("half.test").servers
    assert (server.address, server.tlsa, server.records) == ("found", "failed", ())
    # The answer is there, for whoever asks not to check: we never do, and a validating resolver keeps it from us.
    query = dns.message.make_query("some.bogus.", "MX", want_dnssec=True)
    assert dns.query.udp(query, "127.0.0.1", port=names.port, timeout=30).rcode() == dns.rcode.SERVFAIL
    query = dns.message.make_query("some.bogus.", "MX", want_dnssec=True)
    query.flags |= dns.flags.CD
    answer = dns.query.udp(query, "127.0.0.1", port=names.port, timeout=30)
    assert answer.rcode() == dns.rcode.NOERROR
    assert answer.answer


@pytest.mark.parametrize(
    ("domain", "mx"),
    [("null.test", "null"), ("nothing.test", "no-domain"), ("empty.test", "absent"), ("bare.test", "absent")],
)
def test_domains_without_servers(domains: Domains, domain: str, mx: str) -> None:
    assert domains.offer(domain).mx == mx


def test_a_domain_without_mx_is_its_own_server(domains: Domains) -> None:
    offer = domains.offer("bare.test")
    assert offer.mx_secure
    (server,) = offer.servers
    assert (server.name, server.records) == ("bare.test", (EE,))
    (server,) = domains.offer("empty.test").servers
    assert server.address == "absent"


def test_a_null_mx_among_others_is_left_out(domains: Domains) -> None:
    assert [one.name for one in domains.offer("nearly-null.test").servers] == ["mx1.good.test"]


def test_aliases_of_servers(domains: Domains) -> None:
    """RFC 7672 §2.2.2: the name that the alias leads to counts first, then the alias, then only the alias."""
    assert [(one.base, one.tlsa) for one in domains.offer("alias.test").servers] == [("real.good.test", "found")]
    assert [(one.base, one.tlsa) for one in domains.offer("alias2.test").servers] == [("mx.alias2.test", "found")]
    assert [(one.base, one.tlsa) for one in domains.offer("alias3.test").servers] == [("mx.alias3.test", "found")]


def test_a_domain_that_is_an_alias(domains: Domains) -> None:
    offer = domains.offer("whole-alias.test")
    assert (offer.domain, offer.expanded) == ("whole-alias.test", "good.test")
    assert len(offer.servers) == 2


def test_names_in_other_scripts(domains: Domains) -> None:
    assert domains.offer("GRÜN.test").domain == "xn--grn-ioa.test"


@pytest.mark.parametrize(
    "domain", ["", "localhost", "a..b", "a b.nl", "x" * 64 + ".nl", "example.nl\r\n", "[192.0.2.1]"]
)
def test_what_is_no_domain(domains: Domains, domain: str) -> None:
    if domain.strip() == "example.nl":
        assert domains.offer(domain).domain == "example.nl"
        return
    with pytest.raises(Mistake) as error:
        domains.offer(domain)
    assert error.value.kind == "bad-domain"


def test_a_domain_with_very_many_servers(domains: Domains) -> None:
    offer = domains.offer("many.test")
    assert [one.preference for one in offer.servers] == list(range(1, MOST_SERVERS + 1))


def test_odd_names_are_left_out(domains: Domains) -> None:
    offer = domains.offer("odd.test")
    assert [(one.preference, one.name) for one in offer.servers] == [(30, "mx1.good.test")]
    assert (offer.sts, offer.nta) == ("absent", "absent")


def test_answers_that_fit_no_packet_come_whole(domains: Domains) -> None:
    offer = domains.offer("crowd.test")
    (server,) = offer.servers
    assert (server.tlsa, len(server.records)) == ("found", MOST_RECORDS)
    assert offer.nta == "found"


# Whom to believe ------------------------------------------------------------------------------------------------------


def test_a_resolver_that_does_not_validate_is_found_out(names: Dns, domains: Domains) -> None:
    deaf = Domains(Resolver([names.deaf]), PolicyServers(port=1))
    assert not deaf.validates()
    offer = deaf.offer("good.test")
    assert not offer.mx_secure
    assert {one.tlsa for one in offer.servers} == {"insecure"}
    assert domains.validates()


def test_the_word_of_a_far_resolver_counts_only_if_it_is_trusted() -> None:
    assert Resolver(["127.0.0.1", "[::1]:5353", "::1"]).believed
    assert not Resolver(["192.0.2.53"]).believed
    assert not Resolver(["127.0.0.1", "192.0.2.53"]).believed
    assert Resolver(["192.0.2.53"], trusted=["192.0.2.53:53"]).believed
    assert not Resolver(["192.0.2.53:54"], trusted=["192.0.2.53"]).believed


@pytest.mark.parametrize(
    "address", ["localhost", "127.0.0.1:0", "127.0.0.1:x", "", "dns.example:53", "127.0.0.1:99999"]
)
def test_a_resolver_is_an_address(address: str) -> None:
    with pytest.raises(Mistake) as error:
        Resolver([address])
    assert error.value.kind == "bad-resolver"


def test_when_nobody_answers_everything_waits() -> None:
    away = Domains(Resolver([f"127.0.0.1:{free_port()}"]), PolicyServers(port=1), patience=0.5)
    assert away.offer("good.test").mx == "failed"


# Remembering ----------------------------------------------------------------------------------------------------------


class Counting(Resolver):
    """Counts the questions."""

    asked = 0

    def ask(self, name: str, kind: str, deadline: float):  # type: ignore[no-untyped-def]
        self.asked += 1
        return super().ask(name, kind, deadline)


def test_offers_are_kept_for_a_while(names: Dns) -> None:
    now = [1000.0]
    resolver = Counting([names.resolver])
    domains = Domains(resolver, PolicyServers(port=1), clock=lambda: now[0])
    first = domains.offer("good.test")
    asked = resolver.asked
    assert domains.offer("GOOD.test") is first
    now[0] += SHORTEST - 1
    assert domains.offer("good.test") is first
    assert resolver.asked == asked
    assert domains.offer("good.test", fresh=True) == first
    now[0] += SHORTEST + 1
    domains.offer("good.test")
    assert resolver.asked == 3 * asked


def test_threads_that_ask_for_one_domain_ask_once(names: Dns) -> None:
    resolver = Counting([names.resolver])
    domains = Domains(resolver, PolicyServers(port=1))
    found = []
    threads = [threading.Thread(target=lambda: found.append(domains.offer("good.test"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(one) for one in found}) == 1
    # MX, two servers with A, AAAA and TLSA each, the MTA-STS record, the NTA record.
    assert resolver.asked == 9

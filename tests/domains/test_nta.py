"""NTA 7516 records, believed only where they are signed."""

from datetime import date

from tests.ground.dns import Dns
from zegel.domains.lookup import Domains
from zegel.domains.policies import PolicyServers
from zegel.domains.resolver import Resolver
from zegel.transport.way import choose_way

TODAY = date(2026, 11, 25)


def test_safe_mail_goes_where_the_record_says(domains: Domains) -> None:
    offer = domains.offer("nta.test")
    assert offer.nta == "found"
    choice = choose_way(offer, TODAY)
    assert (choice.kind, [one.name for one in choice.servers]) == ("dane", ["mx1.good.test"])
    assert choose_way(offer, date(2031, 1, 1)).kind == "none"


def test_an_unsigned_record_and_one_that_is_not_right(domains: Domains) -> None:
    assert domains.offer("nta.plain").nta == "insecure"
    assert domains.offer("nta-bad.test").nta == "malformed"
    assert domains.offer("good.test").nta == "absent"


def test_who_does_not_take_part_does_not_look(names: Dns) -> None:
    domains = Domains(Resolver([names.resolver]), PolicyServers(port=1), nta7516=False)
    assert domains.offer("nta.test").nta == "absent"
    assert choose_way(domains.offer("nta.test"), TODAY).kind == "none"

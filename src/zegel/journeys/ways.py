"""Ways: which way may a mail go to each reader? Asked before anything is sealed, and again at each delivery."""

from collections.abc import Iterable, Mapping
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass, field

from zegel.errors import Mistake
from zegel.journeys.mail_ports import MailDomains
from zegel.journeys.ports import Clock
from zegel.parcels.ways import Found
from zegel.transport.way import Choice, choose_way

DEADLINE = 4.0
"""Seconds that the sender's program waits for all domains together; the courier asks again with patience."""


@dataclass(frozen=True, slots=True)
class Ways:
    """``own`` are the domains of this organisation's mailboxes; without ``domains`` nothing is delivered directly."""

    own: frozenset[str]
    domains: MailDomains | None
    pool: Executor = field(repr=False)
    clock: Clock
    plain: bool = False
    """Whether mail that policy lets pass unsealed can leave from here."""
    deadline: float = DEADLINE

    def find(self, addresses: Iterable[str]) -> dict[str, Found]:
        """What is known of each address; all domains are asked at once."""
        asked: dict[str, str] = {address: domain_of(address) for address in addresses}
        futures = {domain: self._ask(domain) for domain in set(asked.values()) - self.own} if self.domains else {}
        wait(futures.values(), timeout=self.deadline)
        return {address: self._found(domain, futures) for address, domain in asked.items()}

    def prepare(self, address: str) -> None:
        """Begin to ask: an answer that comes before the mail's headers do costs the sender nothing."""
        domain = domain_of(address)
        if self.domains and domain not in self.own:
            self._ask(domain)

    def choice(self, domain: str, *, fresh: bool = False) -> Choice:
        """What the domain offers now. Raises Mistake ``bad-domain``, or ``no-proof`` where nothing is direct here."""
        if self.domains is None:
            raise Mistake("The domain {domain} does not prove itself.", code="no-proof", domain=domain)
        return choose_way(self.domains.offer(domain, fresh=fresh), self.clock().date())

    def _ask(self, domain: str) -> "Future[Choice]":
        return self.pool.submit(self.choice, domain)

    def _found(self, domain: str, futures: Mapping[str, "Future[Choice]"]) -> Found:
        if domain in self.own:
            return "mailbox"
        future = futures.get(domain)
        if future is None:
            return "link"
        if not future.done():
            return "unsure"
        try:
            kind = future.result().kind
        except Mistake:
            return "link"
        return "unsure" if kind == "temporary" else "link" if kind == "none" else "direct"


def domain_of(address: str) -> str:
    """The part after the @, in lower case."""
    return address.rpartition("@")[2].lower()

"""Ways: which way may a mail go to each reader? Asked before anything is sealed, and again at each delivery."""

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass, field
from typing import Any

from zegel.errors import Mistake, Unavailable
from zegel.journeys.ports.clock import Clock
from zegel.journeys.ports.domains import Domains, Zegels
from zegel.journeys.ports.outbox import DirectPost, MailboxServer
from zegel.parcels.notify import SILENT, Notify
from zegel.parcels.ways import Found
from zegel.transport.delivery import Delivered, RawMail
from zegel.transport.way import Choice, choose_way
from zegel.transport.zegel import Promise

DEADLINE = 4.0
"""Seconds that the sender's program waits for all domains together; the courier asks again with patience."""


@dataclass(frozen=True, slots=True)
class Ways:
    """``own`` are the domains of this organisation's mailboxes; without ``domains`` nothing is delivered directly."""

    own: frozenset[str]
    domains: Domains | None
    pool: Executor = field(repr=False)
    clock: Clock
    plain: bool = False
    """Whether mail that policy lets pass unsealed can leave from here."""
    deadline: float = DEADLINE
    portal: frozenset[str] = frozenset()
    """Domains of own mailboxes that are read in the portal; not in ``own``."""
    is_used: Callable[[str], bool] = field(default=lambda _: True, repr=False)
    """Whether somebody here may read such a mailbox."""
    zegels: Zegels | None = None
    """Without, nothing travels sealed to other organisations."""
    sends_as: str = ""
    """The mail domain whose record must name one of ``keys``, our own, before others will take anything from us."""
    keys: frozenset[str] = frozenset()

    def find(self, addresses: Iterable[str]) -> dict[str, Found]:
        """What is known of each address; all domains are asked at once."""
        asked: dict[str, str] = {address: domain_of(address) for address in addresses}
        elsewhere = set(asked.values()) - self.own - self.portal
        futures = {domain: self._ask(domain) for domain in elsewhere} if self.domains else {}
        promises = self._ask_zegels(elsewhere)
        waiting: list[Future[Any]] = [*futures.values(), *promises.values()]
        wait(waiting, timeout=self.deadline)
        vouched = not self.sends_as or bool(self.keys.intersection(_zegel_keys(promises.get(self.sends_as))))
        sealed = {domain for domain in elsewhere if vouched and _zegel_keys(promises.get(domain))}
        return {
            address: "zegel" if domain in sealed else self._found(address, domain, futures)
            for address, domain in asked.items()
        }

    def prepare(self, address: str) -> None:
        """Begin to ask: an answer that comes before the mail's headers do costs the sender nothing."""
        domain = domain_of(address)
        if domain in self.own | self.portal:
            return
        self._ask_zegels({domain})
        if self.domains:
            self._ask(domain)

    def choice(self, domain: str, *, fresh: bool = False) -> Choice:
        """What the domain offers now. Raises Mistake ``bad-domain``, or ``no-proof`` where nothing is direct here."""
        if self.domains is None:
            raise Mistake("The domain {domain} does not prove itself.", code="no-proof", domain=domain)
        return choose_way(self.domains.offer(domain, fresh=fresh), self.clock().date())

    def _ask(self, domain: str) -> "Future[Choice]":
        return self.pool.submit(self.choice, domain)

    def _ask_zegels(self, elsewhere: AbstractSet[str]) -> "dict[str, Future[Promise]]":
        """Of these domains, and of our own: without them there is nothing to ask, and nothing to wait for."""
        if self.zegels is None or not elsewhere:
            return {}
        asked = {*elsewhere, self.sends_as} - {""}
        return {domain: self.pool.submit(self.zegels.promise, domain) for domain in asked}

    def _found(self, address: str, domain: str, futures: Mapping[str, "Future[Choice]"]) -> Found:
        if domain in self.own:
            return "mailbox"
        if domain in self.portal:
            return "portal" if self.is_used(address) else "nobody"
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


def _zegel_keys(future: "Future[Promise] | None") -> tuple[str, ...]:
    """The fingerprints that DNS surely names. Without any in time she gets it the way that she would else."""
    if future is None or not future.done():
        return ()
    try:
        promise = future.result()
    except Mistake:
        return ()
    return promise.record.keys if promise.state == "found" and promise.record else ()


def domain_of(address: str) -> str:
    """The part after the @, in lower case."""
    return address.rpartition("@")[2].lower()


@dataclass(frozen=True, slots=True)
class DirectCarrier:
    """Looks the domain up, and hands the mail to a server of it that proves itself."""

    ways: Ways
    post: DirectPost

    def deliver(self, mail: RawMail, sender: str, to: str, notify: Notify = SILENT) -> Delivered:
        """Raises as the port tells, and Unavailable ``direct-unsure``: the domain could not be looked up safely."""
        domain = domain_of(to)
        choice = self.ways.choice(domain)
        try:
            return self._deliver(choice, mail, sender, to, notify)
        except Unavailable as error:
            if error.kind != "proof-failed":
                raise
            # A certificate may just have been replaced, and its record with it.
            now = self.ways.choice(domain, fresh=True)
            if now == choice:
                raise
            return self._deliver(now, mail, sender, to, notify)

    def _deliver(self, choice: Choice, mail: RawMail, sender: str, to: str, notify: Notify) -> Delivered:
        if choice.kind == "temporary":
            raise Unavailable(
                "The mail servers of {domain} cannot be looked up safely now.",
                code="direct-unsure",
                domain=choice.domain,
            )
        return self.post.deliver(choice, mail, sender, to, notify)


@dataclass(frozen=True, slots=True)
class MailboxCarrier:
    """Hands the mail to the server that has the mailboxes of its domain."""

    routes: Mapping[str, MailboxServer]

    def ask(self, to: str) -> None:
        """Whether its server would take mail for an address; raises Mistake ``no-mailbox``, ``mail-refused``,
        Unavailable.
        """
        self._route(to).ask(to)

    def deliver(self, mail: RawMail, sender: str, to: str, notify: Notify = SILENT) -> Delivered:
        """Raises as the port tells, and Mistake ``no-mailbox``: the configuration has changed."""
        return self._route(to).deliver(mail, sender, to, notify)

    def _route(self, to: str) -> MailboxServer:
        route = self.routes.get(domain_of(to))
        if route is None:
            raise Mistake("There is no mailbox for {address} here any more.", code="no-mailbox", address=to)
        return route

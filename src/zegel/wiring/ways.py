"""The ways that a mail may go, from the configuration: domains to ask, and who carries the mail itself."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from zegel.errors import Mistake, Unavailable
from zegel.journeys.mail_ports import Carrier
from zegel.journeys.ports import Clock
from zegel.journeys.ways import Ways, domain_of
from zegel.outbox.direct import Delivered, DirectRoute, FixedRoute, MailServer, RawMail
from zegel.parcels.notify import Notify
from zegel.parcels.travelling import Taken, Travelling
from zegel.parcels.ways import Way
from zegel.transport.way import Choice

if TYPE_CHECKING:
    from zegel.domains.lookup import Domains
    from zegel.wiring.build import Ground
    from zegel.wiring.config import MailboxPart

_ASKING = 16
"""Domains that are asked at the same time."""


class _Direct(Protocol):
    def deliver(self, choice: Choice, mail: RawMail, sender: str, to: str, notify: Notify = ...) -> Delivered: ...


class _Fixed(Protocol):
    def deliver(self, mail: RawMail, sender: str, to: str, notify: Notify = ...) -> Delivered: ...


@dataclass(frozen=True, slots=True)
class DirectCarrier:
    """Looks the domain up and hands the mail to a server of it that proves itself."""

    ways: Ways
    route: _Direct

    def carry(self, mail: Travelling) -> Taken:
        domain = domain_of(mail.to)
        choice = self.ways.choice(domain)
        try:
            return self._carry(choice, mail)
        except Unavailable as error:
            if error.kind != "proof-failed":
                raise
            # A certificate may just have been replaced, and its record with it.
            now = self.ways.choice(domain, fresh=True)
            if now == choice:
                raise
            return self._carry(now, mail)

    def _carry(self, choice: Choice, mail: Travelling) -> Taken:
        if choice.kind == "temporary":
            raise Unavailable(
                "The mail servers of {domain} cannot be looked up safely now.",
                code="direct-unsure",
                domain=choice.domain,
            )
        return _taken(self.route.deliver(choice, _raw(mail), mail.sender, mail.to, mail.notify))


@dataclass(frozen=True, slots=True)
class MailboxCarrier:
    """Hands the mail to the server that has the mailboxes of its domain."""

    routes: Mapping[str, _Fixed]

    def carry(self, mail: Travelling) -> Taken:
        route = self.routes.get(domain_of(mail.to))
        if route is None:
            raise Mistake("There is no mailbox for {address} here any more.", code="no-mailbox", address=mail.to)
        return _taken(route.deliver(_raw(mail), mail.sender, mail.to, mail.notify))


@dataclass
class MailWays:
    """What the configuration says of ways, built when it is asked for."""

    ground: "Ground"
    clock: Clock

    @cached_property
    def domains(self) -> "Domains | None":
        """None where nothing is delivered directly."""
        part = self.ground.config.direct
        return self.make_domains() if part.enabled else None

    def make_domains(self) -> "Domains":
        """Also for ``zegel mail check``, which asks whether or not anything is delivered. Raises Mistake."""
        from zegel.domains.lookup import Domains
        from zegel.domains.policies import PolicyServers
        from zegel.domains.resolver import Resolver

        part = self.ground.config.direct
        authorities = self.ground.path(part.authorities) if part.authorities else None
        resolver = Resolver(part.resolvers, part.trusted)
        return Domains(resolver, PolicyServers(authorities), port=part.port, nta7516=part.nta7516)

    @cached_property
    def ways(self) -> Ways:
        own = frozenset(domain for part in self.ground.config.mailbox for domain in part.domains)
        return Ways(own, self.domains, ThreadPoolExecutor(_ASKING, thread_name_prefix="domains"), self.clock)

    @property
    def direct_for(self) -> timedelta:
        return timedelta(hours=self.ground.config.direct.hours)

    def carriers(self) -> dict[Way, Carrier]:
        """Raises Mistake ``mail-needs-tls``."""
        config = self.ground.config
        found: dict[Way, Carrier] = {}
        name = config.direct.name or config.organisation.host.partition(":")[0]
        if config.direct.enabled:
            authorities = self.ground.path(config.direct.authorities) if config.direct.authorities else None
            route = DirectRoute(name, port=config.direct.port, authorities=authorities)
            found["direct"] = DirectCarrier(self.ways, route)
        if config.mailbox:
            routes = {domain: self._mailbox(part, name) for part in config.mailbox for domain in part.domains}
            found["mailbox"] = MailboxCarrier(routes)
        return found

    def _mailbox(self, part: "MailboxPart", name: str) -> FixedRoute:
        authorities = self.ground.path(part.authorities) if part.authorities else None
        server = MailServer(part.host, part.port, part.deliver, part.tls, authorities, part.name)
        return FixedRoute(server, name)


def _raw(mail: Travelling) -> RawMail:
    return RawMail(mail.open, mail.size, mail.form != "7bit", mail.form == "utf8")


def _taken(found: Delivered) -> Taken:
    return Taken(found.proof, found.tls, found.group, found.reply)

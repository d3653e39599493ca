"""The ways that a mail may go, from the configuration: domains to ask, and who carries the mail itself."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

from zegel.journeys.ports import Carrier
from zegel.journeys.ways import DirectCarrier, MailboxCarrier, Ways
from zegel.outbox.direct import FixedRoute, MailServer
from zegel.parcels.ways import Way
from zegel.wiring.build import Ground, utc_now
from zegel.wiring.config import MailboxPart
from zegel.wiring.direct import build_direct_route, build_domains

_ASKING = 16
"""Domains that are asked at the same time."""


@dataclass
class MailWays:
    """What the configuration says of ways."""

    ground: Ground

    @cached_property
    def ways(self) -> Ways:
        """Raises Mistake ``bad-resolver``."""
        config = self.ground.config
        own = frozenset(domain for part in config.mailbox for domain in part.domains)
        domains = build_domains(self.ground) if config.direct.enabled else None
        return Ways(own, domains, ThreadPoolExecutor(_ASKING, thread_name_prefix="domains"), utc_now)

    def carriers(self) -> dict[Way, Carrier]:
        """Raises Mistake ``mail-needs-tls``."""
        config = self.ground.config
        found: dict[Way, Carrier] = {}
        if config.direct.enabled:
            found["direct"] = DirectCarrier(self.ways, build_direct_route(self.ground))
        if config.mailbox:
            routes = {domain: self._mailbox(part) for part in config.mailbox for domain in part.domains}
            found["mailbox"] = MailboxCarrier(routes)
        return found

    def _mailbox(self, part: MailboxPart) -> FixedRoute:
        config = self.ground.config
        authorities = self.ground.path(part.authorities) if part.authorities else None
        server = MailServer(part.host, part.port, part.deliver, part.tls, authorities, part.name)
        return FixedRoute(server, config.smtp.hostname or config.organisation.host.partition(":")[0])

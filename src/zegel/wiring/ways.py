"""The ways that a mail may go, from the configuration: domains to ask, and who carries the mail itself."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

from zegel.errors import NotFound
from zegel.journeys.ports.keys import MailSigner
from zegel.journeys.ports.outbox import Carrier
from zegel.journeys.signed import SignedCarrier
from zegel.journeys.ways import DirectCarrier, MailboxCarrier, Ways
from zegel.keys.custody import PublicKeys
from zegel.outbox.direct import FixedRoute, MailServer
from zegel.parcels.ways import Way
from zegel.wiring.config.ways import MailboxPart
from zegel.wiring.direct import Direct
from zegel.wiring.ground import Ground, utc_now

_ASKING = 16
"""Domains that are asked at the same time."""


@dataclass
class MailWays:
    """What the configuration says of ways."""

    ground: Ground
    direct: Direct
    is_used: Callable[[str], bool] = lambda _: True
    """Whether somebody here may read a mailbox that is kept in the portal."""

    @cached_property
    def ways(self) -> Ways:
        """Raises Mistake ``bad-resolver``."""
        config = self.ground.config
        own = frozenset(domain for part in config.mailbox if part.deliver != "portal" for domain in part.domains)
        pool = ThreadPoolExecutor(_ASKING, thread_name_prefix="domains")
        plain = config.mail.kind == "smtp"
        portal = config.portal_domains
        return Ways(
            own,
            self.direct.domains if config.direct.enabled else None,
            pool,
            utc_now,
            plain=plain,
            portal=portal,
            is_used=self.is_used,
            zegels=self.direct.zegels if config.direct.enabled else None,
            sends_as=config.mail.domain,
            keys=self._keys,
        )

    @property
    def _keys(self) -> frozenset[str]:
        """Fingerprints of our own; none before there are keys, and then nobody takes anything from us."""
        try:
            return frozenset(key.fingerprint for key in PublicKeys.read(self.ground.public).signing)
        except NotFound:
            return frozenset()

    def carriers(self, signer: MailSigner | None) -> dict[Way, Carrier]:
        """With ``signer`` what goes direct or passes is signed. Raises Mistake ``mail-needs-tls``."""
        config = self.ground.config
        found: dict[Way, Carrier] = {}
        if config.direct.enabled:
            direct = DirectCarrier(self.ways, self.direct.route)
            found["direct"] = SignedCarrier(direct, signer) if signer else direct
        if config.mailbox:
            served = [part for part in config.mailbox if part.deliver != "portal"]
            routes = {domain: self._mailbox(part) for part in served for domain in part.domains}
            found["mailbox"] = MailboxCarrier(routes)
        if config.mail.kind == "smtp":
            mail = config.mail
            secret = self.ground.path(mail.password_file) if mail.password_file else None
            relay = MailServer(mail.host, mail.port, "smtp", mail.tls, None, "", mail.user, secret)
            plain = FixedRoute(relay, self.ground.config.hostname)
            # What passes is not always written by us.
            found["plain"] = SignedCarrier(plain, signer, config.mail_domains) if signer else plain
        return found

    def _mailbox(self, part: MailboxPart) -> FixedRoute:
        if part.deliver == "portal":
            raise AssertionError("a mailbox in the portal has no server")
        authorities = self.ground.path(part.authorities) if part.authorities else None
        server = MailServer(part.host, part.port, part.deliver, part.tls, authorities, part.name)
        return FixedRoute(server, self.ground.config.hostname)

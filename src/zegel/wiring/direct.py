"""``[direct]`` in the configuration → what looks domains up, and what delivers to those that prove themselves."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from ssl import create_default_context
from urllib.parse import urlsplit

from zegel.domains.lookup import Domains, ascii_name
from zegel.domains.policies import PolicyServers
from zegel.domains.resolver import Resolver
from zegel.domains.zegels import Zegels
from zegel.errors import Mistake
from zegel.journeys.mail_check import MailCheck
from zegel.keys.custody import PublicKeys
from zegel.outbox.direct import DirectRoute
from zegel.peers.arrivals import ArrivalPost
from zegel.transport.zegel import LABEL, ZegelRecord, parse_zegel, spell_zegel
from zegel.wiring.config.file import FILE
from zegel.wiring.ground import Ground, utc_now


@dataclass
class Direct:
    """One of each in a process: whoever asks or delivers first has asked for all.

    Raises Mistake ``bad-resolver``, ``bad-config`` for what cannot be.
    """

    ground: Ground

    @cached_property
    def domains(self) -> Domains:
        policies = PolicyServers(_authorities(self.ground))
        return Domains(self._resolver, policies, nta7516=self.ground.config.direct.nta7516)

    @cached_property
    def zegels(self) -> Zegels | None:
        """None where ``[peers]`` is off."""
        return Zegels(self._resolver, _authorities(self.ground)) if self.ground.config.peers.enabled else None

    @cached_property
    def route(self) -> DirectRoute:
        """Delivers to choices that ``transport.way.choose_way`` made."""
        return DirectRoute(self.ground.config.hostname, authorities=_authorities(self.ground))

    @cached_property
    def arrival_post(self) -> ArrivalPost:
        """Hands sealed parcels to other organisations."""
        return ArrivalPost(_authorities(self.ground))

    @cached_property
    def _resolver(self) -> Resolver:
        direct = self.ground.config.direct
        return Resolver(direct.resolvers, direct.trusted_resolvers)


def mail_check(ground: Ground) -> MailCheck:
    """Needs no keys and no database, and ``[direct]`` may be off."""
    config, direct = ground.config, Direct(ground)
    own = frozenset(ascii_name(domain) for part in config.mailbox for domain in part.domains)
    return MailCheck(direct.domains, direct.route, utc_now, config.direct.enabled, own, direct.zegels)


def zegel_records(ground: Ground) -> list[tuple[str, str]]:
    """The TXT records by which our own mail domains say that we run a Zegel: name and value.

    Raises Mistake ``no-zegel-host`` when ``web.url`` is nowhere that others can come over https, ``no-mail-domain``
    when a mail domain of ours is none in DNS.
    """
    config = ground.config
    spelled = spell_zegel(_own_record(ground))
    records = []
    # Reports come to the return address: others take nothing whose return address is in a domain without a record.
    returns = {config.mail.bounces.rpartition("@")[2]} if "@" in config.mail.bounces else set()
    for domain in sorted(config.mail_domains | returns):
        try:
            records.append((f"{LABEL}.{ascii_name(domain)}", spelled))
        except Mistake:
            raise Mistake(
                "“{domain}” cannot have a record in DNS. Set mail.sender, organisation.domains and the domains of"
                " [[mailbox]] in {path} to mail domains of yours, such as example.nl.",
                code="no-mail-domain",
                domain=domain,
                path=ground.path(FILE),
            ) from None
    return records


def _own_record(ground: Ground) -> ZegelRecord:
    url = urlsplit(ground.config.web.url)
    keys = ",".join(key.fingerprint for key in PublicKeys.read(ground.public).signing)
    place = url.netloc if url.scheme == "https" and not url.path else ""
    try:
        return parse_zegel(f"v=zegel1; host={place}; key={keys}")
    except Mistake as error:
        if error.facts.get("field") != "host":
            raise
        raise Mistake(
            "Other organisations cannot come to {url}. Set url under [web] in {path} to https:// and the name that this"
            " Zegel has in DNS, such as https://post.example.nl: no localhost, no IP address, and nothing behind it.",
            code="no-zegel-host",
            url=ground.config.web.url,
            path=ground.path(FILE),
        ) from None


def _authorities(ground: Ground) -> Path | None:
    """Raises Mistake ``bad-config``: unseen, a missing file would be domains without MTA-STS."""
    name = ground.config.direct.authorities
    if not name:
        return None
    path = ground.path(name)
    try:
        create_default_context(cafile=str(path))
    except OSError:
        raise Mistake("{path} holds no certificates that can be read.", code="bad-config", path=path) from None
    return path

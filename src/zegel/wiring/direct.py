"""``[direct]`` in the configuration → what looks domains up, and what delivers to those that prove themselves."""

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
from zegel.transport.zegel import LABEL, parse_zegel, spell_zegel
from zegel.wiring.ground import Ground, utc_now


def build_domains(ground: Ground) -> Domains:
    """Raises Mistake ``bad-resolver``, ``bad-config``."""
    direct = ground.config.direct
    resolver = Resolver(direct.resolvers, direct.trusted_resolvers)
    return Domains(resolver, PolicyServers(_authorities(ground)), nta7516=direct.nta7516)


def build_direct_route(ground: Ground) -> DirectRoute:
    """Delivers to choices that ``transport.way.choose_way`` made."""
    config = ground.config
    return DirectRoute(
        config.smtp.hostname or config.organisation.host.partition(":")[0], authorities=_authorities(ground)
    )


def build_zegels(ground: Ground) -> Zegels:
    """Raises Mistake ``bad-resolver``, ``bad-config``."""
    direct = ground.config.direct
    return Zegels(Resolver(direct.resolvers, direct.trusted_resolvers), _authorities(ground))


def build_arrival_post(ground: Ground) -> ArrivalPost:
    """Hands sealed parcels to other organisations."""
    return ArrivalPost(_authorities(ground))


def build_mail_check(ground: Ground) -> MailCheck:
    """Needs no keys and no database."""
    own = frozenset(ascii_name(domain) for part in ground.config.mailbox for domain in part.domains)
    config = ground.config
    zegels = build_zegels(ground) if config.peers.enabled else None
    return MailCheck(build_domains(ground), build_direct_route(ground), utc_now, config.direct.enabled, own, zegels)


def zegel_records(ground: Ground) -> list[tuple[str, str]]:
    """The TXT records by which our own mail domains say that we run a Zegel: name and value.

    Raises Mistake ``bad-zegel-record`` when ``web.url`` is nowhere that others can come over https.
    """
    config = ground.config
    url = urlsplit(config.web.url)
    keys = ",".join(key.fingerprint for key in PublicKeys.read(ground.public).signing)
    place = url.netloc if url.scheme == "https" and not url.path else ""
    spelled = spell_zegel(parse_zegel(f"v=zegel1; host={place}; key={keys}"))
    return [(f"{LABEL}.{ascii_name(domain)}", spelled) for domain in sorted(config.mail_domains)]


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

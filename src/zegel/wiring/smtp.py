"""The SMTP door from its part of the configuration."""

from dataclasses import replace
from ipaddress import ip_network

from zegel.doors.smtp.config import STRANGERS, DoorConfig, DoorLimits, Listener
from zegel.doors.smtp.desk import Bearer, Journeys
from zegel.doors.smtp.logins import Logins
from zegel.journeys.house import House
from zegel.wiring.config.doors import ListenerPart, SmtpPart
from zegel.wiring.ground import Ground


def door_config(ground: Ground, readers: int) -> DoorConfig:
    """What the door is told; ``readers`` are those of one parcel at most. Raises Mistake for what cannot be meant."""
    part = ground.config.smtp
    limits = DoorLimits(message_bytes=part.max_bytes, recipients=readers)
    parts = part.listener
    if part.listen:
        parts = (ListenerPart(kind="submission", listen=part.listen, tls=part.tls), *parts)
    config = DoorConfig(
        hostname=ground.config.hostname,
        listeners=tuple(_listener(ground, part, one, limits) for one in parts),
        default_proof=part.default_proof,
        missing_proof=part.missing_proof,
        default_class=part.default_class,
        policy=ground.config.policy.policy(part.default_class),
        language=part.language,
        time_zone=ground.config.organisation.zone,
        share_ports=part.processes > 1,
        limits=limits,
    )
    config.check()
    return config


def door_journeys(ground: Ground, house: House) -> Journeys:
    """What the door may ask for."""
    return Journeys(
        submit=house.inside_submit(),
        authenticate=Logins(house.people),
        authors=house.authors,
        clock=house.clock,
        bounces=house.bounce,
        bearer=_bearer(ground, house),
        ways=house.ways,
        incoming=house.incoming,
    )


def _bearer(ground: Ground, house: House) -> Bearer | None:
    part = ground.config.oauth
    if part is None:
        return None
    from zegel.people.bearer import OpenIdBearer, Provider

    provider = Provider(part.issuer, part.audience, part.claim, part.jwks, part.algorithms)
    return OpenIdBearer(house.people, provider, house.clock)


def _listener(ground: Ground, part: SmtpPart, one: ListenerPart, limits: DoorLimits) -> Listener:
    host, _, port = one.listen.rpartition(":")
    certificate, key = (one.certificate, one.key) if one.certificate else (part.certificate, part.key)
    return Listener(
        kind=one.kind,
        host=host.strip("[]"),
        port=int(port),
        tls=one.tls if certificate else "none",
        certificate=ground.path(certificate) if certificate else None,
        private_key=ground.path(key) if key else None,
        networks=tuple(ip_network(network) for network in one.networks),
        client_ca=ground.path(one.client_ca) if one.client_ca else None,
        client_names=one.client_names,
        require=one.require,
        limits=_limits(one, limits),
    )


def _limits(one: ListenerPart, limits: DoorLimits) -> DoorLimits:
    if one.kind == "incoming":
        limits = replace(STRANGERS, message_bytes=min(STRANGERS.message_bytes, limits.message_bytes))
    facts = {
        "message_bytes": one.max_bytes,
        "sessions": one.sessions,
        "client_sessions": one.client_sessions,
        "client_mails": one.client_mails,
        "client_recipients": one.client_recipients,
        "all_mails": one.all_mails,
    }
    return replace(limits, **{name: value for name, value in facts.items() if value is not None})

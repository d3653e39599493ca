"""From the configuration to the hands of one zone: the outside is built without the keys folder."""

from datetime import timedelta
from typing import TYPE_CHECKING

from zegel.journeys.budget import Budget
from zegel.journeys.house import House, Profile
from zegel.journeys.ports.moving import MovingPeople
from zegel.parcels.manifest import Organisation
from zegel.post.verp import BounceAddresses
from zegel.wiring.ground import Ground, Zone, outside_key, utc_now
from zegel.wiring.joining import Inside, Peers, assemble

if TYPE_CHECKING:
    from zegel.keys.dkim import DkimKeys
    from zegel.wiring.direct import Direct


def build(ground: Ground, zone: Zone) -> House:
    """Join the rooms. Django must be configured. Raises NotFound when keys are missing."""
    from zegel.keys.custody import PublicKeys
    from zegel.people.accounts import SqlPeople
    from zegel.records.sql import SqlRecords
    from zegel.wiring.direct import Direct
    from zegel.wiring.patches import build_patchwork

    config = ground.config
    public = PublicKeys.read(ground.public)
    profile = Profile(
        organisation=Organisation(config.organisation.name, config.organisation.host),
        courier=public.courier,
        archive=config.policy.archive,
        signing=public.signing,
        url=config.web.url,
        inside_url=config.inside.url,
        limits=config.limits.limits(),
        domains=frozenset(config.organisation.domains),
        time_zone=config.organisation.zone,
    )
    records, people, direct = SqlRecords(), SqlPeople(utc_now), Direct(ground)
    return assemble(
        profile,
        records=records,
        people=people,
        store=build_patchwork(config, ground.data, records, utc_now),
        key=outside_key(ground),
        inside=_inside(ground, people, direct) if zone == "inside" else None,
        peers=_peers(ground, direct),
    )


def _peers(ground: Ground, direct: "Direct") -> Peers | None:
    config = ground.config
    if not config.direct.enabled or direct.zegels is None:
        return None
    budget = Budget(config.peers.hour_bytes, config.peers.hour_bytes_all)
    return Peers(direct.zegels, direct.arrival_post, config.takes, budget)


def dkim_keys(ground: Ground) -> "DkimKeys":
    """The keys that sign mail, for the domain that signs."""
    from zegel.keys.dkim import DkimKeys

    mail = ground.config.mail
    domain = mail.dkim_domain or mail.domain.encode("idna").decode()
    return DkimKeys(ground.keys / "dkim", domain)


def _inside(ground: Ground, people: MovingPeople, direct: "Direct") -> Inside:
    from zegel.keys.arrivals import ArrivalKey
    from zegel.keys.custody import Custody
    from zegel.keys.mailboxes import MailboxKeys
    from zegel.outbox.backoff import schedule
    from zegel.outbox.notifier import Marks, notifier
    from zegel.wiring.ways import MailWays

    config = ground.config
    custody = Custody(ground.keys)
    bounces = None
    if config.mail.bounces != "none":
        bounces = BounceAddresses(config.mail.bounces or config.mail.sender, custody.bounce_key)
    signer = dkim_keys(ground).signer(config.mail.dkim, utc_now) if config.mail.dkim else None
    mail_ways = MailWays(ground, direct, people.is_used)
    return Inside(
        custody=custody,
        notifier=notifier(
            config.mail, config.sms, ground.data, Marks(bounces, signer), time_zone=config.organisation.zone
        ),
        schedule=schedule,
        bounces=bounces,
        ways=mail_ways.ways,
        carriers=mail_ways.carriers(signer),
        direct_for=timedelta(hours=config.direct.hours),
        connections=config.mail.connections,
        mailboxes=MailboxKeys(ground.keys / "mailboxes"),
        arrivals=ArrivalKey(ground.keys),
    )

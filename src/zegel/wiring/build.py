"""From configuration to a house, with no more than its zone may have.

The outside is built without the keys folder: it may stand on a machine that never had one (design, *Two zones*).
"""

import logging
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from zegel.errors import Mistake, NotFound
from zegel.journeys.announce import Announce, RowHandler
from zegel.journeys.arrive import Arrive, Budget
from zegel.journeys.authors import Authors
from zegel.journeys.bounce import Bounce
from zegel.journeys.collect import Collect
from zegel.journeys.deliver import Deliver
from zegel.journeys.depart import Depart
from zegel.journeys.evacuate import Evacuate
from zegel.journeys.expire import Expire
from zegel.journeys.export import Export
from zegel.journeys.export_all import ExportAll, ImportAll, MovingPeople, MovingRecords
from zegel.journeys.fill_in import FillIn
from zegel.journeys.follow import Follow
from zegel.journeys.house import House, PlanB, Profile
from zegel.journeys.incoming import Incoming
from zegel.journeys.inspect import InspectAudit
from zegel.journeys.notices import TellCode, TellReader
from zegel.journeys.oversee import Oversee
from zegel.journeys.patch_days import PatchDays
from zegel.journeys.plan_jobs import PlanJobs, RunJobs, SignReports
from zegel.journeys.ports.clock import Clock
from zegel.journeys.ports.domains import Zegels
from zegel.journeys.ports.outbox import Carrier, Notifier, Schedule
from zegel.journeys.ports.patches import PatchStore
from zegel.journeys.ports.peers import ArrivalPost
from zegel.journeys.received import Receive
from zegel.journeys.reports import Reports, TellSender
from zegel.journeys.revoke import Revoke
from zegel.journeys.send import Send
from zegel.journeys.submit import Submit
from zegel.journeys.take_in import OpenReception, TakeIn
from zegel.journeys.tend import Tend
from zegel.journeys.uploads import Uploads
from zegel.journeys.vouch import OwnVouch
from zegel.journeys.ways import MailboxCarrier, Ways
from zegel.journeys.welcome import Welcome
from zegel.journeys.what_if import Survey
from zegel.parcels.arrivals import Reception, Takes
from zegel.parcels.manifest import Organisation
from zegel.parcels.ways import Way
from zegel.post.verp import BounceAddresses
from zegel.wiring.config import Config, read_config

if TYPE_CHECKING:
    from zegel.keys.arrivals import ArrivalKey
    from zegel.keys.custody import Custody
    from zegel.keys.dkim import DkimKeys
    from zegel.keys.mailboxes import MailboxKeys

Zone = Literal["outside", "inside"]

_PUBLIC = "public.json"
_OUTSIDE_KEY = "outside.key"


@dataclass(frozen=True, slots=True)
class Ground:
    """A data folder and its configuration."""

    data: Path
    config: Config

    @property
    def keys(self) -> Path:
        return self.data / "keys"

    @property
    def public(self) -> Path:
        return self.data / _PUBLIC

    def path(self, name: str) -> Path:
        """A path from the configuration; relative ones are under the data folder."""
        return self.data / name

    @property
    def database_url(self) -> str:
        from zegel.records.connect import sqlite_url

        url = self.config.database or sqlite_url(self.data / "zegel.db")
        if url.startswith("env:"):
            name = url.removeprefix("env:")
            if name not in os.environ:
                raise Mistake("The environment variable {name} is not set.", code="bad-config", name=name)
            return os.environ[name]
        return url


def open_ground(data: Path) -> Ground:
    """Read the configuration; raises NotFound, Mistake."""
    data = data.resolve()
    return Ground(data, read_config(data))


def outside_key(ground: Ground) -> bytes:
    """The outside's own secret: tickets, receipts, hashes of SMS codes. Made at ``zegel init``."""
    try:
        return (ground.data / _OUTSIDE_KEY).read_bytes()
    except FileNotFoundError:
        raise NotFound("There are no keys in {path}.", code="no-keys", path=ground.data) from None


def make_outside_key(data: Path) -> None:
    """Make it; raises FileExistsError rather than replace it, which would void every ticket and code."""
    descriptor = os.open(data / _OUTSIDE_KEY, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(32))


def configure_django(ground: Ground, zone: Zone) -> None:
    """Give Django its settings, once per process."""
    from django.conf import settings

    if settings.configured:
        return
    import django

    from zegel.doors.web.settings import web_settings
    from zegel.keys.custody import session_key
    from zegel.records.connect import database

    config = ground.config
    threads = config.web.threads if zone == "outside" else config.inside.threads
    url = config.web.url if zone == "outside" else config.inside.url
    settings.configure(
        **web_settings(
            zone=zone,
            url=url,
            secret_key=(outside_key(ground) if zone == "outside" else session_key(ground.keys)).hex(),
            database=database(ground.database_url, pool=max(4, min(threads, 32))),
            behind_proxy=config.web.behind_proxy and url.startswith("https:"),
            demo=config.demo,
            demo_mail=ground.path(config.mail.folder),
            demo_sms=ground.path(config.sms.file),
            threads=threads,
        )
    )
    django.setup()
    logging.getLogger("httpx").setLevel(logging.WARNING)


def utc_now() -> datetime:
    """The real clock."""
    return datetime.now(UTC)


def build(ground: Ground, zone: Zone) -> House:
    """Join the rooms. Django must be configured. Raises NotFound when keys are missing."""
    from zegel.keys.custody import PublicKeys
    from zegel.people.accounts import SqlPeople
    from zegel.records.sql import SqlRecords
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
    )
    records, people = SqlRecords(), SqlPeople(utc_now)
    return assemble(
        profile,
        records=records,
        people=people,
        store=build_patchwork(config, ground.data, records, utc_now),
        key=outside_key(ground),
        inside=_inside(ground, people) if zone == "inside" else None,
        peers=_peers(ground),
    )


def _peers(ground: Ground) -> "Peers | None":
    from zegel.wiring.direct import build_arrival_post, build_zegels

    config = ground.config
    if not (config.direct.enabled and config.peers.enabled):
        return None
    budget = Budget(config.peers.hour_bytes, config.peers.hour_bytes_all)
    return Peers(build_zegels(ground), build_arrival_post(ground), config.takes, budget)


def dkim_keys(ground: Ground) -> "DkimKeys":
    """The keys that sign mail, for the domain that signs."""
    from zegel.keys.dkim import DkimKeys

    mail = ground.config.mail
    domain = mail.dkim_domain or mail.domain.encode("idna").decode()
    return DkimKeys(ground.keys / "dkim", domain)


def _inside(ground: Ground, people: MovingPeople) -> "Inside":
    from zegel.keys.arrivals import ArrivalKey
    from zegel.keys.custody import Custody
    from zegel.keys.mailboxes import MailboxKeys
    from zegel.outbox.backoff import schedule
    from zegel.outbox.notifier import Ways as NoticeWays
    from zegel.outbox.notifier import notifier
    from zegel.wiring.ways import MailWays

    config = ground.config
    custody = Custody(ground.keys)
    bounces = None
    if config.mail.bounces != "none":
        bounces = BounceAddresses(config.mail.bounces or config.mail.sender, custody.bounce_key)
    signer = dkim_keys(ground).signer(config.mail.dkim, utc_now) if config.mail.dkim else None
    mail_ways = MailWays(ground, people.is_used)
    return Inside(
        custody=custody,
        notifier=notifier(config.mail, config.sms, ground.data, NoticeWays(bounces, signer)),
        schedule=schedule,
        bounces=bounces,
        ways=mail_ways.ways,
        carriers=mail_ways.carriers(signer),
        direct_for=timedelta(hours=config.direct.hours),
        connections=config.mail.connections,
        mailboxes=MailboxKeys(ground.keys / "mailboxes"),
        arrivals=ArrivalKey(ground.keys),
    )


@dataclass(frozen=True, slots=True)
class Inside:
    """What only the inside zone has: private keys, and the way out for notices."""

    custody: "Custody"
    notifier: Notifier
    schedule: Schedule
    bounces: BounceAddresses | None = None
    ways: Ways | None = None
    carriers: Mapping[Way, Carrier] = field(default_factory=dict)
    direct_for: timedelta = timedelta(days=1)
    connections: int = 8
    mailboxes: "MailboxKeys | None" = None
    arrivals: "ArrivalKey | None" = None


@dataclass(frozen=True, slots=True)
class Peers:
    """Other organisations' Zegels, for both zones. ``takes`` tells what mailboxes of each domain of ours take."""

    zegels: Zegels
    post: ArrivalPost
    takes: Mapping[str, Takes]
    budget: Budget


def assemble(
    profile: Profile,
    records: MovingRecords,
    people: MovingPeople,
    store: PatchStore,
    key: bytes,
    inside: Inside | None,
    clock: Clock = utc_now,
    peers: Peers | None = None,
) -> House:
    """Hand the hands to the journeys."""
    follow = Follow(records)
    expire = Expire(records, store, clock)
    revoke = Revoke(records, follow, expire, profile.limits, clock)
    fill_in = FillIn(records, revoke, profile.courier, profile.url, clock, key)
    send = Send(records, store, profile.limits, clock, key, fill_in)
    survey, evacuate = Survey(records, store, clock), Evacuate(records, store, clock)
    house = House(
        profile=profile,
        clock=clock,
        records=records,
        people=people,
        store=store,
        send=send,
        uploads=Uploads(store, profile.limits, clock, key),
        collect=Collect(records, store, profile.organisation, profile.courier, clock, key),
        follow=follow,
        revoke=revoke,
        fill_in=fill_in,
        expire=expire,
        export=Export(records, store, clock),
        welcome=Welcome(records, people, clock),
        authors=Authors(records, people, profile.domains, clock),
        audit=InspectAudit(records),
        plan_b=PlanB(
            survey=survey,
            tend=Tend(records, store, clock),
            evacuate=evacuate,
            export=ExportAll(records, people, store, clock),
            import_=ImportAll(records, people, store, clock),
            oversee=Oversee(survey, records, store, clock),
            jobs=PlanJobs(records, evacuate, clock),
            run_jobs=RunJobs(records, evacuate, clock),
            days=PatchDays(records, store, clock),
            signer=inside.custody if inside else None,
            sign_reports=SignReports(records, inside.custody, clock) if inside else None,
        ),
    )
    if peers and peers.takes:
        arrive = Arrive(
            records=records,
            store=store,
            uploads=house.uploads,
            zegels=peers.zegels,
            takes=peers.takes,
            own=profile.domains | frozenset(peers.takes),
            is_used=people.is_used,
            host=profile.organisation.host,
            courier=profile.courier,
            limits=profile.limits,
            budget=peers.budget,
            clock=clock,
        )
        house = replace(house, arrive=arrive)
    if inside is None:
        return house
    vouch = OwnVouch(inside.custody, records, profile.organisation, clock)
    unrecorded = OwnVouch(inside.custody, None, profile.organisation, clock)
    submit = Submit(
        sink=store,
        depositor=send,
        vouch=unrecorded,
        organisation=profile.organisation,
        courier=profile.courier,
        archive=profile.archive,
        limits=profile.limits,
        clock=clock,
        mailboxes=inside.mailboxes,
    )
    reports = Reports(records, profile.courier, clock)
    handlers = _handlers(profile, records, store, inside, reports, fill_in, clock, peers)
    announce = Announce(records, inside.custody, handlers, clock, inside.connections)
    bounce = Bounce(records, inside.bounces, reports, clock) if inside.bounces else None
    return replace(
        house,
        submit=submit,
        vouch=vouch,
        announce=announce,
        bounce=bounce,
        ways=inside.ways,
        reception=_reception(profile, records, inside, peers, clock),
        incoming=_incoming(profile, inside),
        receive=Receive(records, people, store, inside.mailboxes, clock, profile.signing) if inside.mailboxes else None,
    )


def _reception(
    profile: Profile, records: MovingRecords, inside: Inside, peers: Peers | None, clock: Clock
) -> OpenReception:
    """Also where it is off: what was published before must go."""
    found = Reception(inside.arrivals.recipient, peers.takes) if peers and inside.arrivals else None
    key = inside.custody.public.signing[0].fingerprint
    return OpenReception(records, inside.custody, key, profile.organisation.host, found, clock)


def _incoming(profile: Profile, inside: Inside) -> Incoming | None:
    carrier = inside.carriers.get("mailbox")
    if not isinstance(carrier, MailboxCarrier):
        return None
    portal = inside.ways.portal if inside.ways else frozenset()
    return Incoming(
        carrier,
        profile.domains | frozenset(carrier.routes) | portal,
        profile.organisation.host.partition(":")[0],
        portal,
        inside.ways.is_used if inside.ways else lambda _: False,
    )


def _handlers(
    profile: Profile,
    records: MovingRecords,
    store: PatchStore,
    inside: Inside,
    reports: Reports,
    fill_in: FillIn,
    clock: Clock,
    peers: Peers | None,
) -> dict[str, RowHandler]:
    """What the courier does with each kind of outbox row."""
    organisation = profile.organisation
    depart = None
    if peers:
        depart = Depart(peers.zegels, peers.post, records, store, inside.custody, organisation.host, clock)
    handlers: dict[str, RowHandler] = {
        "notice": TellReader(records, inside.notifier, inside.schedule, reports, organisation, profile.url, clock),
        "sms-code": TellCode(records, inside.notifier, organisation, clock),
        "report": TellSender(records, inside.notifier, inside.schedule, organisation, fill_in, clock),
        "delivery": Deliver(
            records=records,
            store=store,
            courier_key=inside.custody,
            courier=profile.courier,
            carriers=inside.carriers,
            schedule=inside.schedule,
            direct_for=inside.direct_for,
            reports=reports,
            bounces=inside.bounces,
            clock=clock,
            depart=depart,
        ),
    }
    if inside.arrivals and inside.mailboxes:
        handlers["arrival"] = TakeIn(
            records=records,
            store=store,
            zegels=peers.zegels if peers else None,
            key=inside.arrivals,
            courier=profile.courier,
            mailboxes=inside.mailboxes,
            signer=inside.custody,
            schedule=inside.schedule,
            reports=reports,
            limits=profile.limits,
            hostname=organisation.host.partition(":")[0],
            clock=clock,
        )
    return handlers

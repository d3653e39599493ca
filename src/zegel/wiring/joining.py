"""From hands to journeys: which rooms of which zone meet."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from zegel.journeys.announce import Announce, RowHandler
from zegel.journeys.arrive import Arrive
from zegel.journeys.authors import Authors
from zegel.journeys.bounce import Bounce
from zegel.journeys.budget import Budget
from zegel.journeys.collect import Collect
from zegel.journeys.deliver import Deliver
from zegel.journeys.depart import Depart
from zegel.journeys.evacuate import Evacuate
from zegel.journeys.expire import Expire
from zegel.journeys.export import Export
from zegel.journeys.export_all import ExportAll, ImportAll
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
from zegel.journeys.ports.moving import MovingPeople, MovingRecords
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
from zegel.parcels.ways import Way
from zegel.post.verp import BounceAddresses
from zegel.wiring.ground import utc_now

if TYPE_CHECKING:
    from zegel.keys.arrivals import ArrivalKey
    from zegel.keys.custody import Custody
    from zegel.keys.mailboxes import MailboxKeys


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
    house = House(
        profile=profile,
        clock=clock,
        records=records,
        people=people,
        store=store,
        send=Send(records, store, profile.limits, clock, key, fill_in),
        uploads=Uploads(store, profile.limits, clock, key, peers.budget if peers else None),
        collect=Collect(records, store, profile.organisation, profile.courier, clock, key),
        follow=follow,
        revoke=revoke,
        fill_in=fill_in,
        expire=expire,
        export=Export(records, store, clock),
        welcome=Welcome(records, people, clock),
        authors=Authors(records, people, profile.domains, clock),
        audit=InspectAudit(records),
        plan_b=_plan_b(records, people, store, inside, clock),
    )
    if peers and peers.takes:
        house = replace(house, arrive=_arrive(house, peers))
    return _with_keys(house, inside, peers) if inside else house


def _plan_b(
    records: MovingRecords, people: MovingPeople, store: PatchStore, inside: Inside | None, clock: Clock
) -> PlanB:
    survey, evacuate = Survey(records, store, clock), Evacuate(records, store, clock)
    return PlanB(
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
    )


def _arrive(house: House, peers: Peers) -> Arrive:
    profile = house.profile
    return Arrive(
        records=house.records,
        store=house.store,
        uploads=house.uploads,
        zegels=peers.zegels,
        takes=peers.takes,
        own=profile.domains | frozenset(peers.takes),
        is_used=house.people.is_used,
        host=profile.organisation.host,
        courier=profile.courier,
        limits=profile.limits,
        budget=peers.budget,
        clock=house.clock,
    )


def _with_keys(house: House, inside: Inside, peers: Peers | None) -> House:
    """The same house with what only the inside can do."""
    profile, records, store, clock = house.profile, house.records, house.store, house.clock
    submit = Submit(
        sink=store,
        depositor=house.send,
        vouch=OwnVouch(inside.custody, None, profile.organisation, clock),
        organisation=profile.organisation,
        courier=profile.courier,
        archive=profile.archive,
        limits=profile.limits,
        clock=clock,
        mailboxes=inside.mailboxes,
        time_zone=profile.time_zone,
        row_key=inside.custody.row_key,
    )
    reports = Reports(records, profile.courier, clock)
    handlers = _handlers(house, inside, reports, peers)
    receive = None
    if inside.mailboxes:
        receive = Receive(records, house.people, store, inside.mailboxes, clock, profile.signing)
    return replace(
        house,
        submit=submit,
        vouch=OwnVouch(inside.custody, records, profile.organisation, clock),
        announce=Announce(records, inside.custody, handlers, clock, inside.connections),
        bounce=Bounce(records, inside.bounces, reports, clock) if inside.bounces else None,
        ways=inside.ways,
        reception=_reception(house, inside, peers),
        incoming=_incoming(profile, inside),
        receive=receive,
    )


def _reception(house: House, inside: Inside, peers: Peers | None) -> OpenReception:
    """Also where it is off: what was published before must go."""
    found = Reception(inside.arrivals.recipient, peers.takes) if peers and inside.arrivals else None
    key = inside.custody.public.signing[0].fingerprint
    return OpenReception(house.records, inside.custody, key, house.profile.organisation.host, found, house.clock)


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


def _handlers(house: House, inside: Inside, reports: Reports, peers: Peers | None) -> dict[str, RowHandler]:
    """What the courier does with each kind of outbox row."""
    profile, records, store, clock = house.profile, house.records, house.store, house.clock
    notifier, schedule, organisation = inside.notifier, inside.schedule, profile.organisation
    depart = None
    if peers:
        depart = Depart(peers.zegels, peers.post, records, store, inside.custody, organisation.host, clock)
    handlers: dict[str, RowHandler] = {
        "notice": TellReader(records, notifier, schedule, reports, organisation, profile.url, clock),
        "sms-code": TellCode(records, notifier, organisation, clock),
        "report": TellSender(records, notifier, schedule, organisation, house.fill_in, clock),
        "delivery": Deliver(
            records=records,
            store=store,
            courier_key=inside.custody,
            row_key=inside.custody.row_key,
            courier=profile.courier,
            carriers=inside.carriers,
            schedule=schedule,
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
            row_key=inside.custody.row_key,
            courier=profile.courier,
            mailboxes=inside.mailboxes,
            signer=inside.custody,
            schedule=schedule,
            reports=reports,
            limits=profile.limits,
            hostname=organisation.host.partition(":")[0],
            clock=clock,
        )
    return handlers

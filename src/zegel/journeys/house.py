"""Everything a door may ask for, built by the wiring. What a zone does not have is None."""

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from zegel.errors import NotFound, Unavailable
from zegel.journeys.announce import Announce
from zegel.journeys.arrive import Arrive
from zegel.journeys.authors import Authors
from zegel.journeys.bounce import Bounce
from zegel.journeys.collect import Collect
from zegel.journeys.evacuate import Evacuate
from zegel.journeys.expire import Expire
from zegel.journeys.export import Export
from zegel.journeys.export_all import ExportAll, ImportAll
from zegel.journeys.fill_in import FillIn
from zegel.journeys.follow import Follow
from zegel.journeys.incoming import Incoming
from zegel.journeys.inspect import InspectAudit
from zegel.journeys.oversee import Oversee
from zegel.journeys.patch_days import PatchDays
from zegel.journeys.plan_jobs import PlanJobs, RunJobs, SignReports
from zegel.journeys.ports.clock import Clock
from zegel.journeys.ports.keys import Signer
from zegel.journeys.ports.peers import Vouch
from zegel.journeys.ports.people import People
from zegel.journeys.ports.records import Records
from zegel.journeys.ports.stores import BlobStore
from zegel.journeys.received import Receive
from zegel.journeys.revoke import Revoke
from zegel.journeys.send import Send
from zegel.journeys.submit import Submit
from zegel.journeys.take_in import RECEPTION, OpenReception
from zegel.journeys.tend import Tend
from zegel.journeys.uploads import Uploads
from zegel.journeys.ways import Ways
from zegel.journeys.welcome import Welcome
from zegel.journeys.what_if import Survey
from zegel.parcels.expiry import TIME_ZONE
from zegel.parcels.limits import Limits
from zegel.parcels.manifest import Organisation
from zegel.parcels.signature import SigningKey


@dataclass(frozen=True, slots=True)
class Profile:
    """What ``/.well-known/zegel`` tells everybody (docs/format.md §5). URLs without a slash at the end."""

    organisation: Organisation
    courier: str
    archive: str
    signing: tuple[SigningKey, ...]
    url: str
    inside_url: str
    limits: Limits
    domains: frozenset[str] = frozenset()
    """The organisation's own mail domains, in lower case."""
    time_zone: ZoneInfo = TIME_ZONE


@dataclass(frozen=True, slots=True)
class PlanB:
    """What officers do with patches. ``signer`` exists in the inside zone only: reports are signed there."""

    survey: Survey
    tend: Tend
    evacuate: Evacuate
    export: ExportAll
    import_: ImportAll
    oversee: Oversee
    jobs: PlanJobs
    run_jobs: RunJobs
    days: PatchDays
    signer: Signer | None = None
    sign_reports: SignReports | None = None

    def sign(self, report: bytes) -> tuple[str, bytes, bytes]:
        """The organisation's signature over a report; raises Unavailable in the outside zone."""
        if self.signer is None:
            raise Unavailable("This process holds no keys; ask the inside zone.", code="outside")
        return self.signer.sign(report)


@dataclass(frozen=True, slots=True)
class House:
    """One process's rooms, joined. ``submit``, ``vouch``, ``announce``, ``bounce`` and ``receive``
    exist in the inside zone only.
    """

    profile: Profile
    clock: Clock
    records: Records
    people: People
    store: BlobStore
    send: Send
    uploads: Uploads
    collect: Collect
    follow: Follow
    revoke: Revoke
    fill_in: FillIn
    expire: Expire
    export: Export
    welcome: Welcome
    authors: Authors
    audit: InspectAudit
    submit: Submit | None = None
    vouch: Vouch | None = None
    announce: Announce | None = None
    bounce: Bounce | None = None
    """None also where the configuration wants no bounces."""
    ways: Ways | None = None
    incoming: Incoming | None = None
    """None where there are no own mailboxes."""
    plan_b: PlanB | None = None
    receive: Receive | None = None
    arrive: Arrive | None = None
    """None where there are no own mailboxes, or other organisations' Zegels are not wanted."""
    reception: OpenReception | None = None

    def reception_signed(self) -> dict[str, Any]:
        """What the inside signed for other organisations (docs/format.md §9); empty when it takes nothing."""
        return dict(self.records.published(RECEPTION).get("arrivals", {}))

    def here_arrive(self) -> Arrive:
        """Raises NotFound ``no-arrivals``."""
        if self.arrive is None:
            raise NotFound("Nothing is taken from other organisations here.", code="no-arrivals")
        return self.arrive

    def inside_receive(self) -> Receive:
        """Raises Unavailable in the outside zone, which never has keys of mailboxes."""
        if self.receive is None:
            raise Unavailable("This process holds no keys; ask the inside zone.", code="outside")
        return self.receive

    def inside_submit(self) -> Submit:
        """Raises Unavailable in the outside zone: a wiring mistake, never the caller's."""
        if self.submit is None:
            raise Unavailable("This process holds no keys; ask the inside zone.", code="outside")
        return self.submit

    def inside_vouch(self) -> Vouch:
        """Raises Unavailable in the outside zone."""
        if self.vouch is None:
            raise Unavailable("This process holds no keys; ask the inside zone.", code="outside")
        return self.vouch

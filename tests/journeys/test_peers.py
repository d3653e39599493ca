"""From one organisation's Zegel to a mailbox of another, sealed all the way. Ours is here, the other in processes."""

import json
import smtplib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.ground import databases
from tests.ground.delivery import Certificates, make_certificates
from tests.ground.dns import Dns, free_port, running_dns
from tests.ground.dovecot import running_dovecot
from tests.ground.house import Clock, Ground, make_house
from tests.ground.zegels import ADDRESS, HOST, LMTP, PORTAL, OtherZegel, found_zegel, other_zegel, published
from zegel.domains.resolver import Resolver
from zegel.domains.zegels import Zegels
from zegel.doors.smtp.config import DoorConfig, Listener
from zegel.doors.smtp.desk import Journeys
from zegel.doors.smtp.logins import Logins
from zegel.doors.smtp.serve import Server
from zegel.doors.web.schemas import profile_members
from zegel.journeys.arrive import Budget
from zegel.journeys.ways import Ways
from zegel.keys.custody import Custody, make_keys
from zegel.peers.arrivals import ArrivalPost
from zegel.wiring.build import Peers

pytestmark = pytest.mark.slow

SENDER = "zorg@wij.test"
TEAM, DESK = f"team@{LMTP}", f"balie@{PORTAL}"
OURS = "127.0.0.61"
ZONE = """\
_zegel.wij.test. IN TXT "v=zegel1; host=post.wij.test:{here}; key={our_key}"
post.wij.test. IN A {ours}
_zegel.{lmtp}. IN TXT "v=zegel1; host={host}:{there}; key={key}"
_zegel.{portal}. IN TXT "v=zegel1; host={host}:{there}; key={key}"
_zegel.liar.test. IN TXT "v=zegel1; host={host}:{there}; key={our_key}"
{host}. IN A {address}
"""


@dataclass
class Around:
    """What stands around our Zegel: DNS, the other one, and a place where ours is published."""

    certificates: Certificates
    dns: Dns
    other: OtherZegel
    custody: Custody
    said: dict[str, bytes]


@pytest.fixture(scope="module")
def around(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Around]:
    folder = tmp_path_factory.mktemp("around")
    certificates = make_certificates(folder / "certificates", HOST, "post.wij.test", f"box.{LMTP}")
    here, there, custody = free_port(), free_port(), make_keys(folder / "keys")
    key, web, inside = found_zegel(folder / "ander", there)
    zone = ZONE.format(
        here=here, there=there, our_key=custody.public.signing[0].fingerprint, ours=OURS, lmtp=LMTP, portal=PORTAL,
        host=HOST, key=key, address=ADDRESS,
    )  # fmt: skip
    (folder / "dns").mkdir()
    said = {"profile": b""}
    with ExitStack() as stack:
        dns = stack.enter_context(running_dns(folder / "dns", {"test": zone}))
        dovecot = stack.enter_context(running_dovecot(LMTP, certificates.chain, certificates.key))
        stack.enter_context(published(OURS, here, certificates, said))
        other = stack.enter_context(
            other_zegel(folder / "ander", there, web, inside, certificates, dovecot, dns.resolver)
        )
        yield Around(certificates, dns, other, custody, said)


@dataclass
class Ours:
    """Our house with its door open."""

    ground: Ground
    door: int
    zegels: Zegels

    def send(self, *to: str, body: str = "Geheim-XYZZY", **headers: str) -> str:
        """Send a mail; returns the parcel."""
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = f"Afdeling Zorg <{SENDER}>", ", ".join(to), "Besluit"
        for name, value in headers.items():
            mail[name.replace("_", "-")] = value
        mail.set_content(body)
        mail.add_attachment(b"%PDF-1.4 besluit", maintype="application", subtype="pdf", filename="besluit.pdf")
        with smtplib.SMTP("127.0.0.1", self.door, timeout=30) as client:
            client.login(SENDER, self.ground.password)
            client.send_message(mail, SENDER, to)
        (status, *_) = self.ground.house.follow.parcels(self.actor)
        return status.parcel

    @property
    def actor(self) -> Any:
        return self.ground.house.people.find(SENDER)

    def readers(self, parcel: str) -> dict[str, tuple[str, str]]:
        status = self.ground.house.follow.parcel(self.actor, parcel)
        return {reader.address: (reader.way, reader.state) for reader in status.readers}


@pytest.fixture
def ours(tmp_path: Path, sqlite: databases.Database, around: Around) -> Iterator[Ours]:
    """The other Zegel has a database of its own; one kind of ours is enough."""
    clock = Clock()
    clock.now = datetime.now(UTC)
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(8))
        zegels = Zegels(Resolver([around.dns.resolver]), around.certificates.authorities, patience=60)
        peers = Peers(zegels, ArrivalPost(around.certificates.authorities), {}, Budget(0, 0))
        ways = Ways(frozenset(), None, pool, clock, deadline=60, zegels=zegels)
        ground = make_house(tmp_path, clock=clock, custody=around.custody, peers=peers, ways=ways)
        house = ground.house
        around.said["profile"] = json.dumps(profile_members(house.profile, {})).encode()
        house.welcome.add(SENDER, "Afdeling Zorg", ground.password)
        config = DoorConfig("post.wij.test", (Listener(port=0),), missing_proof="wait")
        journeys = Journeys(house.inside_submit(), Logins(house.people), house.authors, house.clock, ways=house.ways)
        server = Server(config, journeys)
        server.start()
        stack.callback(server.stop)
        yield Ours(ground, server.ports[0], zegels)


def test_a_mail_stays_sealed_until_the_mailbox(ours: Ours, around: Around) -> None:
    parcel = ours.send(TEAM)
    assert ours.readers(parcel) == {TEAM: ("zegel", "sent")}
    ours.ground.announce()
    assert ours.readers(parcel) == {TEAM: ("zegel", "delivered")}
    (mail,) = [one for one in around.other.dovecot.await_mail(TEAM) if b"Geheim-XYZZY" in one]
    assert b"(Zegel, sealed)" in mail
    # What they keep is what we keep, to the byte, and one blob of it; nothing else crossed but its envelope.
    kept = {path.name: path.read_bytes() for path in (ours.ground.folder / "store").rglob("*") if len(path.name) == 26}
    shared = kept.keys() & around.other.stored().keys()
    assert len(shared) == 1
    assert all(around.other.stored()[name] == kept[name] for name in shared)
    crossed = b"".join(around.other.front.seen)
    assert kept[shared.pop()] in crossed
    assert not any(word in crossed for word in (b"Geheim-XYZZY", b"Besluit", b"besluit.pdf", b"AGE-SECRET-KEY"))

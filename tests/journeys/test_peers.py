"""From one organisation's Zegel to a mailbox of another, sealed all the way. Ours is here, the other in processes."""

import hashlib
import json
import smtplib
import subprocess
import sys
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes as parse_bytes
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.ground import databases
from tests.ground.delivery import Certificates, make_certificates
from tests.ground.dns import Dns, running_dns
from tests.ground.dovecot import running_dovecot
from tests.ground.house import Clock, Ground, make_house
from tests.ground.ports import free_port
from tests.ground.smtp_door import Server
from tests.ground.zegels import (
    ADDRESS,
    HOST,
    LMTP,
    PORTAL,
    OtherZegel,
    await_message,
    found_zegel,
    inside,
    other_zegel,
    published,
)
from tests.journeys.test_killed import Steps, killed
from zegel import seal
from zegel.domains.resolver import Resolver
from zegel.domains.zegels import Zegels
from zegel.doors.smtp.config import DoorConfig, Listener
from zegel.doors.smtp.desk import Journeys
from zegel.doors.smtp.logins import Logins
from zegel.doors.web.published import profile_members
from zegel.errors import Unavailable, ZegelError
from zegel.journeys.budget import Budget
from zegel.journeys.ways import Ways
from zegel.keys.custody import Custody, make_keys
from zegel.parcels.addresses import Person
from zegel.parcels.arrivals import Arrival, Place, Said, Signed, arrival_statement, spell_arrival
from zegel.parcels.deposit import Blob
from zegel.parcels.identifiers import new_identifier
from zegel.parcels.signature import SigningKey, read_signed, verify
from zegel.peers.arrivals import ArrivalPost
from zegel.peers.server import PeerServer
from zegel.wiring.joining import Peers

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


CONFIG = """
[organisation]
name = "Gemeente Voorbeeld"
host = "post.wij.test"
[web]
url = "https://post.wij.test"
[inside]
url = "http://127.0.0.1:1"
[mail]
sender = "post@wij.test"
[direct]
enabled = true
resolvers = ["{resolver}"]
authorities = "{authorities}"
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


class Losing(ArrivalPost):
    """Remembers what it handed over; the last answers of the first ``lost`` do not come back."""

    def __init__(self, authorities: Path):
        super().__init__(authorities, patience=120)
        self.lost = 0
        self.said: list[tuple[Place, Arrival, Said]] = []

    def deliver(self, place: Place, arrival: Arrival, said: Said, read: Callable[[str], Iterator[bytes]]) -> None:
        super().deliver(place, arrival, said, read)
        self.said.append((place, arrival, said))
        if self.lost:
            self.lost -= 1
            raise Unavailable("The answer was lost.", code="peer-away")


@dataclass
class Ours:
    """Our house with its door open."""

    ground: Ground
    door: int
    zegels: Zegels
    post: "Losing"
    mark: str
    """Stands after every word that a mail is known by."""

    def send(self, *to: str, body: str = "Geheim-XYZZY", **headers: str) -> str:
        """Send a mail; returns the parcel."""
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = f"Afdeling Zorg <{SENDER}>", ", ".join(to), "Besluit"
        for name, value in headers.items():
            mail[name.replace("_", "-")] = value
        mail.set_content(f"{body}-{self.mark}")
        mail.add_attachment(b"%PDF-1.4 besluit", maintype="application", subtype="pdf", filename="besluit.pdf")
        with smtplib.SMTP("127.0.0.1", self.door, timeout=120) as client:
            client.login(SENDER, self.ground.password)
            client.send_message(mail, SENDER, to)
        (status, *_) = self.ground.house.follow.parcels(self.actor)
        return status.parcel

    def word(self, body: str) -> bytes:
        """How a mail with this body is known."""
        return f"{body}-{self.mark}".encode()

    @property
    def actor(self) -> Any:
        return self.ground.house.people.find(SENDER)

    def announce(self, parcel: str, until: str = "sent") -> None:
        """Let the courier work, again and again until nobody is ``until`` any more.

        On a machine that is very busy the two may find each other too slow; then it is tried again.
        """
        end = time.monotonic() + 240
        while True:
            self.ground.announce()
            if until not in {state for _, state in self.readers(parcel).values()}:
                return
            assert time.monotonic() < end, self.readers(parcel)
            self.ground.clock.move(minutes=10)

    def readers(self, parcel: str) -> dict[str, tuple[str, str]]:
        status = self.ground.house.follow.parcel(self.actor, parcel)
        return {reader.address: (reader.way, reader.state) for reader in status.readers}


@pytest.fixture
def ours(tmp_path: Path, database: databases.Database, around: Around) -> Iterator[Ours]:
    """On both databases; the other Zegel has one of its own, and mailboxes that both runs see."""
    with running(tmp_path, around, database.kind) as found:
        yield found


@contextmanager
def running(folder: Path, around: Around, mark: str) -> Iterator[Ours]:
    """Our house, on the database that there is."""
    clock = Clock()
    clock.now = datetime.now(UTC)
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(8))
        zegels = Zegels(
            Resolver([around.dns.resolver]), around.certificates.authorities, patience=60,
            clock=lambda: clock().timestamp(),
        )  # fmt: skip
        post = Losing(around.certificates.authorities)
        peers = Peers(zegels, post, {}, Budget(0, 0))
        ways = Ways(frozenset(), None, pool, clock, deadline=60, zegels=zegels)
        ground = make_house(
            folder, clock=clock, custody=around.custody, peers=peers, ways=ways, connections=1, sends_as="post@wij.test"
        )
        house = ground.house
        around.said["profile"] = json.dumps(profile_members(house.profile, {})).encode()
        house.welcome.add(SENDER, "Afdeling Zorg", ground.password)
        config = DoorConfig("post.wij.test", (Listener(port=0),), missing_proof="wait")
        journeys = Journeys(house.inside_submit(), Logins(house.people), house.authors, house.clock, ways=house.ways)
        server = Server(config, journeys)
        server.start()
        stack.callback(server.stop)
        yield Ours(ground, server.ports[0], zegels, post, mark)


def test_a_mail_stays_sealed_until_the_mailbox(ours: Ours, around: Around) -> None:
    parcel = ours.send(TEAM)
    assert ours.readers(parcel) == {TEAM: ("zegel", "sent")}
    ours.announce(parcel)
    assert ours.readers(parcel) == {TEAM: ("zegel", "delivered")}
    assert around.other.await_text(TEAM, ours.word("Geheim-XYZZY")) == 1
    (mail,) = [one for one in around.other.dovecot.mails(TEAM) if ours.word("Geheim-XYZZY") in one]
    assert b"(Zegel, sealed)" in mail
    # What they keep is what we keep, to the byte, and one blob of it; nothing else crossed but its envelope.
    kept = {path.name: path.read_bytes() for path in (ours.ground.folder / "store").rglob("*") if len(path.name) == 26}
    shared = kept.keys() & around.other.stored().keys()
    assert len(shared) == 1
    assert all(around.other.stored()[name] == kept[name] for name in shared)
    crossed = b"".join(around.other.front.seen)
    assert kept[shared.pop()] in crossed
    assert not any(word in crossed for word in (b"Geheim-XYZZY", b"Besluit", b"besluit.pdf", b"AGE-SECRET-KEY"))


def test_a_message_is_read_in_the_portal_of_another_organisation(ours: Ours, around: Around) -> None:
    parcel = ours.send(DESK)
    ours.announce(parcel)
    assert ours.readers(parcel) == {DESK: ("zegel", "delivered")}
    with inside(around.other, DESK) as client:
        opened = await_message(client, parcel)
        origin = opened["origin"]
        assert origin["organisation"] == {"name": "Gemeente Voorbeeld", "host": "post.voorbeeld.example"}
        slip, key = opened["slip"], seal.HybridIdentity.parse(opened["key"])
        blobs = [
            b"".join(seal.open_iter([client.get(f"/inside/received/{slip}/blobs/{one['blob']}").content], key))
            for one in opened["blobs"]
        ]
    manifest, line, signature = read_signed(blobs[0], opened["parcel"])
    (shown,) = origin["signing"]
    verify(manifest, line, signature, [SigningKey(b64decode(shown["ed25519"]), b64decode(shown["mldsa65"]))])
    assert (manifest.subject, manifest.from_.address) == ("Besluit", SENDER)
    assert "Geheim-XYZZY" in manifest.text
    assert blobs[1:] == [b"%PDF-1.4 besluit"]


def test_who_has_no_mailbox_there_is_not_reached(ours: Ours, around: Around) -> None:
    nobody, unknown = f"nobody@{LMTP}", f"wie@{PORTAL}"
    parcel = ours.send(nobody, unknown)
    ours.announce(parcel)
    # The portal knows at once; the mail server is asked by their courier, and their report comes to our return address.
    assert ours.readers(parcel) == {nobody: ("zegel", "delivered"), unknown: ("zegel", "unreached")}
    slip = next(slip.slip for slip in ours.ground.house.records.slips_of(parcel) if slip.address == nobody)
    (report,) = around.other.await_told(f"b-{slip}-")
    to = parse_bytes(report)["To"]
    bounce = ours.ground.house.bounce
    assert bounce is not None
    bounce.take(to, "<>", [report])
    ours.ground.announce()
    assert ours.readers(parcel)[nobody] == ("zegel", "unreached")
    told = [mail for mail in ours.ground.mails() if mail["To"] == SENDER]
    assert len(told) == 2


def test_a_key_that_was_not_promised_gets_nothing(ours: Ours, around: Around) -> None:
    parcel = ours.send("a@liar.test")
    assert ours.readers(parcel) == {"a@liar.test": ("zegel", "sent")}
    ours.ground.announce()
    assert ours.readers(parcel) == {"a@liar.test": ("zegel", "sent")}
    for _ in range(26):
        ours.ground.clock.move(hours=1)
        ours.ground.announce()
    assert ours.readers(parcel) == {"a@liar.test": ("link", "waiting")}
    assert [str(entry.event) for entry in ours.ground.house.audit.entries()].count("reader:alarmed") == 1
    assert parcel.encode() not in b"".join(around.other.front.seen)


def test_what_cannot_be_handed_over_now_goes_later(ours: Ours, around: Around) -> None:
    around.other.front.cut = True
    parcel = ours.send(TEAM, body="Later-PLUGH")
    ours.ground.announce()
    assert ours.readers(parcel) == {TEAM: ("zegel", "sent")}
    around.other.front.cut = False
    ours.announce(parcel)
    assert ours.readers(parcel) == {TEAM: ("zegel", "delivered")}
    assert around.other.await_text(TEAM, ours.word("Later-PLUGH")) == 1


def test_an_answer_that_is_lost_makes_no_second_mail(ours: Ours, around: Around) -> None:
    ours.post.lost = 2
    parcel = ours.send(TEAM, body="Eenmaal-FROTZ")
    ours.announce(parcel)
    assert len(ours.post.said) == 3
    assert ours.readers(parcel) == {TEAM: ("zegel", "delivered")}
    assert around.other.await_text(TEAM, ours.word("Eenmaal-FROTZ")) == 1
    # Whoever saw it pass and says it again changes nothing either.
    place, arrival, said = ours.post.said[-1]
    ArrivalPost(around.certificates.authorities, 120).deliver(place, arrival, said, lambda _: iter(()))
    ours.announce(ours.send(TEAM, body="Daarna-FROTZ"))
    assert around.other.await_text(TEAM, ours.word("Daarna-FROTZ")) == 1
    assert around.other.await_text(TEAM, ours.word("Eenmaal-FROTZ")) == 1


def courier_killed(ours: Ours, deadly: int) -> int:
    """A courier in a child, killed at a step; returns its steps (0: it died), among them what it asks of the peer."""

    def work(steps: Steps, _: object) -> None:
        with pytest.MonkeyPatch.context() as patch:
            for name in ("post", "put"):
                patch.setattr(PeerServer, name, steps.wrap(getattr(PeerServer, name)))
            ours.ground.announce()

    return killed(deadly, deadly % 2 == 1, work)[1]


def test_a_courier_killed_at_any_step_loses_nothing_and_sends_nothing_twice(ours: Ours, around: Around) -> None:
    """So also between pushing and finishing, and between the other's answer and noting it."""
    parcels = [ours.send(TEAM, body="Gedood-0-GNUSTO")]
    steps = courier_killed(ours, 0)
    assert steps > 10, "the steps are not being counted"
    for deadly in range(1, steps + 1):
        parcels.append(ours.send(TEAM, body=f"Gedood-{deadly}-GNUSTO"))
        courier_killed(ours, deadly)
        # The lease that died with its courier runs out; then another one finishes it.
        ours.ground.clock.move(minutes=20)
        ours.announce(parcels[-1])
    for number, parcel in enumerate(parcels):
        ours.announce(parcel)
        assert ours.readers(parcel) == {TEAM: ("zegel", "delivered")}
        assert around.other.await_text(TEAM, ours.word(f"Gedood-{number}-GNUSTO")) == 1
    assert ours.ground.house.records.count_outbox()["waiting"] == 0
    ours.ground.house.audit.verify()


def test_two_readers_of_one_message_bring_its_blobs_once(ours: Ours, around: Around) -> None:
    both = (TEAM, f"balie@{LMTP}")
    parcel = ours.send(*both, body="Samen-GNUSTO")
    ours.announce(parcel)
    assert set(ours.readers(parcel).values()) == {("zegel", "delivered")}
    for address in both:
        assert around.other.await_text(address, ours.word("Samen-GNUSTO")) == 1
    (first, second) = [arrival for _, arrival, _ in ours.post.said]
    assert first.blobs == second.blobs
    assert b"".join(around.other.front.seen).count(f"PUT /api/v1/blobs/{first.blobs[0].blob} ".encode()) == 1


def test_the_command_line_tells_what_a_domain_offers_and_what_ours_should(around: Around, tmp_path: Path) -> None:
    def zegel(*arguments: str, data: Path = tmp_path) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "zegel", *arguments, "--data", str(data)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)

    facts = {"resolver": around.dns.resolver, "authorities": around.certificates.authorities}
    (tmp_path / "zegel.toml").write_text(CONFIG.format(**facts))
    (tmp_path / "public.json").write_text(around.custody.public.spell())
    done = zegel("mail", "check", LMTP)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"goes sealed to the Zegel at {HOST}:{around.other.port}" in done.stdout
    done = zegel("mail", "check", "--json", "liar.test")
    assert (done.returncode, json.loads(done.stdout)["zegel"]["trouble"]) == (6, "proof-failed")
    mail = tmp_path / "mail.eml"
    mail.write_text(f"From: {SENDER}\nTo: {TEAM}\nSubject: x\n\nx\n")
    assert "way zegel" in zegel("policy", "explain", str(mail)).stdout
    key = around.other.fingerprint
    for domain in (LMTP, PORTAL):
        record = f'_zegel.{domain}. IN TXT "v=zegel1; host={HOST}:{around.other.port}; key={key}"'
        assert record in zegel("mail", "record", data=around.other.data).stdout.splitlines()


@pytest.fixture
def stranger(tmp_path: Path, sqlite: databases.Database, around: Around) -> Iterator["Stranger"]:
    """Has no database of his own that would matter."""
    with running(tmp_path, around, "stranger") as ours:
        yield _stranger(ours, around)


def _stranger(ours: Ours, around: Around) -> "Stranger":
    return Stranger(ours.zegels.place(LMTP), around.custody, ArrivalPost(around.certificates.authorities, 120))


@dataclass
class Stranger:
    """Says whatever a test wants, with our organisation's keys unless it has others."""

    place: Place
    custody: Custody
    post: ArrivalPost

    def arrival(self, *blobs: bytes, **facts: Any) -> Arrival:
        listed = tuple(Blob(new_identifier(), len(blob), hashlib.sha256(blob).hexdigest()) for blob in blobs)
        reception = self.place.peer.reception
        assert reception is not None
        sealed = seal.seal(b"x", seal.parse_recipient(reception.recipient))
        found = Arrival(
            parcel=new_identifier(), slip=new_identifier(), to=TEAM, sender=Person("", SENDER), return_to=SENDER,
            organisation="post.voorbeeld.example", destination=self.place.peer.host, takes="mail", form="7bit",
            class_=2, language="nl", expires=datetime.now(UTC).replace(microsecond=0) + timedelta(days=9),
            blobs=listed, sealed_slip=sealed,
        )  # fmt: skip
        return replace(found, **facts)

    def say(self, arrival: Arrival, custody: Custody | None = None, **later: float) -> Said:
        now, text = (datetime.now(UTC) + timedelta(**later)).replace(microsecond=0), spell_arrival(arrival)
        return Said(text, Signed(*_signed((custody or self.custody).sign(arrival_statement(text, now)), now)))

    def try_(self, arrival: Arrival, said: Said | None = None, data: bytes = b"") -> str:
        """The code of what becomes of it, once they are not too busy to say."""
        end = time.monotonic() + 240
        while True:
            try:
                self.post.deliver(self.place, arrival, said or self.say(arrival), lambda _: iter([data]))
            except ZegelError as error:
                if error.kind != "peer-away" or time.monotonic() > end:
                    return str(error.facts.get("why") or error.kind)
            else:
                return "taken"


def _signed(made: tuple[str, bytes, bytes], now: datetime) -> tuple[str, datetime, bytes, bytes]:
    return made[0], now, *made[1:]


def test_strangers_are_refused(stranger: Stranger, around: Around, tmp_path: Path) -> None:
    data = b"age-encryption.org/v1\n" + b"x" * 500
    good, before = stranger.arrival(data), around.other.stored().keys()
    others = make_keys(tmp_path / "others")
    forged = stranger.say(good, others)
    refused = {
        "not our key": stranger.try_(good, forged),
        "our key's name on it": stranger.try_(good, Said(forged.text, replace(forged.signed, key=_key(stranger)))),
        "another text": stranger.try_(good, Said(stranger.say(good).text.replace("7bit", "8bit"), forged.signed)),
        "old": stranger.try_(good, stranger.say(good, days=-2)),
        "for others": stranger.try_(replace(good, destination="post.elders.test")),
        "no domain of theirs": stranger.try_(replace(good, to="a@elders.test")),
        "their own people": stranger.try_(replace(good, sender=Person("", f"baas@{PORTAL}"))),
        "somebody else's return address": stranger.try_(replace(good, return_to="doelwit@elders.test")),
        "one of their own": stranger.try_(replace(good, return_to=DESK)),
        "a domain without a record": stranger.try_(replace(good, sender=Person("", "a@elders.test"))),
        "a message for a mail server": stranger.try_(replace(good, takes="message")),
        "another organisation's name": stranger.try_(replace(good, organisation="post.elders.test")),
        "other bytes": stranger.try_(good, data=data[:-1] + b"y"),
        "fewer bytes": stranger.try_(good, data=data[:-1]),
        "more bytes": stranger.try_(good, data=data + b"x"),
    }
    assert refused == {
        "not our key": "bad-arrival-signature",
        "our key's name on it": "bad-arrival-signature",
        "another text": "bad-arrival-signature",
        "old": "old-arrival",
        "for others": "foreign-arrival",
        "no domain of theirs": "no-relay",
        "their own people": "foreign-sender",
        "somebody else's return address": "unknown-organisation",
        "one of their own": "unknown-organisation",
        "a domain without a record": "unknown-organisation",
        "a message for a mail server": "wrong-form",
        "another organisation's name": "bad-arrival-signature",
        "other bytes": "not-announced",
        "fewer bytes": "not-announced",
        "more bytes": "not-announced",
    }
    assert around.other.stored().keys() == before


def test_a_ticket_is_for_one_blob(stranger: Stranger, around: Around) -> None:
    data = b"age-encryption.org/v1\n" + b"x" * 500
    arrival = stranger.arrival(data)
    (blob,), said = arrival.blobs, stranger.say(arrival)
    with httpx.Client(base_url=f"http://127.0.0.1:{around.other.web}", headers={"Host": HOST}, timeout=60) as client:
        # No hour has room for the first, and only one has for the others.
        for size, status, code in (
            (60_000_000, 413, "too-large"),
            (30_000_000, 202, ""),
            (30_000_000, 429, "too-many"),
        ):
            large = stranger.say(replace(arrival, blobs=(replace(blob, size=size),)))
            told = ask(client, {"arrival": large.text, **large.signed.spell(), "receipts": {}})
            assert (told.status_code, told.json().get("code", "")) == (status, code)
        body = {"arrival": said.text, **said.signed.spell(), "receipts": {}}
        asked = ask(client, body)
        assert (asked.status_code, list(asked.json()["missing"])) == (202, [blob.blob])
        ticket = {"Authorization": f"Bearer {asked.json()['missing'][blob.blob]}"}
        elsewhere = f"/api/v1/blobs/{new_identifier()}"
        refused = [
            client.put(elsewhere, content=data, headers=ticket),
            client.put(f"/api/v1/blobs/{blob.blob}", content=data + b"x", headers=ticket),
            client.put(f"/api/v1/blobs/{blob.blob}/parts/0", content=data + b"x", headers=ticket),
            client.put(f"/api/v1/blobs/{blob.blob}/parts/1", content=data, headers=ticket),
            client.post(f"{elsewhere}/complete", json={"parts": 1}, headers=ticket),
            client.put(f"/api/v1/blobs/{blob.blob}", content=data, headers={"Authorization": "Bearer a.b"}),
        ]
        assert [answer.json()["code"] for answer in refused] == ["not-announced"] * 5 + ["bad-ticket"]
        assert client.get("/api/v1/parcels", headers=ticket).status_code == 401
        assert client.post("/api/v1/arrivals", json=body | {"receipts": {"x": "y" * 600_000}}).status_code == 413
        stored = client.put(f"/api/v1/blobs/{blob.blob}", content=data, headers=ticket).json()
        again = ask(client, body | {"receipts": {blob.blob: stored["receipt"]}})
        assert (again.status_code, again.json()["missing"]) == (201, {})
    # It does not open: that is told to the return address.
    around.other.await_told(SENDER)


def ask(client: httpx.Client, body: dict[str, Any]) -> httpx.Response:
    """Hand in an arrival, once they are not too busy to look at it."""
    end = time.monotonic() + 240
    while (answer := client.post("/api/v1/arrivals", json=body)).status_code == 503 and time.monotonic() < end:
        time.sleep(0.1)
    return answer


def test_whoever_vouches_for_one_name_cannot_write_in_another(around: Around, stranger: Stranger) -> None:
    """The envelope is right; the mail inside names somebody of theirs."""
    reception = stranger.place.peer.reception
    assert reception is not None
    key = seal.HybridIdentity.generate()
    mail = seal.seal(f"From: baas@{LMTP}\r\nTo: {TEAM}\r\nSubject: x\r\n\r\nVals-REZROV\r\n".encode(), key.recipient)
    arrival = stranger.arrival(mail, return_to="vals@wij.test")
    slip = f"# zegel slip v1 parcel {arrival.parcel}\n{key}\n".encode()
    arrival = replace(arrival, sealed_slip=seal.seal(slip, seal.parse_recipient(reception.recipient)))
    assert stranger.try_(arrival, data=mail) == "taken"
    around.other.await_told("vals@wij.test")
    assert not [one for one in around.other.dovecot.mails(TEAM) if b"Vals-REZROV" in one]


def _key(stranger: Stranger) -> str:
    return stranger.custody.public.signing[0].fingerprint

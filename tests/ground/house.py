"""A house in a temporary folder, with the real hands, for tests of journeys and doors.

``make_house(tmp_path)`` needs the ``database`` fixture to have run (Django's ``default`` is then a fresh database).
Time is a :class:`Clock` that the test moves; notices and SMS codes leave into a Maildir and a file, where
:class:`Ground` finds them.
"""

import email
import email.policy
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from zegel.journeys.house import House, Profile
from zegel.journeys.ports.people import Actor
from zegel.journeys.read import Read
from zegel.journeys.submit import Message, ReaderWish
from zegel.keys.custody import Custody, make_keys
from zegel.outbox.backoff import schedule
from zegel.outbox.notifier import Marks, notifier
from zegel.parcels.addresses import Person
from zegel.parcels.claim import Link, read_link
from zegel.parcels.limits import Limits
from zegel.parcels.manifest import Organisation
from zegel.parcels.proofs import Proof, parse_proof
from zegel.parcels.release import Announced, Released
from zegel.parcels.signature import SigningKey
from zegel.people.accounts import SqlPeople
from zegel.people.credentials import Passwords
from zegel.post.verp import BounceAddresses
from zegel.records.sql import SqlRecords
from zegel.stores.choosing import Patch
from zegel.stores.drivers.local import LocalStore
from zegel.stores.patchwork import Patchwork
from zegel.wiring.config.ways import MailPart, SmsPart
from zegel.wiring.joining import Inside, Peers, assemble

SENDER = "zorg@voorbeeld.example"
READER = "j.dejong@example.net"
TELEPHONE = "+31612345642"
URL = "http://127.0.0.1:8025"


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 9, 14, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **period: float) -> None:
        self.now += timedelta(**period)


class InProcess:
    """``journeys.ports.peers.Releases`` without a network between: the reader's half beside the server's."""

    def __init__(self, house: House):
        self.house = house

    def look(self, slip: str) -> Announced:
        return self.house.collect.look(slip)

    def request_code(self, slip: str, language: str) -> None:
        self.house.collect.request_code(slip)

    def open(self, slip: str, code: str) -> Released:
        return self.house.collect.open(slip, code)

    def blob(self, slip: str, blob: str, ticket: str) -> Iterator[bytes]:
        return self.house.collect.blob(slip, blob, ticket)

    def signing_keys(self) -> list[SigningKey]:
        return list(self.house.profile.signing)


@dataclass
class Ground:
    """A house and what stands around it."""

    house: House
    clock: Clock
    folder: Path
    custody: Custody
    actor: Actor
    token: str
    password: str

    @property
    def reading(self) -> Read:
        """The reader's half."""
        return Read(InProcess(self.house))

    def send(self, *, proof: str = "mail", to: tuple[str, ...] = (READER,), **facts: Any) -> str:
        """Send a parcel with one attachment unless told otherwise; returns its identifier."""
        attachments = facts.pop("attachments", [("brief.pdf", "application/pdf", b"%PDF-1.4 brief")])
        packing = self.house.inside_submit().begin(self.actor)
        for name, type_, data in attachments:
            writer = packing.attachment(name, type_)
            writer.write(data)
            writer.close()
        facts = {"subject": "Beschikking", "text": "Geachte mevrouw,", **facts}
        wished = Proof("missing") if proof == "missing" else parse_proof(proof)
        readers = tuple(ReaderWish(address, facts.pop(address, wished)) for address in to)
        return packing.finish(Message(readers=readers, to=tuple(Person("", address) for address in to), **facts))

    def announce(self) -> None:
        """Let the courier work until nothing is due."""
        assert self.house.announce is not None
        while self.house.announce.round():
            pass

    def mails(self) -> list[EmailMessage]:
        """Notices so far, oldest first: names begin with the moment, to the nanosecond."""
        found = sorted((self.folder / "mail" / "new").iterdir(), key=lambda path: path.name)
        return [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in found]  # type: ignore[misc]

    def links(self) -> list[Link]:
        """The links in the notices so far."""
        return [self.link_in(mail) for mail in self.mails()]

    def link_in(self, mail: EmailMessage) -> Link:
        body = mail.get_body(("plain",))
        assert body is not None
        found = re.search(r"https?://\S+/o/\S+#\S+", body.get_content())
        assert found, body.get_content()
        return read_link(found[0])

    def send_and_link(self, **facts: Any) -> Link:
        """Send to one reader, announce, and return her link."""
        before = len(self.mails()) if (self.folder / "mail" / "new").exists() else 0
        self.send(**facts)
        self.announce()
        return self.links()[before]

    def codes(self) -> list[str]:
        """SMS codes so far."""
        lines = (self.folder / "sms.jsonl").read_text().splitlines()
        return [re.findall(r"\b\d{6}\b", json.loads(line)["text"])[0] for line in lines]


def make_house(
    tmp_path: Path,
    *,
    archive: str = "",
    limits: Limits | None = None,
    url: str = URL,
    store: Patchwork | None = None,
    clock: Clock | None = None,
    custody: Custody | None = None,
    peers: Peers | None = None,
    sends_as: str = "post@voorbeeld.example",
    **inside_facts: Any,
) -> Ground:
    """Build both zones in one process, with one sender; stored on one local patch unless ``store`` is given.

    ``inside_facts``: ways and carriers, for readers to whom the mail itself goes.
    """
    folder, clock = tmp_path / "zegel", clock or Clock()
    custody = custody or make_keys(folder / "keys")
    profile = Profile(
        organisation=Organisation("Gemeente Voorbeeld", "post.voorbeeld.example"),
        courier=custody.public.courier,
        archive=archive,
        signing=custody.public.signing,
        url=url,
        inside_url="http://127.0.0.1:8026/inside/v1",
        limits=limits or Limits(),
    )
    mail = MailPart(kind="maildir", sender=sends_as, folder="mail")
    bounces = BounceAddresses(mail.sender, custody.bounce_key)
    inside = Inside(custody, notifier(mail, SmsPart(), folder, Marks(bounces)), schedule, bounces, **inside_facts)
    # As in production, but for the work of a password: it is half a second of every test.
    people = SqlPeople(clock, Passwords(work_factor=2))
    records = SqlRecords()
    patchwork = store or Patchwork([Patch("local", LocalStore(folder / "store"))], records, clock)
    house = assemble(profile, records, people, patchwork, b"k" * 32, inside, clock, peers)
    password = "niet-raden-123"
    actor = house.welcome.add(SENDER, "Afdeling Zorg", password)
    return Ground(house, clock, folder, custody, actor, house.welcome.new_token(SENDER, "test"), password)

"""A house whose courier delivers mails itself: to a peer that proves itself by DANE, or to an own mailbox server."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.ground.house import Clock, Ground, make_house
from tests.transport.made import Made, make
from zegel.journeys.ports.keys import MailSigner
from zegel.journeys.signed import SignedCarrier
from zegel.journeys.submit import Message, Packing, ReaderWish
from zegel.journeys.ways import DirectCarrier, MailboxCarrier, Ways
from zegel.outbox.direct import DirectRoute, FixedRoute, MailServer
from zegel.parcels.addresses import Person
from zegel.parcels.notify import SILENT, Notify
from zegel.parcels.proofs import Proof, parse_proof
from zegel.parcels.ways import Way
from zegel.transport.certificates import public_key
from zegel.transport.offer import Offer, Server
from zegel.transport.tlsa import Tlsa

NAME = "mx.example.nl"
READER = "j.dejong@example.nl"
OWN = "team@eigen.example"
MAIL = b"Message-ID: <1@x>\r\nFrom: a@voorbeeld.example\r\nSubject: x\r\n\r\nGeheim-XYZZY\r\n"


@dataclass
class Shifting:
    """Domains whose offers a test changes as it goes."""

    offers: dict[str, Offer] = field(default_factory=dict)

    def offer(self, domain: str, *, fresh: bool = False) -> Offer:
        return self.offers.get(domain, Offer(domain, "no-domain", True))


@dataclass
class Certificates:
    """An authority, a server's certificate, and their files."""

    folder: Path
    authority: Made
    leaf: Made

    @property
    def chain(self) -> Path:
        return self.folder / "chain.pem"

    @property
    def key(self) -> Path:
        return self.folder / "leaf.key"

    @property
    def authorities(self) -> Path:
        return self.folder / "root.pem"

    @property
    def digest(self) -> bytes:
        """What a TLSA record 3 1 1 says of it."""
        return hashlib.sha256(public_key(self.leaf.der) or b"").digest()


def make_certificates(folder: Path, *names: str) -> Certificates:
    """For these names, and 127.0.0.1."""
    folder.mkdir(parents=True, exist_ok=True)
    start = datetime.now(UTC) - timedelta(days=1)
    root = make(authority=True, common_name="root", start=start)
    leaf = make((*names, "127.0.0.1"), by=root, start=start)
    (folder / "leaf.key").write_bytes(leaf.key_pem)
    (folder / "chain.pem").write_bytes(leaf.pem + root.pem)
    (folder / "root.pem").write_bytes(root.pem)
    return Certificates(folder, root, leaf)


def proving(certificates: Certificates, domain: str = "example.nl") -> Offer:
    """A domain on 127.0.0.1 that proves itself with this certificate."""
    record = Tlsa(3, 1, 1, certificates.digest)
    server = Server(NAME, 10, ("127.0.0.1",), "found", NAME, "found", (record,))
    return Offer(domain, "found", True, (server,), domain)


@dataclass
class Delivering:
    """A house, its domains, and how mails are sent through it."""

    ground: Ground
    domains: Shifting
    clock: Clock

    def send(
        self, *addresses: str, way: Way = "direct", proof: str = "", notify: Notify = SILENT, mail: bytes = MAIL
    ) -> str:
        """Send one mail to readers who all get it this way; returns the parcel."""
        packing = self.ground.house.inside_submit().begin(self.ground.actor)
        return finish(packing, addresses or (READER,), way, parse_proof(proof) if proof else None, notify, [mail])

    def state(self, parcel: str, number: int = 0) -> str:
        return self.ground.house.follow.parcel(self.ground.actor, parcel).readers[number].state

    def events(self, subject: str) -> list[str]:
        return [str(one.event) for one in self.ground.house.audit.entries() if one.subject == subject]

    def slip(self, parcel: str, number: int = 0) -> str:
        return self.ground.house.follow.parcel(self.ground.actor, parcel).readers[number].slip

    def run(self, **later: float) -> None:
        """Let some time pass, and the courier work."""
        self.clock.move(**later)
        self.ground.announce()


def finish(
    packing: Packing,
    addresses: tuple[str, ...],
    way: Way,
    proof: Proof | None = None,
    notify: Notify = SILENT,
    pieces: Any = (MAIL,),
) -> str:
    """Seal the mail, and deposit."""
    writer = packing.mail()
    for piece in pieces:
        writer.write(piece)
    writer.close("7bit")
    wishes = tuple(ReaderWish(one, proof or Proof("missing"), way=way, notify=notify) for one in addresses)
    people = tuple(Person("", one) for one in addresses)
    return packing.finish(Message(subject="Beschikking", text="Geheim-XYZZY", readers=wishes, to=people))


@contextmanager
def delivering(
    folder: Path,
    certificates: Certificates,
    port: int,
    *,
    mailbox: MailServer | None = None,
    plain: MailServer | None = None,
    signer: MailSigner | None = None,
    **facts: Any,
) -> Iterator[Delivering]:
    """Direct delivery goes to ``port`` of whatever server a domain names; ``plain`` is the ordinary mail server."""
    clock, domains = facts.pop("clock", None) or Clock(), Shifting()
    domains.offers["example.nl"] = proving(certificates)
    with ThreadPoolExecutor(4) as pool:
        ways = Ways(frozenset({"eigen.example"}), domains, pool, clock)
        route = DirectRoute("post.voorbeeld.example", port=port, authorities=certificates.authorities, patience=60,
                            final_patience=60)  # fmt: skip
        direct = DirectCarrier(ways, route)
        carriers: dict[Way, Any] = {"direct": SignedCarrier(direct, signer) if signer else direct}
        fixed = passing = None
        if plain:
            passing = FixedRoute(plain, "post.voorbeeld.example", patience=5, final_patience=5)
            ours = {"voorbeeld.example"}
            carriers["plain"] = SignedCarrier(passing, signer, ours) if signer else passing
        if mailbox:
            fixed = FixedRoute(mailbox, "post.voorbeeld.example", patience=60, final_patience=60)
            carriers["mailbox"] = MailboxCarrier({"eigen.example": fixed})
        ground = make_house(folder, clock=clock, ways=ways, carriers=carriers, **facts)
        try:
            yield Delivering(ground, domains, clock)
        finally:
            route.close()
            for one in (fixed, passing):
                if one:
                    one.close()


def unproven(offer: Offer) -> Offer:
    """The same domain without its records."""
    return replace(offer, servers=tuple(replace(one, tlsa="absent", records=()) for one in offer.servers))


def failing(offer: Offer) -> Offer:
    """The same domain while its DNS does not answer."""
    return replace(offer, mx="failed", servers=())

"""Take in: what arrived sealed from another organisation goes into its mailbox (``arrival`` rows, inside zone).

The inside believes nothing that the outside wrote: it asks DNS itself whose key signed the arrival. A mail becomes a
``delivery`` row for the mailbox's server; a message becomes a slip for the mailbox in the portal, and with it stands,
signed by us, whose keys its manifest is to be verified with. What does not open is told to the return address.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from zegel import seal
from zegel.errors import Damaged, Denied, Mistake, Unavailable, ZegelError
from zegel.journeys.announce import Errand
from zegel.journeys.arrive import vouched
from zegel.journeys.ports.clock import Clock
from zegel.journeys.ports.domains import Zegels
from zegel.journeys.ports.keys import CourierKey, MailboxKeys, Signer
from zegel.journeys.ports.outbox import Schedule
from zegel.journeys.ports.records import OutboxRow, Records
from zegel.journeys.ports.stores import BlobStore
from zegel.journeys.read import read_slip
from zegel.journeys.reports import Reports, reason_of
from zegel.journeys.ways import domain_of
from zegel.mime.top import read_strict_top, sole_sender
from zegel.parcels.arrivals import WITHIN, Arrival, Peer, Reception, Said, Signed, read_arrival
from zegel.parcels.limits import MANIFEST_BYTES, Limits
from zegel.parcels.origin import Origin, spell_origin
from zegel.parcels.outbox_words import ArrivalWords, DeliveryWords, Words, marked, spell_words
from zegel.parcels.signature import read_signed, verify
from zegel.parcels.states import Slip

_MOST_HOPS = 50
"""As at the SMTP door (RFC 5321 §6.3): two organisations that forward to each other must end somewhere."""
RECEPTION = "arrivals"
"""Under which name the signed reception is published."""


@dataclass(frozen=True, slots=True)
class _Ready:
    """What follows for one row: a delivery's sealed words, or a mailbox slip with its origin."""

    delivery: bytes = b""
    slip: bytes = b""
    origin: str = ""


@dataclass(frozen=True, slots=True)
class TakeIn:
    """``key`` opens arrivals; ``mailboxes`` are those in the portal; ``hostname`` is ours in trace fields.

    Without ``zegels`` it was switched off while something had arrived: that waits, and is then told to its sender.
    """

    records: Records
    store: BlobStore
    zegels: Zegels | None
    key: CourierKey = field(repr=False)
    row_key: bytes = field(repr=False)
    courier: str
    mailboxes: MailboxKeys = field(repr=False)
    signer: Signer = field(repr=False)
    schedule: Schedule
    reports: Reports
    limits: Limits
    hostname: str
    clock: Clock
    _ready: dict[int, _Ready] = field(default_factory=dict, repr=False)

    def hand_over(self, row: OutboxRow, slip: Slip, words: Words) -> None:
        assert isinstance(words, ArrivalWords)  # noqa: S101
        if self.zegels is None:
            raise Unavailable("Nothing is taken from other organisations here.", code="no-arrivals")
        said = _said(words)
        arrival = read_arrival(said.text, self.limits)
        if (arrival.slip, arrival.to.lower(), arrival.kept_as) != (slip.slip, slip.address.lower(), slip.parcel):
            raise Damaged("The outbox row does not hold what it should.", code="bad-outbox-row")
        if self.clock() - said.signed.time > WITHIN:
            # Whoever writes the database could keep it, and bring it again in a year.
            raise Denied("This arrival was signed too long ago, or in the future.", code="old-arrival")
        place = vouched(self.zegels, arrival, said)
        text = self.key.open_sealed(arrival.sealed_slip)
        key = read_slip(text.decode("ascii", "replace"), arrival.parcel)
        self.records.release()
        if arrival.takes == "mail":
            self._ready[row.row] = self._mail(arrival, key, place.host)
        else:
            self._ready[row.row] = self._message(arrival, key, text, place.peer)

    def _mail(self, arrival: Arrival, key: seal.HybridIdentity, host: str) -> _Ready:
        (blob,) = arrival.blobs
        headers = read_strict_top(seal.open_iter(self.store.read(blob.blob), key))
        if len(headers.all("received")) > _MOST_HOPS:
            raise Denied("This mail goes round in circles.", code="mail-loop")
        if sole_sender(headers) != arrival.sender.address.lower():
            # Its organisation vouches for its own domain, and for nobody else's.
            raise Denied("The mail names another sender than its organisation vouches for.", code="foreign-sender")
        words = DeliveryWords(
            arrival.slip, "", str(key), blob.blob, arrival.return_to, arrival.form, arrival.to, "mailbox",
            self._trace(arrival, host),
        )  # fmt: skip
        words = marked(words, self.row_key)
        return _Ready(delivery=seal.seal(spell_words(words), seal.parse_recipient(self.courier)))

    def _trace(self, arrival: Arrival, host: str) -> str:
        """RFC 5321 §4.4: every server on the way leaves its trace; ``host`` is the one in the other domain's record."""
        date = format_datetime(self.clock())
        by = f"by {self.hostname} (Zegel) id {arrival.slip}"
        return f"Received: from {host} (Zegel, sealed)\r\n\t{by};\r\n\t{date}\r\n"

    def _message(self, arrival: Arrival, key: seal.HybridIdentity, text: bytes, peer: Peer) -> _Ready:
        opened = bytearray()
        for piece in seal.open_iter(self.store.read(arrival.blobs[0].blob), key):
            opened += piece
            if len(opened) > MANIFEST_BYTES:
                raise Damaged("The manifest is too large.", code="bad-manifest")
        manifest, line, signature = read_signed(bytes(opened), arrival.parcel)
        verify(manifest, line, signature, list(peer.keys))
        named = [attachment.blob for attachment in manifest.attachments]
        if named != [blob.blob for blob in arrival.blobs[1:]]:
            raise Damaged("The server offers other attachments than the message names.", code="foreign-blobs")
        if manifest.from_.address != arrival.sender.address or manifest.organisation.host != peer.host:
            raise Denied("The mail names another sender than its organisation vouches for.", code="foreign-sender")
        sealed = seal.seal(text, self.mailboxes.recipient(domain_of(arrival.to)))
        origin = Origin(peer.name, peer.host, peer.keys)
        return _Ready(slip=sealed, origin=spell_origin(origin, arrival.slip, self.signer.sign))

    def done(self, errands: Sequence[Errand]) -> None:
        now = self.clock()
        for errand in errands:
            ready, slip = self._ready.pop(errand.row.row), errand.slip
            if ready.delivery:
                self.records.add_outbox("delivery", slip.slip, ready.delivery, now)
            else:
                self.records.move_in(slip.slip, ready.slip, ready.origin)

    def again(self, row: OutboxRow, now: datetime) -> datetime | None:
        return self.schedule(row.attempts + 1, row.created, now)

    def delayed(self, errand: Errand, error: ZegelError) -> None:
        """Its sender was told that it is here; a delay of ours is told when it ends in nothing."""

    def given_up(self, errand: Errand, error: ZegelError) -> None:
        self.reports.unreached(errand.slip, reason_of(error), {"reason": error.kind})


def _said(words: ArrivalWords) -> Said:
    members = {"key": words.key, "time": words.time, "ed25519": words.ed25519, "mldsa65": words.mldsa65}
    try:
        return Said(words.said, Signed.read(members))
    except (KeyError, ValueError, TypeError, Mistake) as error:
        raise Damaged("The outbox row does not hold what it should.", code="bad-outbox-row") from error


@dataclass(frozen=True, slots=True)
class OpenReception:
    """Signs for whom slips are sealed here, whenever that changes, where the outside can publish it.

    ``key`` is the fingerprint of the key that ``signer`` has.
    """

    records: Records
    signer: Signer = field(repr=False)
    key: str
    host: str
    reception: Reception | None
    clock: Clock

    def round(self) -> int:
        """1 when it was signed anew."""
        facts: dict[str, Any] = {}
        if self.reception and self.reception.domains:
            facts = {"recipient": self.reception.recipient, "domains": dict(sorted(self.reception.domains.items()))}
        kept = self.records.published(RECEPTION)
        now = self.clock().replace(microsecond=0)
        named = hashlib.sha256(json.dumps([self.host, facts]).encode()).hexdigest()
        if kept.get("of") == named and kept.get("by") == self.key:
            return 0
        spelled: dict[str, Any] = {}
        if facts and self.reception:
            key, ed25519, mldsa65 = self.signer.sign(self.reception.statement(self.host, now))
            spelled = self.reception.spell(Signed(key, now, ed25519, mldsa65))
        with self.records.transaction():
            self.records.publish(RECEPTION, {"of": named, "by": self.key, "arrivals": spelled}, now)
        return 1

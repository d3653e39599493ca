"""Depart: a parcel travels sealed to the Zegel of the reader's organisation (inside zone).

The blobs go as they lie in the store; only the parcel key is sealed anew, to the recipient that the other organisation
signed with the keys that its domain's DNSSEC-signed record pins. Nothing is opened on the way.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from zegel import seal
from zegel.errors import Mistake, Unavailable, ZegelError
from zegel.journeys.ports.clock import Clock
from zegel.journeys.ports.domains import Zegels
from zegel.journeys.ports.keys import Signer
from zegel.journeys.ports.peers import ArrivalPost
from zegel.journeys.ports.records import Records
from zegel.journeys.ports.stores import BlobStore
from zegel.journeys.read import spell_slip
from zegel.journeys.ways import domain_of
from zegel.parcels.addresses import Person
from zegel.parcels.arrivals import Arrival, Place, Said, Signed, Takes, arrival_statement, spell_arrival
from zegel.parcels.deposit import Blob
from zegel.parcels.outbox_words import DeliveryWords
from zegel.parcels.states import Slip
from zegel.transport.delivery import Delivered


@dataclass(frozen=True, slots=True)
class Depart:
    """``host`` is our own organisation's, as its signatures name it."""

    zegels: Zegels
    post: ArrivalPost
    records: Records
    store: BlobStore
    signer: Signer = field(repr=False)
    host: str
    clock: Clock

    def deliver(
        self,
        slip: Slip,
        words: DeliveryWords,
        key: seal.HybridIdentity,
        sender: str,
        hold: Callable[[Iterator[bytes]], Iterator[bytes]],
    ) -> Delivered:
        """Hand the parcel over for one reader; ``hold`` keeps the row ours while pieces pass.

        Raises Mistake ``mail-refused`` (no such mailbox), ``peer-refused``, ``no-reception``; NotFound ``no-zegel``;
        Unavailable ``peer-away``, ``proof-failed`` (an alarm: other keys than the domain promises).
        """
        place = self._place(domain_of(slip.address))
        takes = place.peer.takes(domain_of(slip.address))
        if takes is None or place.peer.reception is None:
            raise Mistake("The other Zegel has no mailboxes of this domain.", code="no-reception")
        sealed_slip = self._seal_slip(slip, key, place.peer.reception.recipient)
        arrival = Arrival(
            parcel=slip.parcel,
            slip=slip.slip,
            to=slip.address,
            sender=Person(slip.sender_name, slip.sender),
            return_to=sender,
            organisation=self.host,
            destination=place.peer.host,
            takes=takes,
            form=words.form,
            class_=slip.class_,
            language=slip.language,
            expires=slip.expires,
            blobs=self._blobs(slip, words, takes),
            sealed_slip=sealed_slip,
        )
        self.post.deliver(place, arrival, self._say(arrival), lambda blob: hold(self.store.read(blob)))
        return Delivered(place.host, "zegel")

    def _place(self, domain: str) -> Place:
        try:
            return self.zegels.place(domain)
        except Unavailable as error:
            if error.kind != "proof-failed":
                raise
        # A key may just have been replaced, and its record with it.
        return self.zegels.place(domain, fresh=True)

    def _seal_slip(self, slip: Slip, key: seal.HybridIdentity, recipient: str) -> bytes:
        try:
            found = seal.parse_recipient(recipient)
        except ZegelError:
            found = None
        if not isinstance(found, seal.HybridRecipient):
            raise Mistake("The other Zegel names no recipient that will do.", code="no-reception")
        return seal.seal(spell_slip(slip.parcel, key), found)

    def _blobs(self, slip: Slip, words: DeliveryWords, takes: Takes) -> tuple[Blob, ...]:
        """The mail itself, or the manifest and what it names; never both."""
        kept = self.records.blobs_of(slip.parcel)
        if takes == "mail":
            return tuple(blob for blob in kept if blob.blob == words.mail)
        return tuple(kept[: slip.attachments + 1])

    def _say(self, arrival: Arrival) -> Said:
        now, text = self.clock().replace(microsecond=0), spell_arrival(arrival)
        key, ed25519, mldsa65 = self.signer.sign(arrival_statement(text, now))
        return Said(text, Signed(key, now, ed25519, mldsa65))

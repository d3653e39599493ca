"""Arrive: the Zegel of another organisation hands over a sealed parcel for a mailbox of ours (outside zone).

We see ciphertext and envelopes, as always. Whoever hands in shows that the sender's domain is his: its DNSSEC-signed
record names the key that signed the arrival. The same arrival is asked for twice: first it is told which blobs we do
not have, with a ticket for each; with receipts for all of them it becomes real, in one transaction. Again is fine.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from zegel import seal
from zegel.audit.events import Event
from zegel.errors import Denied, Mistake, NotFound, Unavailable
from zegel.journeys.budget import LEAST, Budget
from zegel.journeys.lookups import Lookups
from zegel.journeys.ports.clock import Clock
from zegel.journeys.ports.domains import Zegels
from zegel.journeys.ports.records import Records
from zegel.journeys.ports.stores import BlobStore
from zegel.journeys.uploads import Uploads
from zegel.journeys.ways import domain_of
from zegel.parcels.arrivals import GOOD_FOR, WITHIN, Arrival, Place, Said, Takes, read_arrival
from zegel.parcels.deposit import Blob, check_expiry, parcel_exists
from zegel.parcels.limits import Limits
from zegel.parcels.outbox_words import ArrivalWords, spell_words


@dataclass(frozen=True, slots=True)
class Arrive:
    """``takes`` tells what the mailboxes of each of our domains take; ``own`` are domains that no stranger may claim.

    ``is_used`` says whether somebody here may read a mailbox in the portal; ``courier`` is whom rows are sealed to.
    """

    records: Records
    store: BlobStore
    uploads: Uploads
    zegels: Zegels
    takes: Mapping[str, Takes]
    own: frozenset[str]
    is_used: Callable[[str], bool]
    host: str
    courier: str
    limits: Limits
    budget: Budget
    clock: Clock
    _lookups: Lookups = field(default_factory=Lookups, repr=False)

    def take(self, said: Said, receipts: Mapping[str, str]) -> dict[str, str]:
        """A ticket for each blob that is still missing; empty: it is durable, and will be in the mailbox.

        Raises Denied (``no-relay``, ``unknown-mailbox``, ``foreign-arrival``, ``foreign-sender``, ``old-arrival``,
        ``unknown-organisation``, ``bad-arrival-signature``, ``too-many``), Mistake (``bad-arrival``, ``wrong-form``,
        ``parcel-exists``, a limit), Unavailable.
        """
        arrival, now = read_arrival(said.text, self.limits), self.clock()
        self._check(arrival, said, now)
        organisation = self._organisation(arrival, said)
        if self._known(arrival):
            return {}
        there = self._blobs_there(arrival)
        got = {name: self.uploads.redeem_arrived(organisation, name, text) for name, text in receipts.items()}
        lacking = [blob for blob in arrival.blobs if not there and got.get(blob.blob) != blob]
        if lacking:
            return self._tickets(organisation, lacking, now)
        if there:
            self._check_another(organisation, arrival, now)
        self._write(arrival, said, now, known=there)
        return {}

    def _check(self, arrival: Arrival, said: Said, now: datetime) -> None:
        """All that costs nothing, and tells a stranger nothing that a mail to the mailbox would not."""
        if arrival.destination != self.host:
            raise Denied("This arrival is for another organisation.", code="foreign-arrival")
        takes = self.takes.get(domain_of(arrival.to))
        if takes is None:
            raise Denied("Mail from outside is for mailboxes of this organisation only.", code="no-relay")
        if takes != arrival.takes:
            raise Mistake("The mailboxes of this domain take something else.", code="wrong-form")
        if abs(now - said.signed.time) > GOOD_FOR:
            raise Denied("This arrival was signed too long ago, or in the future.", code="old-arrival")
        if domain_of(arrival.sender.address) in self.own:
            raise Denied("This mail comes from outside and names a sender of this organisation.", code="foreign-sender")
        check_expiry(self._expires(arrival, now), now, self.limits)

    def _expires(self, arrival: Arrival, now: datetime) -> datetime:
        """No later than our own limit, whatever the other organisation grants; a mail does not lie here when it is
        in its mailbox.
        """
        days = timedelta(days=self.limits.days)
        return min(arrival.expires, now + (min(days, WITHIN) if arrival.takes == "mail" else days))

    def _organisation(self, arrival: Arrival, said: Said) -> str:
        """Where the organisation is that hands it in, once it has shown that the sender's domain is its own.

        The host of the domain's record, where it showed its keys: what an organisation calls itself is its own affair,
        and must not be charged to another one of that name.
        """
        with self._lookups.of(domain_of(arrival.sender.address)):
            return vouched(self.zegels, arrival, said).host

    def _known(self, arrival: Arrival) -> bool:
        """Whether it was taken before; only now is a mailbox in the portal looked for, for somebody with a name."""
        try:
            slip = self.records.slip(arrival.slip)
        except NotFound:
            if arrival.takes == "message" and not self.is_used(arrival.to):
                raise Denied(
                    "There is no mailbox {address} here.", code="unknown-mailbox", address=arrival.to
                ) from None
            return False
        if (slip.parcel, slip.address.lower()) != (arrival.kept_as, arrival.to.lower()):
            raise parcel_exists()
        return True

    def _blobs_there(self, arrival: Arrival) -> bool:
        """Whether another reader's arrival brought the same blobs; raises Mistake when some are of something else."""
        try:
            kept = self.records.blobs_of(arrival.kept_as)
        except NotFound:
            kept = []
        if kept:
            if tuple(kept) != arrival.blobs:
                raise parcel_exists()
            return True
        if self.records.known_blobs([blob.blob for blob in arrival.blobs]):
            raise parcel_exists()
        return False

    def _check_another(self, organisation: str, arrival: Arrival, now: datetime) -> None:
        """One more reader brings no blob, but is a row, a mail and its copy in a mailbox: these are counted as well."""
        if len(self.records.slips_of(arrival.kept_as)) >= self.limits.readers:
            raise Mistake("A parcel has at most {most} readers.", code="too-many-readers", most=self.limits.readers)
        self.budget.announce(organisation, LEAST, now)
        self.budget.bring(LEAST, now)

    def _tickets(self, organisation: str, lacking: list[Blob], now: datetime) -> dict[str, str]:
        self.budget.announce(organisation, max(LEAST, sum(blob.size for blob in lacking)), now)
        return {blob.blob: self.uploads.ticket(organisation, blob) for blob in lacking}

    def _write(self, arrival: Arrival, said: Said, now: datetime, *, known: bool) -> None:
        words = ArrivalWords(arrival.slip, said.text, **said.signed.spell())
        sealed = seal.seal(spell_words(words), seal.parse_recipient(self.courier))
        copies = () if known else self.store.settle(arrival.blobs, arrival.class_)
        with self.records.transaction():
            if self.records.add_arrival(arrival, sealed, self._expires(arrival, now), now):
                self.records.add_copies(copies, now)
                facts = {"blobs": len(arrival.blobs), "class": arrival.class_, "key": said.signed.key}
                self.records.append_audit(now, "peer", Event.PARCEL_ARRIVED, arrival.kept_as, facts)


def vouched(zegels: Zegels, arrival: Arrival, said: Said) -> Place:
    """The organisation of the sender's domain, when it signed the arrival; it also has that of the return address.

    Raises Denied ``unknown-organisation``, ``bad-arrival-signature``; Unavailable when nobody can tell now.
    """
    domain = domain_of(arrival.sender.address)
    try:
        place = zegels.place(domain)
        if said.signed.key not in {key.fingerprint for key in place.peer.keys}:
            place = zegels.place(domain, fresh=True)
    except NotFound as error:
        raise _unknown(arrival.sender.address) from error
    said.signed.check(said.statement, place.peer.keys)
    if place.peer.host != arrival.organisation:
        raise Denied("The signature of the other organisation is not right.", code="bad-arrival-signature")
    _check_return(zegels, arrival.return_to, domain, said.signed.key)
    return place


def _check_return(zegels: Zegels, address: str, domain: str, key: str) -> None:
    """What goes wrong is told there by mail: to nobody who has nothing to do with whom it came from."""
    returned = domain_of(address)
    if returned == domain or key in _promised(zegels, returned, fresh=False):
        return
    if key not in _promised(zegels, returned, fresh=True):
        raise _unknown(address)


def _promised(zegels: Zegels, domain: str, *, fresh: bool) -> tuple[str, ...]:
    promise = zegels.promise(domain, fresh=fresh)
    if promise.state == "failed":
        raise Unavailable("The Zegel of {domain} does not answer.", code="peer-away", domain=domain)
    return promise.record.keys if promise.state == "found" and promise.record else ()


def _unknown(address: str) -> Denied:
    return Denied(
        "The domain of {address} does not vouch for the Zegel that hands this over.",
        code="unknown-organisation",
        address=address,
    )

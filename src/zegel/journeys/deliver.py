"""Deliver: the mail itself goes to a reader's mail server (``delivery`` rows, inside zone).

The proof is asked anew each time, and a mail is sent to nobody who does not give it. A direct delivery that turns
impossible becomes a notice with a link, never anything weaker; without a proof for the link the sender is asked.

At least once: when a server has heard the end of a mail and its answer is lost, the mail goes again, under the same
``Message-ID``. A courier that dies in between does the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from zegel import seal
from zegel.audit.entry import Noted
from zegel.audit.events import Event
from zegel.errors import Damaged, Mistake, NotFound, Unavailable, ZegelError
from zegel.journeys.announce import Errand
from zegel.journeys.depart import Depart
from zegel.journeys.ports.clock import Clock
from zegel.journeys.ports.keys import CourierKey
from zegel.journeys.ports.outbox import Carrier, Schedule
from zegel.journeys.ports.records import OutboxRow, Records
from zegel.journeys.ports.stores import BlobStore
from zegel.journeys.reports import LIFETIME, Reports, reason_of
from zegel.parcels.outbox_words import (
    DeliveryWords,
    NoticeWords,
    Words,
    check_marked,
    check_meant,
    read_words,
    spell_words,
)
from zegel.parcels.states import Slip, check_open
from zegel.parcels.ways import Way
from zegel.post.verp import BounceAddresses
from zegel.transport.delivery import Delivered, RawMail

LEASE = timedelta(minutes=15)
"""Longer than the answer to a final dot may take (RFC 5321 §4.5.3.2.6: ten minutes)."""
_RENEW_EVERY = timedelta(minutes=1)
_REFUSED = frozenset({"mail-refused", "bad-address"})
"""Her server says that it never will: there is nobody to send a notice to either."""
_FALLS_BACK = frozenset({"direct", "zegel"})
"""To a notice with a link."""
_OVER = frozenset({"revoked", "expired", "unknown-slip"})


@dataclass(frozen=True, slots=True)
class Deliver:
    """``carriers`` per way; ``courier`` is the recipient of sealed rows. ``direct_for``: then it becomes a notice."""

    records: Records
    store: BlobStore
    courier_key: CourierKey
    row_key: bytes = field(repr=False)
    """See ``parcels.outbox_words.marked``."""
    courier: str
    carriers: Mapping[Way, Carrier]
    schedule: Schedule
    direct_for: timedelta
    reports: Reports
    bounces: BounceAddresses | None
    clock: Clock
    depart: Depart | None = None
    """For readers whose organisation runs a Zegel, where that is on."""
    _taken: dict[int, Delivered] = field(default_factory=dict, repr=False)
    """What came of each row between handing over and finishing."""

    def hand_over(self, row: OutboxRow, slip: Slip, words: Words) -> None:
        assert isinstance(words, DeliveryWords)  # noqa: S101
        check_marked(words, self.row_key)
        check_meant(words, slip.address, slip.way)
        sender = self.bounces.make(slip.slip) if self.bounces else words.sender
        try:
            if slip.way == "zegel":
                self._taken[row.row] = self._sealed(row, slip, words, sender)
            else:
                self._taken[row.row] = self._opened(row, slip, words, sender)
        except Unavailable as error:
            if error.kind == "proof-failed":
                self._alarm(slip)
            raise

    def _sealed(self, row: OutboxRow, slip: Slip, words: DeliveryWords, sender: str) -> Delivered:
        """To another Zegel: nothing is opened on the way."""
        if self.depart is None:
            raise _way_gone(slip)
        check_open(slip, self.clock())
        self._hold(row)
        return self.depart.deliver(slip, words, _parcel_key(words), sender, partial(self._held, row))

    def _opened(self, row: OutboxRow, slip: Slip, words: DeliveryWords, sender: str) -> Delivered:
        """To a mail server: opened while it goes."""
        carrier = self.carriers.get(slip.way)
        if carrier is None:
            raise _way_gone(slip)
        key = _parcel_key(words)
        sealed = next((one.size for one in self.records.blobs_of(slip.parcel) if one.blob == words.mail), None)
        if sealed is None:
            raise NotFound("The mail is not part of the message.", code="unknown-blob")
        mail = RawMail(
            partial(self._pieces, row, words, key),
            seal.plain_size(sealed, seal.header_size([key.recipient])) + len(words.trace.encode()),
            eight_bit=words.form != "7bit",
            utf8=words.form == "utf8",
        )
        self._hold(row)
        return carrier.deliver(mail, sender, slip.address, slip.notify)

    def done(self, errands: Sequence[Errand]) -> None:
        now, noted = self.clock(), []
        for errand in errands:
            slip, taken = errand.slip, self._taken.pop(errand.row.row)
            self.records.mark(slip.slip, "delivered", now)
            self.records.wipe_slip(slip.slip, now)
            # An ordinary mail server passes it on, over whatever line there is: that is no delivery (RFC 3464 §2.3.3).
            self.reports.add(slip, "relayed" if slip.way == "plain" else "delivered", taken.reply)
            facts: dict[str, str | int] = {
                "way": slip.way,
                "proof": taken.proof,
                "tls": taken.tls,
                "group": taken.group,
                # How many servers were passed over for not proving themselves. Names would be a stranger's words.
                **({"distrusted": len(taken.distrusted)} if taken.distrusted else {}),
            }
            noted.append(Noted(now, "courier", Event.READER_DELIVERED, slip.slip, facts))
        self.records.append_audits(noted)

    def again(self, row: OutboxRow, now: datetime) -> datetime | None:
        due = self.schedule(row.attempts + 1, row.created, now)
        if due is None or self.records.slip(row.slip).way not in _FALLS_BACK:
            return due
        end = row.created + self.direct_for
        return None if now >= end else min(due, end)

    def delayed(self, errand: Errand, error: ZegelError) -> None:
        self.reports.delayed_row(errand, error, self.direct_for if errand.slip.way == "direct" else LIFETIME)

    def given_up(self, errand: Errand, error: ZegelError) -> None:
        if error.kind in _OVER - {"expired"}:
            # The sender withdrew it himself.
            return
        final = error.kind in _REFUSED | _OVER or errand.slip.way not in _FALLS_BACK
        words = None if final else self._words(errand.row)
        if words is None:
            self.reports.unreached(errand.slip, reason_of(error), {"reason": error.kind})
        else:
            self._fall_back(errand.slip, words, error)

    def _fall_back(self, slip: Slip, words: DeliveryWords, error: ZegelError) -> None:
        now, missing = self.clock(), slip.proof.kind == "missing"
        notice = spell_words(NoticeWords(slip.slip, words.secret, words.to))
        sealed = seal.seal(notice, seal.parse_recipient(self.courier))
        self.records.set_way(slip.slip, "link")
        self.records.add_outbox("notice", slip.slip, sealed, now, held=missing)
        if missing:
            self.reports.add(slip, "proof-missing")
        facts = {"from": slip.way, "to": "link", "reason": error.kind}
        self.records.append_audit(now, "courier", Event.READER_REROUTED, slip.slip, facts)

    def _words(self, row: OutboxRow) -> DeliveryWords | None:
        try:
            words = read_words(row.kind, row.slip, self.courier_key.open_sealed(row.sealed))
            assert isinstance(words, DeliveryWords)  # noqa: S101
            check_marked(words, self.row_key)
        except ZegelError:
            return None
        return words

    def _pieces(self, row: OutboxRow, words: DeliveryWords, key: seal.HybridIdentity) -> Iterator[bytes]:
        """The mail, opened while it goes."""
        if words.trace:
            yield words.trace.encode()
        yield from self._held(row, seal.open_iter(self.store.read(words.mail), key))

    def _held(self, row: OutboxRow, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Look first whether it still may go, and hold the row while pieces pass."""
        check_open(self.records.slip(row.slip), self.clock())
        self._hold(row)
        self.records.release()
        held = self.clock()
        for piece in pieces:
            if self.clock() - held >= _RENEW_EVERY:
                self._hold(row)
                self.records.release()
                held = self.clock()
            yield piece
        # The server may take its time to answer the final dot.
        self._hold(row)
        self.records.release()

    def _hold(self, row: OutboxRow) -> None:
        """Renew the lease; raises Unavailable when another courier has the row by now."""
        with self.records.transaction():
            if not self.records.renew_outbox(row.row, row.lease, self.clock() + LEASE):
                raise Unavailable("Another courier has this mail.", code="lease-lost")

    def _alarm(self, slip: Slip) -> None:
        """Somebody shows a certificate that the domain never promised: told once per reader, for officers to see."""
        if any(entry.event == Event.READER_ALARMED for entry in self.records.audit_of(slip.slip)):
            return
        with self.records.transaction():
            facts = {"reason": "proof-failed", "way": slip.way}
            self.records.append_audit(self.clock(), "courier", Event.READER_ALARMED, slip.slip, facts)


def _way_gone(slip: Slip) -> Mistake:
    return Mistake("There is no way “{way}” here any more.", code="way-gone", way=slip.way)


def _parcel_key(words: DeliveryWords) -> seal.HybridIdentity:
    try:
        return seal.HybridIdentity.parse(words.key)
    except ZegelError as error:
        raise Damaged("The outbox row does not hold what it should.", code="bad-outbox-row") from error

"""Deposit: a sealed parcel becomes real (outside zone). Content lies in storage before the promise is written."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field

from zegel import seal
from zegel.audit.entry import Noted
from zegel.audit.events import Event
from zegel.errors import Mistake
from zegel.journeys.fill_in import FillIn, Question
from zegel.journeys.ports.clock import Clock
from zegel.journeys.ports.people import Actor
from zegel.journeys.ports.records import Records
from zegel.journeys.ports.stores import BlobStore
from zegel.journeys.together import Together
from zegel.parcels.copies import Copy
from zegel.parcels.deposit import Accepted, Deposit, check_deposit, digest
from zegel.parcels.limits import Limits
from zegel.parcels.outbox_words import ReportWords, spell_words


@dataclass(frozen=True, slots=True)
class _Ready:
    """A deposit whose content is durable; its rows are not written yet."""

    accepted: Accepted
    copies: Sequence[Copy]
    noted: Noted
    asked: Question | None = None
    """About readers whose proof is missing."""
    told: Sequence[tuple[str, bytes]] = ()
    """Slips of mailboxes in which it now lies, for senders who asked to hear that, and their sealed reports."""

    @property
    def entries(self) -> list[Noted]:
        """For the audit chain, in order."""
        return [self.noted, self.asked.noted] if self.asked else [self.noted]


@dataclass(frozen=True, slots=True)
class Send:
    """The second step of sending; the first is ``submit``."""

    records: Records
    store: BlobStore
    limits: Limits
    clock: Clock
    key: bytes = field(repr=False)
    """Makes names of mails meaningless to whoever has the database alone."""
    fill_in: FillIn | None = None
    """Asks senders for proofs that are missing; without it a deposit that lacks one is refused."""
    _together: Together[_Ready, str] = field(default_factory=Together, repr=False)

    def deposit(self, actor: Actor, deposit: Deposit) -> str:
        """Make the parcel real and return its identifier; when this returns it is durable and will be announced.

        The same deposit again is answered the same; so is the same mail (``Deposit.once``), with the identifier of the
        parcel that it became first. Raises Mistake (a rule of the format or a limit), Unavailable.

        Deposits that come at the same time share a transaction: its end, when the disk is waited for, and the head of
        the audit log, which only one can hold, are what a busy server would wait for most.
        """
        now = self.clock()
        if deposit.sender != actor.address:
            raise Mistake("The sender of a parcel is the account that deposits it.", code="foreign-sender")
        check_deposit(deposit, now, self.limits)
        copies = self.store.settle(deposit.blobs, deposit.class_)
        accepted = Accepted(deposit, digest(deposit), now, actor.name, self._once(deposit))
        readers = sum(reader.kind != "archive" for reader in deposit.readers)
        facts = {"readers": readers, "blobs": len(deposit.blobs), "class": deposit.class_}
        noted = Noted(now, f"account:{actor.account}", Event.PARCEL_DEPOSITED, deposit.parcel, facts)
        ready = _Ready(accepted, copies, noted, self._ask(deposit), self._tell(deposit))
        return self._together(ready, self._write_one, self._write_all)

    def _once(self, deposit: Deposit) -> bytes:
        if not deposit.once:
            return b""
        return hmac.digest(self.key, b"zegel mail v1\0" + deposit.once.encode(), "sha256")

    def _write_one(self, ready: _Ready) -> str:
        """As one that nobody has seen before, which nearly all are; with a look first where that is wrong."""
        try:
            return self._write_all([ready])[0]
        except Mistake:
            return self._write(ready)

    def _write(self, ready: _Ready) -> str:
        it = ready.accepted
        with self.records.transaction():
            if it.once:
                first = self.records.first_parcel(it.once, it.deposit.parcel, it.moment)
                if first != it.deposit.parcel:
                    return first
            if self.records.add_deposit(it.deposit, it.digest, it.moment, it.sender_name):
                self.records.add_copies(ready.copies, it.moment)
                self._add_reports([ready])
                self.records.append_audits(ready.entries)
        return it.deposit.parcel

    def _write_all(self, several: Sequence[_Ready]) -> list[str]:
        """All of them or none: one that was seen before, or breaks a rule of the database, sends each its own way."""
        with self.records.transaction():
            copies = [copy for ready in several for copy in ready.copies]
            self.records.add_deposits([ready.accepted for ready in several], copies)
            self._add_reports(several)
            self.records.append_audits([entry for ready in several for entry in ready.entries])
        return [ready.accepted.deposit.parcel for ready in several]

    def _ask(self, deposit: Deposit) -> Question | None:
        """About readers who wait for the sender; a delivery of the mail itself needs no proof."""
        waiting = [reader.slip for reader in deposit.readers if reader.proof.kind == "missing" and reader.way == "link"]
        if not waiting:
            return None
        if self.fill_in is None:
            raise Mistake("A reader of this parcel has no proof.", code="no-proof")
        return self.fill_in.ask(waiting)

    def _tell(self, deposit: Deposit) -> Sequence[tuple[str, bytes]]:
        """In a mailbox that is read here it is delivered from now on (RFC 3464 §2.3.3); other ways report later."""
        kept = [reader.slip for reader in deposit.readers if reader.way == "portal" and reader.notify.success]
        if not kept or self.fill_in is None:
            return ()
        courier = seal.parse_recipient(self.fill_in.courier)
        return [(slip, seal.seal(spell_words(ReportWords(slip, "delivered")), courier)) for slip in kept]

    def _add_reports(self, several: Sequence[_Ready]) -> None:
        for ready in several:
            asked = [(ready.asked.slip, ready.asked.sealed)] if ready.asked else []
            for slip, sealed in (*asked, *ready.told):
                self.records.add_outbox("report", slip, sealed, ready.accepted.moment)

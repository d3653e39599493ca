"""Deposit: a sealed parcel becomes real (outside zone). Content lies in storage before the promise is written."""

import hmac
from dataclasses import dataclass, field

from zegel.audit.events import Event
from zegel.errors import Mistake
from zegel.journeys.ports import Actor, BlobStore, Clock, Records
from zegel.parcels.deposit import Deposit, check_deposit, digest
from zegel.parcels.limits import Limits


@dataclass(frozen=True, slots=True)
class Send:
    """The second step of sending; the first is ``submit``."""

    records: Records
    store: BlobStore
    limits: Limits
    clock: Clock
    key: bytes = field(repr=False)
    """Makes names of mails meaningless to whoever has the database alone."""

    def deposit(self, actor: Actor, deposit: Deposit) -> str:
        """Make the parcel real and return its identifier; when this returns it is durable and will be announced.

        The same deposit again is answered the same; so is the same mail (``Deposit.once``), with the identifier of the
        parcel that it became first. Raises Mistake (a rule of the format or a limit), Unavailable.
        """
        now = self.clock()
        if deposit.sender != actor.address:
            raise Mistake("The sender of a parcel is the account that deposits it.", code="foreign-sender")
        check_deposit(deposit, now, self.limits)
        copies = self.store.settle(deposit.blobs, deposit.class_)
        with self.records.transaction():
            if deposit.once:
                once = hmac.digest(self.key, b"zegel mail v1\0" + deposit.once.encode(), "sha256")
                first = self.records.first_parcel(once, deposit.parcel, now)
                if first != deposit.parcel:
                    return first
            if self.records.add_deposit(deposit, digest(deposit), now, actor.name):
                readers = sum(reader.kind == "claim" for reader in deposit.readers)
                self.records.add_copies(copies, now)
                facts = {"readers": readers, "blobs": len(deposit.blobs), "class": deposit.class_}
                self.records.append_audit(
                    now, f"account:{actor.account}", Event.PARCEL_DEPOSITED, deposit.parcel, facts
                )
        return deposit.parcel

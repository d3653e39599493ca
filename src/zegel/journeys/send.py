"""Deposit: a sealed parcel becomes real (outside zone). Content lies in storage before the promise is written."""

from dataclasses import dataclass

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

    def deposit(self, actor: Actor, deposit: Deposit) -> str:
        """Make the parcel real and return its identifier; when this returns it is durable and will be announced.

        The same deposit again is answered the same. Raises Mistake (a rule of the format or a limit), Unavailable.
        """
        now = self.clock()
        if deposit.sender != actor.address:
            raise Mistake("The sender of a parcel is the account that deposits it.", code="foreign-sender")
        check_deposit(deposit, now, self.limits)
        copies = self.store.settle(deposit.blobs, deposit.class_)
        with self.records.transaction():
            if self.records.add_deposit(deposit, digest(deposit), now, actor.name):
                readers = sum(reader.kind == "claim" for reader in deposit.readers)
                self.records.add_copies(copies, now)
                facts = {"readers": readers, "blobs": len(deposit.blobs), "class": deposit.class_}
                self.records.append_audit(
                    now, f"account:{actor.account}", Event.PARCEL_DEPOSITED, deposit.parcel, facts
                )
        return deposit.parcel

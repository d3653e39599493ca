"""Expire and sweep: what has ended leaves the slips first, the blobs after, and storage keeps no orphans."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from zegel.audit.events import Event
from zegel.journeys.ports.clock import Clock
from zegel.journeys.ports.records import Records
from zegel.journeys.ports.stores import BlobStore

_GRACE = timedelta(days=2)
"""Longer than a receipt is good for: a blob without a parcel may still get one until then."""
_KEEP_DONE = timedelta(days=30)
"""How long a finished outbox row (its sealed part is wiped already) may tell what was sent when."""
_BATCH = 200


@dataclass(frozen=True, slots=True)
class Expire:
    """Runs every minute; each step may be cut off anywhere and is finished by the next round."""

    records: Records
    store: BlobStore
    clock: Clock

    def round(self) -> int:
        """End what is due and remove the blobs of what has ended; returns how many parcels were touched."""
        touched = 0
        for parcel in self.records.due_parcels(self.clock()):
            touched += self._expire(parcel)
        for parcel in self.records.ended_parcels():
            self.remove_blobs(parcel)
            touched += 1
        return touched

    def remove_blobs(self, parcel: str) -> None:
        """Delete the blobs of a parcel that has ended, then write that it is gone; does nothing to a live one."""
        if self.records.parcel(parcel).state not in ("revoked", "expired"):
            return
        for blob in self.records.blobs_of(parcel):
            self.store.delete(blob.blob)
        with self.records.transaction():
            if self.records.parcel(parcel).state != "gone":
                self.records.set_state(parcel, "gone")
                self.records.append_audit(self.clock(), "sweeper", Event.PARCEL_GONE, parcel, {})

    def sweep(self) -> int:
        """Delete blobs that no parcel asked for within the grace period, and old rows of the outbox that are done.

        Returns how many blobs went.
        """
        with self.records.transaction():
            self.records.sweep_outbox(self.clock() - _KEEP_DONE)
        removed = 0
        names = self.store.older_than(self.clock() - _GRACE)
        while batch := list(islice(names, _BATCH)):
            known = self.records.known_blobs(batch)
            for blob in batch:
                if blob not in known:
                    self.store.delete(blob)
                    removed += 1
        return removed

    def _expire(self, parcel: str) -> int:
        with self.records.transaction():
            now, status = self.clock(), self.records.parcel(parcel)
            # Looked at again inside the transaction: the sender may just have given it more time.
            if status.state != "live" or status.expires > now:
                return 0
            self.records.destroy_slips(parcel, now)
            self.records.set_state(parcel, "expired")
            self.records.append_audit(now, "sweeper", Event.PARCEL_EXPIRED, parcel, {})
        return 1

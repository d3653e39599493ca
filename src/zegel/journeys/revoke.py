"""Revoke, and change the expiry: what a sender can still do after sending (outside zone)."""

from dataclasses import dataclass
from datetime import datetime

from zegel.audit.events import Event
from zegel.errors import Mistake, NotFound
from zegel.journeys.expire import Expire
from zegel.journeys.follow import Follow
from zegel.journeys.ports.clock import Clock
from zegel.journeys.ports.people import Actor
from zegel.journeys.ports.records import Records
from zegel.parcels.deposit import check_expiry
from zegel.parcels.limits import Limits
from zegel.parcels.manifest import spell_time


@dataclass(frozen=True, slots=True)
class Revoke:
    """Destroys slips: when the last one is gone, the blobs are noise wherever copies linger; then they go too."""

    records: Records
    follow: Follow
    expire: Expire
    limits: Limits
    clock: Clock

    def parcel(self, actor: Actor, parcel: str) -> None:
        """Withdraw it from every reader; again is fine. Raises NotFound."""
        self.follow.parcel(actor, parcel)
        with self.records.transaction():
            now = self.clock()
            if self.records.parcel(parcel).state == "live":
                self._end(f"account:{actor.account}", parcel, now)
        self.expire.remove_blobs(parcel)

    def reader(self, actor: Actor, parcel: str, slip: str) -> None:
        """Withdraw it from one reader; from the last one, it ends the parcel.

        Raises NotFound, Mistake ``delivered``: the mail itself is in her mailbox.
        """
        status = self.follow.parcel(actor, parcel)
        found = next((reader for reader in status.readers if reader.slip == slip), None)
        if found is None:
            raise NotFound("There is no such reader.", code="unknown-slip")
        if found.delivered:
            raise Mistake("This mail was delivered; it can no longer be withdrawn.", code="delivered")
        self._withdraw(f"account:{actor.account}", parcel, slip)
        self.expire.remove_blobs(parcel)

    def waiting_reader(self, parcel: str, slip: str) -> None:
        """The same by the link that a sender was sent: only from a reader who still waits for him.

        Whoever holds the link is not known by account. Raises Mistake ``proof-known``.
        """
        with self.records.transaction():
            status = self.records.parcel(parcel)  # locked: nobody fills in her proof meanwhile
            if slip not in {reader.slip for reader in status.readers if reader.state == "waiting"}:
                raise Mistake("This reader does not wait for you any more.", code="proof-known")
            self._withdraw("sender", parcel, slip)
        self.expire.remove_blobs(parcel)

    def _withdraw(self, by: str, parcel: str, slip: str) -> None:
        with self.records.transaction():
            now = self.clock()
            if self.records.destroy_slips(parcel, now, slip):
                self.records.append_audit(now, by, Event.SLIP_REVOKED, slip, {"parcel": parcel})
            after = self.records.parcel(parcel)
            if after.state == "live" and all(reader.revoked or reader.delivered for reader in after.readers):
                self._end(by, parcel, now)

    def expiry(self, actor: Actor, parcel: str, expires: datetime) -> None:
        """Change until when readers can open it; raises Mistake (past, too far, ended already), NotFound."""
        self.follow.parcel(actor, parcel)
        now = self.clock()
        check_expiry(expires, now, self.limits)
        with self.records.transaction():
            status = self.records.parcel(parcel)
            if status.state != "live" or status.expires <= now:
                raise Mistake("This parcel has ended already.", code="parcel-ended")
            self.records.set_expiry(parcel, expires)
            facts = {"expires": spell_time(expires)}
            self.records.append_audit(now, f"account:{actor.account}", Event.EXPIRY_CHANGED, parcel, facts)

    def _end(self, by: str, parcel: str, now: datetime) -> None:
        self.records.destroy_slips(parcel, now)
        self.records.set_state(parcel, "revoked")
        self.records.append_audit(now, by, Event.PARCEL_REVOKED, parcel, {})

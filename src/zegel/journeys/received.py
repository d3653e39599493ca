"""Received: staff read in the portal what came for their own mailboxes (inside zone alone).

The inside opens the slip of a mailbox with its key in custody and gives the parcel key to the browser of somebody who
may read that mailbox: whoever has its address, or may send as it. Content is opened in the browser, as a reader's is.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from zegel.audit.events import Event
from zegel.errors import Mistake, NotFound
from zegel.journeys.collect import counted, shown_blobs
from zegel.journeys.ports.clock import Clock
from zegel.journeys.ports.keys import MailboxKeys
from zegel.journeys.ports.people import Actor, People
from zegel.journeys.ports.records import Records
from zegel.journeys.ports.stores import BlobStore
from zegel.journeys.read import read_slip
from zegel.parcels.deposit import Blob
from zegel.parcels.identifiers import checked
from zegel.parcels.origin import Origin, read_origin
from zegel.parcels.signature import SigningKey
from zegel.parcels.states import Received, Slip, check_open


@dataclass(frozen=True, slots=True)
class KeptParcel:
    """What opens a parcel: its key, and its blobs with their sealed sizes (the manifest first)."""

    parcel: str
    key: str = field(repr=False)
    blobs: tuple[tuple[str, int], ...]
    origin: Origin | None = None
    """The other organisation that it came from; None: this one sent it, or signed it as it came in."""


@dataclass(frozen=True, slots=True)
class Receive:
    """Own mailboxes that are read in the portal. ``keys`` never leave the inside zone."""

    records: Records
    people: People
    store: BlobStore
    keys: MailboxKeys = field(repr=False)
    clock: Clock
    signing: tuple[SigningKey, ...] = ()
    """Our own, which noted where a message came from."""

    def messages(self, actor: Actor, before: str = "", limit: int = 50) -> list[Received]:
        """One page, newest first; raises NotFound ``unknown-slip`` for ``before``."""
        return self.records.received(sorted(self._mailboxes(actor)), before, limit)

    def open(self, actor: Actor, slip: str) -> KeptParcel:
        """Hand out the parcel key. Raises NotFound: unknown, somebody else's, revoked, expired; Damaged."""
        found = self._slip(actor, slip)
        opened = self.keys.open_sealed(found.address.rpartition("@")[2], found.sealed_slip)
        key, now = read_slip(opened.decode("ascii", "replace"), found.parcel), self.clock()
        origin = read_origin(found.origin, found.slip, self.signing) if found.origin else None
        with self.records.transaction():
            # Read again: the sender may have withdrawn the message meanwhile.
            found = self._slip(actor, slip)
            self.records.append_audit(now, _by(actor), Event.KEY_RELEASED, found.slip, {})
        shown = tuple((blob.blob, blob.size) for blob in shown_blobs(self.records, found))
        return KeptParcel(found.parcel, str(key), shown, origin)

    def check(self, actor: Actor, slip: str) -> None:
        """Whether there is such a message for this account; raises NotFound as :meth:`open`."""
        self._slip(actor, slip)

    def blob_size(self, actor: Actor, slip: str, blob: str) -> int:
        """Sealed size of a blob; raises NotFound as :meth:`open`, or ``unknown-blob``."""
        return self._blob(self._slip(actor, slip), blob).size

    def blob(self, actor: Actor, slip: str, blob: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Yield sealed bytes; with the last one the message counts as opened or downloaded. Raises NotFound."""
        found = self._slip(actor, slip)
        size = self._blob(found, blob).size
        first = shown_blobs(self.records, found)[0].blob == blob
        pieces = self.store.read(blob, start, length)
        self.records.release()
        if length is not None and start + length < size:
            return pieces
        return counted(pieces, self.records, self.clock, found.slip, _by(actor), manifest=first)

    def _mailboxes(self, actor: Actor) -> set[str]:
        also = self.people.rights(actor.address)
        return {actor.address.lower(), *(address.lower() for address, _ in also)}

    def _slip(self, actor: Actor, slip: str) -> Slip:
        # One answer for what is not there and for what is another's: nobody learns what others got.
        unknown = NotFound("There is no such message.", code="unknown-slip")
        try:
            found = self.records.slip(checked(slip))
        except (Mistake, NotFound):
            raise unknown from None
        if found.kind != "mailbox" or found.address not in self._mailboxes(actor):
            raise unknown
        check_open(found, self.clock())
        return found

    def _blob(self, slip: Slip, blob: str) -> Blob:
        for kept in shown_blobs(self.records, slip):
            if kept.blob == blob:
                return kept
        raise NotFound("This attachment is not part of the message.", code="unknown-blob")


def _by(actor: Actor) -> str:
    return f"account:{actor.account}"

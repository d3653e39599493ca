"""What a Zegel does for senders and readers, here or at another server, and for other Zegels (``peers``)."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from zegel.journeys.ports.people import Actor
from zegel.journeys.ports.stores import BlobWriter
from zegel.parcels.arrivals import Arrival, Place, Said
from zegel.parcels.deposit import Blob, Deposit
from zegel.parcels.release import Announced, Released
from zegel.parcels.signature import Signature, SigningKey


class Vouch(Protocol):
    """Asks the organisation to sign: here (``journeys.vouch``) or at a server (``peers``)."""

    def vouch(self, actor: Actor, parcel: str, digest: str) -> Signature:
        """Return the signature over the manifest with this digest, for this sender, now."""


class Depositor(Protocol):
    """Takes a sealed parcel: here (``journeys.send``) or at a server (``peers``)."""

    def deposit(self, actor: Actor, deposit: Deposit) -> str: ...


class BlobSink(Protocol):
    """Takes blobs that are being sealed: a store here, or uploads to a server (``peers``)."""

    def open_write(self, blob: str, class_: int | None = None) -> BlobWriter: ...

    def commit_all(self, writers: Sequence[Any]) -> list[Blob]:
        """Commit several writers of this sink, under names that were just made up; small ones at once."""

    def delete(self, blob: str) -> None:
        """Give up a blob whose parcel will not come; a failure is no harm, the sweep finds it."""


class Releases(Protocol):
    """A server as a reader sees it (``peers``), or the same within one process."""

    def look(self, slip: str) -> Announced: ...

    def request_code(self, slip: str, language: str) -> None: ...

    def open(self, slip: str, code: str) -> Released: ...

    def blob(self, slip: str, blob: str, ticket: str) -> Iterator[bytes]: ...

    def signing_keys(self) -> list[SigningKey]: ...


class ArrivalPost(Protocol):
    """Hands sealed parcels to other organisations' Zegels (``peers``). Threads may share it."""

    def deliver(self, place: Place, arrival: Arrival, said: Said, read: Callable[[str], Iterator[bytes]]) -> None:
        """Durable there when this returns. Raises Mistake ``mail-refused``, ``peer-refused``, Unavailable, Damaged."""

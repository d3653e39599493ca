"""The shape of a driver. A driver knows names and bytes, and nothing of parcels, policies or other drivers.

**Names** are blob identifiers, with ``-02-00`` behind them for a share of a blob: of those that need 2, number 0.

**Failures.** NotFound: the name is not there, and the storage is sure. Unavailable with

``store-unavailable``   it does not answer, or answers nonsense: temporary, try again
``store-full``          no room: temporary for us, long for this patch
``store-refused``       it answers, and not to us (key, bucket, account): permanent until somebody acts
``store-locked``        it will not delete this name (object lock, legal hold): permanent until a date

Everything may be called from several threads at once, and again after it failed.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from urllib.parse import urlsplit

from zegel.errors import Mistake, NotFound, Unavailable
from zegel.parcels.deposit import Blob

PIECE = 256 * 1024
_NAME = re.compile(r"[a-z2-7]{25}[aeimquy4](-[0-9]{2}-[0-9]{2})?\Z")


@dataclass(frozen=True, slots=True)
class Guarantees:
    """What a driver promises; whoever calls it makes up for what it does not."""

    exclusive: bool
    """Of two that write one name at once, one is refused. (A name taken before is refused by every driver.)"""
    prompt: bool
    """Reads start within milliseconds or not at all: no second copy need be asked beside it."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One object as a listing shows it."""

    name: str
    size: int
    moment: datetime


@dataclass(slots=True)
class Remains:
    """What is still there, for a proof of destruction; ``unknown`` names what the storage would not tell."""

    objects: int = 0
    size: int = 0
    versions: int = 0
    uploads: int = 0
    unknown: list[str] = field(default_factory=list)

    @property
    def nothing(self) -> bool:
        return not (self.objects or self.versions or self.uploads or self.unknown)


class Writer(Protocol):
    """One object being written (``journeys.ports.stores.BlobWriter``)."""

    @property
    def light(self) -> bool: ...
    def digest(self) -> str:
        """SHA-256 of what was written so far, in hexadecimal."""

    def write(self, data: bytes | memoryview) -> None: ...
    def commit(self) -> Blob: ...
    def abort(self) -> None: ...


class Driver(Protocol):
    """One place at one storage."""

    @property
    def guarantees(self) -> Guarantees: ...

    def open_write(self, name: str) -> Writer:
        """Nothing is seen under ``name`` before ``commit``; the same bytes again are fine, others are a Mistake."""

    def commit_all(self, writers: Sequence[Writer]) -> list[Blob]:
        """Commit several, with as few waits as can be. Their names were just made up: nobody else writes them."""

    def read(self, name: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Yield pieces of at most :data:`PIECE` bytes; raises NotFound before the first."""

    def size(self, name: str) -> int:
        """Raises NotFound."""

    def delete(self, names: Sequence[str]) -> dict[str, Unavailable]:
        """Remove every version of these names; returns those that the storage would not remove, with why.

        A name that is not there counts as removed. Raises Unavailable when the storage answered for none.
        """

    def listing(self) -> Iterator[Stored]:
        """Everything there, in the order of names. May lag behind writes of the last seconds."""

    def sweep(self, moment: datetime) -> int:
        """Remove what unfinished writes and joins left behind before then; returns how many."""

    def remains(self) -> Remains:
        """Count everything under this patch, old versions and unfinished uploads too."""

    def write_part(self, name: str, number: int, data: Iterator[bytes], owner: str) -> None:
        """Keep part ``number`` (from 0) for ``owner``; writing a part again replaces it."""

    def read_parts(self, name: str, count: int, owner: str) -> Iterator[bytes]:
        """Yield parts 0…count-1 as one; raises Mistake ``missing-part`` before the first piece.

        Raises NotFound later when somebody forgets them meanwhile.
        """

    def forget_parts(self, name: str, owner: str) -> None:
        """Remove the parts of this owner."""


def checked_name(name: str) -> str:
    """Return a name of an object; raises Mistake for any other spelling (paths, for one)."""
    if not _NAME.match(name):
        raise Mistake("This is not a valid identifier.", code="bad-identifier")
    return name


def parts_of(name: str, owner: str) -> str:
    """What the parts of one upload lie under. The owner is in it: one sender cannot add parts to another's blob."""
    return f"{checked_name(name)}.{hashlib.sha256(owner.encode()).hexdigest()[:16]}"


def write_all(writer: Writer, data: Iterator[bytes]) -> None:
    """Write and commit everything, or leave nothing."""
    try:
        for piece in data:
            writer.write(piece)
        writer.commit()
    finally:
        writer.abort()


def check_address(url: str) -> None:
    """Raises Mistake for an address over which keys or ciphertext would travel in the clear."""
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
        raise Mistake("The storage at {endpoint} must be reached over https.", code="bad-patch", endpoint=parts.netloc)


def missing() -> NotFound:
    """The blob is not there."""
    return NotFound("The blob is not in storage.", code="blob-missing")


def missing_part() -> Mistake:
    """A join before all parts are there."""
    return Mistake("A part of this blob is missing.", code="missing-part")


def taken() -> Mistake:
    """Other bytes have this name."""
    return Mistake("Another blob has this identifier.", code="blob-exists")


def silent(retry_after: int = 60) -> Unavailable:
    """Temporary."""
    return Unavailable("The storage does not answer.", code="store-unavailable", retry_after=retry_after)


def full() -> Unavailable:
    """No room."""
    return Unavailable("The storage is full.", code="store-full", retry_after=600)


def refused(reason: str) -> Unavailable:
    """Permanent until somebody acts; ``reason`` is the storage's own word, never a secret."""
    return Unavailable("The storage refuses us: {reason}.", code="store-refused", retry_after=600, reason=reason[:100])


def locked(reason: str) -> Unavailable:
    """It will not delete."""
    return Unavailable("The storage will not delete this: {reason}.", code="store-locked", reason=reason[:100])


def is_permanent(error: Exception) -> bool:
    """Whether trying again soon is pointless."""
    return isinstance(error, Unavailable) and error.kind in ("store-refused", "store-full", "store-locked")

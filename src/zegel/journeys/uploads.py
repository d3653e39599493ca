"""Uploads: sealed bytes come in before their parcel does (outside zone), whole or in parts."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from zegel.errors import Denied, Mistake
from zegel.journeys.budget import Budget
from zegel.journeys.ports.clock import Clock
from zegel.journeys.ports.people import Actor
from zegel.journeys.ports.stores import BlobStore
from zegel.parcels import vouchers
from zegel.parcels.deposit import Blob
from zegel.parcels.identifiers import checked
from zegel.parcels.limits import Limits

_RECEIPT = "receipt"
_TICKET = "arrival"
_GOOD_FOR = timedelta(days=1)
"""How long a receipt may wait for its deposit; the sweep leaves blobs alone for longer."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Another organisation that may bring one blob; an ``Actor``. What it brings is exactly what it announced."""

    account: str
    blob: Blob
    address: str = ""
    name: str = ""
    active: bool = True
    officer: bool = False


@dataclass(frozen=True, slots=True)
class Uploads:
    """Takes blobs from accounts; a receipt ties a blob's size and digest to the account that sent it."""

    store: BlobStore
    limits: Limits
    clock: Clock
    key: bytes = field(repr=False)
    budget: Budget | None = None
    """Of what other organisations bring; None where nobody may."""

    def put(self, actor: Actor, blob: str, pieces: Iterator[bytes], length: int) -> tuple[Blob, str]:
        """Store a whole blob of at most one part; returns it with its receipt, durable.

        Raises Mistake: too large, cut short, or the identifier is taken by other bytes; Denied ``too-many``.
        """
        self._check_length(length)
        self._check_brought(actor, blob, length, length)
        if isinstance(actor, Visitor):
            pieces = _announced(pieces, actor.blob)
        writer = self.store.open_write(checked(blob))
        try:
            for piece in _exactly(pieces, length):
                writer.write(piece)
            stored = writer.commit()
        finally:
            writer.abort()
        return stored, self.receipt(actor, stored)

    def put_part(self, actor: Actor, blob: str, number: int, pieces: Iterator[bytes], length: int) -> None:
        """Store part ``number`` (from 0); every part but the last has ``limits.part_bytes``."""
        self._check_length(length)
        if not 0 <= number <= self.limits.parcel_bytes // self.limits.part_bytes + 1:
            raise Mistake("A parcel has at most {most} bytes.", code="too-large", most=self.limits.parcel_bytes)
        self._check_brought(actor, blob, number * self.limits.part_bytes + length, length)
        self.store.write_part(checked(blob), number, _exactly(pieces, length), actor.account)

    def join(self, actor: Actor, blob: str, count: int) -> tuple[Blob, str]:
        """Make one blob of parts 0…count-1; asking again is answered the same."""
        if not 1 <= count <= self.limits.parcel_bytes // self.limits.part_bytes + 2:
            raise Mistake("A part of this blob is missing.", code="missing-part")
        _check_announced(actor, blob, 0)
        stored = self.store.join_parts(checked(blob), count, actor.account)
        if isinstance(actor, Visitor) and stored != actor.blob:
            # It stays, as nobody's: a name may be that of a blob which was there before, and the sweep knows.
            raise _not_announced()
        return stored, self.receipt(actor, stored)

    def receipt(self, actor: Actor, blob: Blob) -> str:
        """What the deposit shows instead of the blob."""
        return self._mint(_RECEIPT, actor.account, blob)

    def _mint(self, purpose: str, account: str, blob: Blob) -> str:
        facts: dict[str, str | int] = {
            "account": account,
            "blob": blob.blob,
            "size": blob.size,
            "sha256": blob.sha256,
        }
        return vouchers.mint(self.key, purpose, facts, self.clock() + _GOOD_FOR)

    def redeem(self, actor: Actor, blob: str, receipt: str) -> Blob:
        """Return the blob that a receipt stands for; raises Denied ``bad-ticket``, Mistake ``foreign-receipt``."""
        return self._redeem(actor.account, blob, receipt)

    # Other organisations (journeys.arrive) --------------------------------------------------------------------------

    def ticket(self, organisation: str, blob: Blob) -> str:
        """What lets another organisation bring one blob, of this size and digest."""
        return self._mint(_TICKET, _peer(organisation), blob)

    def visitor(self, ticket: str) -> Visitor:
        """Who shows this ticket; raises Denied ``bad-ticket``."""
        facts = vouchers.read(self.key, _TICKET, ticket, self.clock())
        return Visitor(facts["account"], Blob(facts["blob"], facts["size"], facts["sha256"]))

    def redeem_arrived(self, organisation: str, blob: str, receipt: str) -> Blob:
        """:meth:`redeem` for another organisation."""
        return self._redeem(_peer(organisation), blob, receipt)

    def _redeem(self, account: str, blob: str, receipt: str) -> Blob:
        facts = vouchers.read(self.key, _RECEIPT, receipt, self.clock())
        if (facts["account"], facts["blob"]) != (account, blob):
            raise Mistake("This receipt belongs to another upload.", code="foreign-receipt")
        return Blob(facts["blob"], facts["size"], facts["sha256"])

    def _check_brought(self, actor: Actor, blob: str, size: int, length: int) -> None:
        _check_announced(actor, blob, size)
        if self.budget and isinstance(actor, Visitor):
            self.budget.bring(length, self.clock())

    def _check_length(self, length: int) -> None:
        if not 0 < length <= self.limits.part_bytes:
            raise Mistake(
                "One upload has 1 to {most} bytes; send more in parts.",
                code="part-too-large",
                most=self.limits.part_bytes,
            )


def _peer(organisation: str) -> str:
    """The account in tickets and receipts of another organisation."""
    return f"peer:{organisation}"


def _check_announced(actor: Actor, blob: str, size: int) -> None:
    if isinstance(actor, Visitor) and (blob != actor.blob.blob or size > actor.blob.size):
        raise _not_announced()


def _announced(pieces: Iterator[bytes], blob: Blob) -> Iterator[bytes]:
    """Ends in an error, before anything can be kept, when these are not the bytes that were announced."""
    found, size = hashlib.sha256(), 0
    for piece in pieces:
        found.update(piece)
        size += len(piece)
        yield piece
    if (size, found.hexdigest()) != (blob.size, blob.sha256):
        raise _not_announced()


def _not_announced() -> Denied:
    return Denied("This is not the file that was announced.", code="not-announced")


def _exactly(pieces: Iterator[bytes], length: int) -> Iterator[bytes]:
    got = 0
    for piece in pieces:
        got += len(piece)
        if got > length:
            break
        yield piece
    if got != length:
        # A connection that broke must not leave a shorter blob under this name.
        raise Mistake("The upload was cut short; send it again.", code="cut-upload")

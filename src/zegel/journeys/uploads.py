"""Uploads: sealed bytes come in before their parcel does (outside zone), whole or in parts."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from zegel.errors import Mistake
from zegel.journeys.ports import Actor, BlobStore, Clock
from zegel.parcels import vouchers
from zegel.parcels.deposit import Blob
from zegel.parcels.identifiers import checked
from zegel.parcels.limits import Limits

_RECEIPT = "receipt"
_GOOD_FOR = timedelta(days=1)
"""How long a receipt may wait for its deposit; the sweep leaves blobs alone for longer."""


@dataclass(frozen=True, slots=True)
class Uploads:
    """Takes blobs from accounts; a receipt ties a blob's size and digest to the account that sent it."""

    store: BlobStore
    limits: Limits
    clock: Clock
    key: bytes = field(repr=False)

    def put(self, actor: Actor, blob: str, pieces: Iterator[bytes], length: int) -> tuple[Blob, str]:
        """Store a whole blob of at most one part; returns it with its receipt, durable.

        Raises Mistake: too large, cut short, or the identifier is taken by other bytes.
        """
        self._check_length(length)
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
        self.store.write_part(checked(blob), number, _exactly(pieces, length), actor.account)

    def join(self, actor: Actor, blob: str, count: int) -> tuple[Blob, str]:
        """Make one blob of parts 0…count-1; asking again is answered the same."""
        if not 1 <= count <= self.limits.parcel_bytes // self.limits.part_bytes + 2:
            raise Mistake("A part of this blob is missing.", code="missing-part")
        stored = self.store.join_parts(checked(blob), count, actor.account)
        return stored, self.receipt(actor, stored)

    def receipt(self, actor: Actor, blob: Blob) -> str:
        """What the deposit shows instead of the blob."""
        facts: dict[str, str | int] = {
            "account": actor.account,
            "blob": blob.blob,
            "size": blob.size,
            "sha256": blob.sha256,
        }
        return vouchers.mint(self.key, _RECEIPT, facts, self.clock() + _GOOD_FOR)

    def redeem(self, actor: Actor, blob: str, receipt: str) -> Blob:
        """Return the blob that a receipt stands for; raises Denied ``bad-ticket``, Mistake ``foreign-receipt``."""
        facts = vouchers.read(self.key, _RECEIPT, receipt, self.clock())
        if (facts["account"], facts["blob"]) != (actor.account, blob):
            raise Mistake("This receipt belongs to another upload.", code="foreign-receipt")
        return Blob(facts["blob"], facts["size"], facts["sha256"])

    def _check_length(self, length: int) -> None:
        if not 0 < length <= self.limits.part_bytes:
            raise Mistake(
                "One upload has 1 to {most} bytes; send more in parts.",
                code="part-too-large",
                most=self.limits.part_bytes,
            )


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

"""Where a blob lies: one row per blob and patch, so that whoever patrols can prove all is well without a key.

A row is a whole *copy* of the blob or one *share*, of which any ``needed`` make the blob (docs/reference/shares.md).

=========  =====================================================================================
state      means
=========  =====================================================================================
whole      it is there: written, and confirmed by digest
wanted     it should be there and is not yet: a patch was down, or the rules changed
broken     it was there, and was found missing, short or altered
doomed     it should be gone and may still be there: the parcel ended, or the blob has moved
=========  =====================================================================================
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

CopyState = Literal["whole", "wanted", "broken", "doomed"]
WHOLE = -1
"""The ``share`` of a copy that is the whole blob."""
PIECE_BYTES = 1024 * 1024
"""An outline has one SHA-256 per this many bytes."""


@dataclass(frozen=True, slots=True)
class Copy:
    """One object at one patch. ``size`` and ``sha256`` are the object's: of a share, the share's own.

    Shares of one blob fit together when they have the same ``needed``. A share that is still ``wanted`` may have no
    ``sha256`` yet: nobody has computed it.
    """

    blob: str
    patch: str
    state: CopyState
    class_: int
    size: int
    sha256: str
    share: int = WHOLE
    checked: datetime | None = None
    row: int = 0
    needed: int = 1

    @property
    def name(self) -> str:
        """The object's name at its patch."""
        return self.blob if self.share == WHOLE else share_name(self.blob, self.needed, self.share)


@dataclass(frozen=True, slots=True)
class Outline:
    """A blob's size and digest, and the digests of its pieces: what lets a range be verified, not only the whole.

    ``pieces`` is empty for a blob of one piece (its digest is the blob's), and for old blobs that never had any.
    """

    blob: str
    size: int
    sha256: str
    pieces: tuple[bytes, ...] = ()

    @property
    def verifiable(self) -> bool:
        """Whether every piece can be verified by itself."""
        return self.size <= PIECE_BYTES or bool(self.pieces)

    def digest(self, number: int) -> bytes:
        """SHA-256 of piece ``number``."""
        return self.pieces[number] if self.pieces else bytes.fromhex(self.sha256)


def share_name(blob: str, needed: int, share: int) -> str:
    """The name of a share's object: who finds it knows which blob, how many shares it takes, and which one this is."""
    return f"{blob}-{needed:02d}-{share:02d}"


def complete(copies: Iterable[Copy]) -> dict[int, list[Copy]]:
    """Copies by how many of them are needed, where so many are there: each can make the blob. Whole copies first."""
    found: dict[int, dict[int | str, Copy]] = {}
    for copy in copies:
        # Two rows of one share are one share; whole copies are all alike and all worth having.
        found.setdefault(copy.needed, {}).setdefault(copy.patch if copy.share == WHOLE else copy.share, copy)
    return {needed: list(found[needed].values()) for needed in sorted(found) if len(found[needed]) >= needed}

"""A patchwork that keeps classes 0 to 3 in shares, and what tests do to its shares."""

import random
from pathlib import Path

from tests.patchwork.conftest import AMS, PAR, Quilt, make_quilt
from tests.suppliers.made import make_supplier
from zegel.parcels.copies import PIECE_BYTES
from zegel.stores.placement import Spread

MIB = PIECE_BYTES
LARGE = random.Random(7).randbytes(3 * MIB + 12345)
TWO_OF_THREE = Spread(copies=3, least=3, shares=2)


def make_shared(folder: Path, spread: Spread = Spread(3, 2, 2), more: int = 0) -> Quilt:  # noqa: B008 - frozen
    """Two suppliers and home, and ``more`` suppliers named b, c …"""
    names = "bcdefg"[:more]
    suppliers = (AMS, PAR, *(make_supplier(f"{name}-cloud") for name in names))
    spreads = dict.fromkeys(range(4), spread)
    return make_quilt(folder, spreads, suppliers, {name: f"{name}-cloud" for name in names}, home=5)


def shares(quilt: Quilt, blob: str) -> dict[str, int]:
    """Which share is where, as the rows say."""
    return {copy.patch: copy.share for copy in quilt.records.copies_of([blob])[blob] if copy.state != "doomed"}


def objects(quilt: Quilt, patch: str, blob: str) -> set[str]:
    """What a patch really has of a blob, without the blob's name."""
    return {path.name[27:] for path in quilt.stores[patch].blobs.glob(f"*/{blob}*")}


def spoil(quilt: Quilt, patch: str, blob: str, how: str) -> None:
    """Alter, truncate or remove the share at a patch."""
    (path,) = quilt.stores[patch].blobs.glob(f"*/{blob}-*")
    data = path.read_bytes()
    path.unlink()
    if how == "truncated":
        path.write_bytes(data[: len(data) // 2])
    elif how == "altered":
        path.write_bytes(bytes([data[0] ^ 1]) + data[1:])


def nobody_outside_has_two(quilt: Quilt, blob: str) -> bool:
    """Whether no supplier could make the blob of what lies there, deleted or not."""
    return all(len(objects(quilt, patch, blob)) <= 1 for patch in quilt.stores if patch != "home")

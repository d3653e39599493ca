"""A blob as shares, of which any ``needed`` make it again (docs/reference/shares.md): bytes in, bytes out.

The code is zfec's, a systematic Reed-Solomon code over GF(256). A *stripe* of 1 MiB of the blob, which is also the
piece that an outline has a digest of, becomes one block per share: streams and ranges take no more memory than that.
Bytes are dealt out one by one, so that whoever has one share does not even have a whole age header, and could not open
what he has with the key in his hand.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import combinations
from typing import Any

from zegel.errors import Mistake
from zegel.parcels.copies import PIECE_BYTES

STRIPE = PIECE_BYTES
TRAILER = 192
MOST = 16
"""Shares of one blob. So few that every choice among them can be tried when some were altered."""
_NUMBERS = 100
"""A block depends on its number and on ``needed`` only, so more shares can be added to a blob later."""


def blocks(stripe: bytes | bytearray, needed: int, numbers: Sequence[int]) -> list[bytes]:
    """The blocks of these shares for one stripe."""
    size = block_size(len(stripe), needed)
    dealt = tuple(stripe[start::needed].ljust(size, b"\0") for start in range(needed))
    found: list[bytes] = _encoder(needed).encode(dealt, tuple(numbers))
    return found


def stripe_of(found: Mapping[int, bytes], needed: int, size: int) -> bytearray:
    """The stripe of ``size`` bytes that any ``needed`` blocks make; of more, the first are taken."""
    numbers = sorted(found)[:needed]
    if numbers == list(range(needed)):
        dealt: Sequence[bytes] = [found[number] for number in numbers]
    else:
        dealt = _decoder(needed).decode(tuple(found[number] for number in numbers), tuple(numbers))
    whole = bytearray(block_size(size, needed) * needed)
    for start, block in enumerate(dealt):
        whole[start::needed] = block
    del whole[size:]
    return whole


def choices(have: Sequence[int], needed: int, newest: int | None = None) -> list[tuple[int, ...]]:
    """Every choice of blocks that could make a stripe; with ``newest`` only those that were not possible without it."""
    found = list(combinations(sorted(have), needed))
    return found if newest is None else [choice for choice in found if newest in choice]


def block_size(stripe: int, needed: int) -> int:
    """Bytes of each share for a stripe of so many bytes; the last ones are padded with zeros."""
    return -(-stripe // needed)


def block_at(number: int, needed: int) -> int:
    """Where stripe ``number`` begins in a share."""
    return number * block_size(STRIPE, needed)


def share_size(size: int, needed: int) -> int:
    """Bytes of one share of a blob of ``size`` bytes, its trailer included."""
    whole, rest = divmod(size, STRIPE)
    return block_at(whole, needed) + block_size(rest, needed) + TRAILER


def trailer(blob: str, needed: int, share: int, size: int, sha256: str) -> bytes:
    """What stands at the end of a share: enough to put the blob together when the database is gone."""
    text = f"zegel share v1\nblob {blob}\nneeded {needed}\nshare {share}\nsize {size}\nsha256 {sha256}\n"
    return text.encode().ljust(TRAILER - 1) + b"\n"


def check_library() -> None:
    """Raises Mistake ``no-zfec`` when shares cannot be made here."""
    try:
        import zfec  # noqa: F401
    except ImportError:
        raise Mistake(
            "The configuration asks for shares; install the library that makes them: pip install 'zegel[shares]'.",
            code="no-zfec",
        ) from None


@lru_cache(maxsize=MOST)
def _encoder(needed: int) -> Any:
    import zfec

    return zfec.Encoder(needed, _NUMBERS)


@lru_cache(maxsize=MOST)
def _decoder(needed: int) -> Any:
    import zfec

    return zfec.Decoder(needed, _NUMBERS)

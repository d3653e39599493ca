"""The digest in pieces against its definition, written out, for every way of cutting."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from zegel.parcels.pieces import PIECE, PieceDigest


def defined(data: bytes) -> str:
    pieces = [data[at : at + PIECE] for at in range(0, len(data), PIECE)]
    return hashlib.sha256(b"".join(hashlib.sha256(piece).digest() for piece in pieces)).hexdigest()


@given(st.sampled_from([0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE - 1, 3 * PIECE]), st.data())
def test_any_cuts_give_what_is_defined(length: int, data: st.DataObject) -> None:
    plain = (b"zegel" * (length // 5 + 1))[:length]
    cuts = sorted(data.draw(st.lists(st.integers(0, length), max_size=6)))
    digest = PieceDigest()
    for start, end in zip([0, *cuts], [*cuts, length], strict=True):
        digest.update(plain[start:end])
    assert digest.hexdigest() == defined(plain) == digest.hexdigest()


def test_two_plaintexts_that_differ_in_one_byte_differ() -> None:
    plain = bytearray(2 * PIECE + 5)
    before = defined(bytes(plain))
    plain[PIECE] ^= 1
    digest = PieceDigest()
    digest.update(plain)
    assert digest.hexdigest() != before

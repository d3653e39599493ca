"""The format of shares: the documented program, which knows nothing of zfec, puts together what we deal out."""

import hashlib
import random
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zegel.parcels.identifiers import new_identifier
from zegel.stores import sharing

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "shares.md"
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """The program on the documentation page, as it stands there."""
    found = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found
    names: dict[str, Any] = {"__name__": "page"}
    exec(compile(found[1], str(PAGE), "exec"), names)
    return names


def deal(blob: bytes, needed: int, numbers: range, name: str = "") -> list[bytes]:
    """Whole shares, as objects are."""
    name, digest = name or new_identifier(), hashlib.sha256(blob).hexdigest()
    made = [bytearray() for _ in numbers]
    for start in range(0, len(blob), sharing.STRIPE):
        blocks = sharing.blocks(blob[start : start + sharing.STRIPE], needed, numbers)
        for share, block in zip(made, blocks, strict=True):
            share.extend(block)
    return [
        bytes(share) + sharing.trailer(name, needed, number, len(blob), digest)
        for number, share in zip(numbers, made, strict=True)
    ]


def joined(shares: list[bytes], needed: int, size: int) -> bytes:
    """The blob, with our own reader's arithmetic; ``shares`` by their numbers, None where one is lost."""
    found = bytearray()
    for number in range(-(-size // sharing.STRIPE)):
        stripe = min(sharing.STRIPE, size - number * sharing.STRIPE)
        at, length = sharing.block_at(number, needed), sharing.block_size(stripe, needed)
        have = {n: share[at : at + length] for n, share in enumerate(shares) if share}
        found += sharing.stripe_of(have, needed, stripe)
    return bytes(found)


@pytest.mark.parametrize(("needed", "of"), [(2, 3), (3, 5), (5, 7), (10, 16)])
@pytest.mark.parametrize("size", [0, 1, 2, 3, 20_000, MIB - 1, MIB, MIB + 1])
def test_the_program_in_the_documentation_makes_the_blob_of_any_shares(
    page: dict[str, Any], needed: int, of: int, size: int
) -> None:
    blob = random.Random(size).randbytes(size)
    shares = deal(blob, needed, range(of))
    chosen = list(combinations(shares, needed))
    for some in random.Random(needed).sample(chosen, min(len(chosen), 3 if size > 20_000 else 20)):
        assert page["join"](random.Random(1).sample(some, needed)) == blob


def test_the_program_in_the_documentation_refuses_a_share_that_was_altered(page: dict[str, Any]) -> None:
    shares = deal(b"sealed" * 1000, 2, range(3))
    shares[1] = bytes([shares[1][0] ^ 1]) + shares[1][1:]
    with pytest.raises(AssertionError, match="altered"):
        page["join"](shares[1:])


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(2, 8), st.binary(max_size=3000), st.integers(0, 2))
def test_any_shares_that_are_enough_make_the_blob(data: st.DataObject, needed: int, tail: bytes, stripes: int) -> None:
    of = data.draw(st.integers(needed + 1, 12))
    lost = data.draw(st.sets(st.integers(0, of - 1), max_size=of - needed))
    blob = bytes(stripes * sharing.STRIPE) + tail
    shares = deal(blob, needed, range(of))
    assert {len(share) for share in shares} == {sharing.share_size(len(blob), needed)}
    assert joined([b"" if n in lost else share for n, share in enumerate(shares)], needed, len(blob)) == blob


def test_shares_that_are_added_later_fit_to_those_of_before() -> None:
    blob, name = random.Random(2).randbytes(5000), new_identifier()
    before, after = deal(blob, 3, range(4), name), deal(blob, 3, range(16), name)
    assert after[:4] == before
    for three in combinations(range(16), 3):
        assert joined([after[n] if n in three else b"" for n in range(16)], 3, len(blob)) == blob


def test_the_trailer_tells_a_finder_everything() -> None:
    end = sharing.trailer("k3mt3zmvwvuqrppbmm5mvjdu4q", 16, 15, 2**63, "0" * 64)
    assert len(end) == sharing.TRAILER == 192
    assert end.endswith(b"\n")
    assert end.split(b"\n")[:5] == [
        b"zegel share v1", b"blob k3mt3zmvwvuqrppbmm5mvjdu4q", b"needed 16", b"share 15", b"size 9223372036854775808",
    ]  # fmt: skip


def test_one_share_has_no_two_bytes_in_a_row_of_the_header() -> None:
    """Age headers are the first bytes of a blob; a supplier gets every other one, or sums of two."""
    header = b"age-encryption.org/v1\n-> mlkem768x25519 "
    first, second, third = (share[: -sharing.TRAILER] for share in deal(header, 2, range(3)))
    assert (first, second) == (header[::2], header[1::2])
    assert all(header[at : at + 3] not in third for at in range(len(header) - 3))

"""The link and the identity that follows from it (docs/format.md §3)."""

import contextlib
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zegel.errors import Mistake
from zegel.parcels import claim, identifiers

halves = st.binary(min_size=32, max_size=32)
slips = st.binary(min_size=16, max_size=16).map(identifiers.to_text)


def hkdf(ikm: bytes, salt: bytes, info: bytes) -> bytes:
    """RFC 5869 by hand, one block: the second opinion."""
    return hmac.digest(hmac.digest(salt, ikm, hashlib.sha256), info + b"\x01", hashlib.sha256)


@given(halves, halves, slips)
def test_the_seed_is_hkdf_as_the_format_says(secret: bytes, share: bytes, slip: str) -> None:
    wanted = hkdf(secret + share, identifiers.to_bytes(slip), b"zegel claim v1")
    assert claim.derive_seed(secret, share, slip) == wanted


@pytest.mark.parametrize(("secret", "share"), [(31, 33), (33, 31), (0, 64), (32, 0)])
def test_the_boundary_between_the_halves_cannot_move(secret: int, share: int) -> None:
    with pytest.raises(Mistake, match="32 bytes"):
        claim.derive_seed(b"x" * secret, b"x" * share, identifiers.new_identifier())


@given(
    halves, slips, st.sampled_from(["https://post.voorbeeld.example", "http://127.0.0.1:8025", "https://a.example/x"])
)
def test_a_link_reads_back(secret: bytes, slip: str, base: str) -> None:
    link = claim.Link(base, slip, secret)
    assert claim.read_link(f" <{link}> ") == link


@given(halves, slips, st.integers(1, 43))
def test_a_link_that_was_cut_says_so(secret: bytes, slip: str, cut: int) -> None:
    link = str(claim.Link("https://post.voorbeeld.example", slip, secret))
    with pytest.raises(Mistake, match="not complete"):
        claim.read_link(link[:-cut])


@given(halves)
def test_one_secret_has_one_spelling(secret: bytes) -> None:
    text = claim.spell_secret(secret)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    # The last character has two spare bits: three other spellings would decode to the same bytes.
    for other in alphabet:
        if other != text[-1]:
            with contextlib.suppress(Mistake):
                assert claim.read_secret(text[:-1] + other) != secret
    assert claim.read_secret(text) == secret


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hallo",
        "https://x.example/",
        "javascript:alert(1)",
        "ftp://x.example/o/" + "a" * 26,
        "https:///o/" + "a" * 26,
    ],
)
def test_nonsense_is_no_link(text: str) -> None:
    with pytest.raises(Mistake):
        claim.read_link(text)


def test_the_secret_shows_in_no_repr() -> None:
    link = claim.Link("https://x.example", identifiers.new_identifier(), b"s" * 32)
    assert "ssss" not in repr(link)


@given(st.text() | st.from_regex(r"https?://.*/o/[a-z2-7]{26}#.*"))
def test_garbage_is_a_mistake_and_nothing_else(text: str) -> None:
    with contextlib.suppress(Mistake):
        assert claim.read_link(text).slip

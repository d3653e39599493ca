"""One identifier has one spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zegel.errors import Mistake
from zegel.parcels import identifiers


@given(st.binary(min_size=16, max_size=16))
def test_spelling_and_reading_are_inverse(raw: bytes) -> None:
    text = identifiers.to_text(raw)
    assert len(text) == 26
    assert identifiers.to_bytes(text) == raw


@given(st.text(max_size=40) | st.from_regex(r"[a-z2-7]{26}", fullmatch=True))
def test_what_is_accepted_is_spelled_the_same(text: str) -> None:
    try:
        raw = identifiers.to_bytes(text)
    except Mistake:
        return
    assert identifiers.to_text(raw) == text


@pytest.mark.parametrize("text", ["", "a" * 25, "a" * 27, "A" * 26, "a" * 25 + "b", "a" * 26 + "\n", "../" + "a" * 23])
def test_other_spellings_are_refused(text: str) -> None:
    with pytest.raises(Mistake, match="identifier"):
        identifiers.checked(text)


def test_fresh_ones_differ() -> None:
    assert len({identifiers.new_identifier() for _ in range(1000)}) == 1000

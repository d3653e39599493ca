"""Vouchers: nobody but the server makes one, and each is good for one thing until one moment."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zegel.errors import Denied
from zegel.parcels import vouchers

NOW = datetime(2026, 11, 20, 9, 14, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


@given(st.dictionaries(st.sampled_from(["slip", "blob"]), st.text(max_size=30) | st.integers(0, 2**50)))
def test_facts_come_back(facts: dict[str, str | int]) -> None:
    read = vouchers.read(b"key", "ticket", vouchers.mint(b"key", "ticket", facts, LATER), NOW)
    assert {name: read[name] for name in facts} == facts


@pytest.mark.parametrize(
    ("key", "purpose", "now"), [(b"other", "ticket", NOW), (b"key", "receipt", NOW), (b"key", "ticket", LATER)]
)
def test_other_keys_purposes_and_times_are_refused(key: bytes, purpose: str, now: datetime) -> None:
    voucher = vouchers.mint(b"key", "ticket", {"slip": "x"}, LATER)
    with pytest.raises(Denied):
        vouchers.read(key, purpose, voucher, now)


@given(st.data())
def test_any_altered_character_is_refused(data: st.DataObject) -> None:
    voucher = vouchers.mint(b"key", "ticket", {"slip": "x"}, LATER)
    position = data.draw(st.integers(0, len(voucher) - 1))
    other = data.draw(st.sampled_from("ABCXYZabcxyz0189-_.=").filter(lambda c: c != voucher[position]))
    altered = voucher[:position] + other + voucher[position + 1 :]
    try:
        facts = vouchers.read(b"key", "ticket", altered, NOW)
    except Denied:
        return
    # The spare bits of the last base64 character carry nothing.
    assert facts["slip"] == "x"


@given(st.text(max_size=3000))
def test_garbage_is_refused(garbage: str) -> None:
    with pytest.raises(Denied):
        vouchers.read(b"key", "ticket", garbage, NOW)

"""Addresses that are safe in headers and tables, and names of people."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zegel.errors import Mistake
from zegel.parcels.addresses import checked_address, shown_name

NAMES = Path(__file__).parents[1] / "vectors" / "names.json"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("j.dejong@example.net", "j.dejong@example.net"),
        (" Jan@EXAMPLE.NET ", "Jan@example.net"),
        ("zoë@voorbeeld.example", "zoë@voorbeeld.example"),
        ("o'brien+wmo@example.net", "o'brien+wmo@example.net"),
        ("post@localhost", "post@localhost"),
    ],
)
def test_addresses_are_read(text: str, address: str) -> None:
    assert checked_address(text) == address


@pytest.mark.parametrize(
    "text",
    ["", "x", "@x.example", "x@", "a b@x.example", "a@x..example", "a@-x.example", "a@x.example\r\nBcc: b@y.example",
     '"a b"@x.example', "a@[127.0.0.1]", "a,b@x.example", "a@b@c.example,", "<a@x.example>", "a" * 65 + "@x.example",
     "a@" + "x" * 64 + ".example", "a@x_y.example", "a..b@x.example", "a\u202eb@x.example", "a\u200bb@x.example",
     "a\ud800b@x.example", "a\u0085b@x.example"],
)  # fmt: skip
def test_others_are_refused(text: str) -> None:
    with pytest.raises(Mistake):
        checked_address(text)


@given(st.text(max_size=100))
def test_what_is_accepted_can_stand_in_a_header(text: str) -> None:
    try:
        address = checked_address(text)
    except Mistake:
        return
    assert not set(address) & set('\r\n\x00<>,;"()[] \t')
    assert address.isprintable()


@pytest.mark.parametrize("case", json.loads(NAMES.read_text())["cases"], ids=lambda case: repr(case["shown"][:20]))
def test_names_of_people_are_shown_as_they_look(case: dict[str, str]) -> None:
    """The browser is held to the same table (tests/node)."""
    assert shown_name(case["written"]) == case["shown"]


def test_half_a_character_is_none() -> None:
    assert shown_name("Jan\ud800") == "Jan"


@given(st.text(max_size=300))
def test_a_shown_name_is_one_line_and_stays_as_it_is(text: str) -> None:
    name = shown_name(text)
    assert name.isprintable()
    assert len(name) <= 200
    assert shown_name(name) == name

"""Return addresses: made, folded by servers on the way, forged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zegel.errors import Denied, Mistake
from zegel.post.verp import BounceAddresses

_SLIP = "k3mt3zmvwvuqrppbmm5mvjdu4q"
_KEY = bytes(range(32))
ADDRESSES = BounceAddresses("post@voorbeeld.example", _KEY)
_slips = st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=26, max_size=26)


@given(slip=_slips, fold=st.lists(st.booleans(), min_size=100, max_size=100))
def test_an_address_leads_to_its_slip_whatever_case_servers_make_of_it(slip: str, fold: list[bool]) -> None:
    made = ADDRESSES.make(slip)
    folded = "".join(char.upper() if up else char for char, up in zip(made, fold, strict=False))
    assert ADDRESSES.fits(folded)
    assert ADDRESSES.read(folded) == slip


@given(slip=_slips, other=_slips, key=st.binary(min_size=32, max_size=32))
def test_nobody_else_makes_one(slip: str, other: str, key: bytes) -> None:
    forged = BounceAddresses(ADDRESSES.base, key).make(slip)
    moved = ADDRESSES.make(slip).replace(slip, other)
    for address in (forged, moved):
        if address != ADDRESSES.make(slip):
            with pytest.raises(Denied) as caught:
                ADDRESSES.read(address)
            assert caught.value.kind == "forged-bounce"


def test_every_altered_character_is_noticed() -> None:
    made = ADDRESSES.make(_SLIP)
    for place, char in enumerate(made):
        altered = f"{made[:place]}{'a' if char != 'a' else 'b'}{made[place + 1 :]}"
        with pytest.raises(Denied):
            ADDRESSES.read(altered)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "@",
        "post@voorbeeld.example",
        "post+b-x-y@voorbeeld.example",
        "post+news@voorbeeld.example",
        "post+b-" + "a" * 26,
        f"post+b-{'a' * 26}-{'a' * 16}@elders.example",
        f"pos+b-{'a' * 26}-{'a' * 16}@voorbeeld.example",
        f"post+b-{'a' * 26}-{'a' * 17}@voorbeeld.example",
        f"post+b-{'a' * 26}-{'a' * 16}\n@voorbeeld.example",
    ],
)
def test_other_addresses_do_not_fit(address: str) -> None:
    assert not ADDRESSES.fits(address)
    with pytest.raises(Denied):
        ADDRESSES.read(address)


def test_it_fits_into_a_local_part() -> None:
    longest = BounceAddresses(f"{'p' * 18}@voorbeeld.example", _KEY)
    assert len(longest.make(_SLIP).partition("@")[0]) == 64
    with pytest.raises(Mistake, match="too long"):
        BounceAddresses(f"{'p' * 19}@voorbeeld.example", _KEY)


def test_the_key_is_not_shown() -> None:
    assert repr(_KEY) not in repr(ADDRESSES)

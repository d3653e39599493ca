"""What-if: counts add up, and agree with counting blob by blob."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from zegel.suppliers.gone import GB, Group, what_if_gone

_PATCHES = ["a", "b", "c"]


def test_what_is_nowhere_else_is_unreadable() -> None:
    groups = [
        Group(2, frozenset({"a"}), 3, 3 * GB),
        Group(2, frozenset({"a", "b"}), 5, 5 * GB),
        Group(3, frozenset({"b"}), 7, 7 * GB),
    ]
    found = what_if_gone(groups, frozenset({"a"}), {2: 2}, 10**8, Decimal("0.02"))
    assert [(loss.class_, loss.unreadable, loss.under_copied, loss.untouched) for loss in found.losses] == [
        (2, 3, 5, 0),
        (3, 0, 0, 7),
    ]
    assert (found.unreadable, found.bytes_to_move, found.egress_eur) == (3, 8 * GB, Decimal("0.16"))
    assert found.seconds == 80


def test_shares_are_unreadable_below_k() -> None:
    group = Group(3, frozenset(_PATCHES), 1, 10, needed=2)
    assert what_if_gone([group], frozenset("a"), {3: 3}, 1, None).unreadable == 0
    assert what_if_gone([group], frozenset("ab"), {3: 3}, 1, None).unreadable == 1


@given(
    st.lists(st.frozensets(st.sampled_from(_PATCHES), min_size=1), max_size=20),
    st.frozensets(st.sampled_from(_PATCHES)),
)
def test_groups_say_what_counting_one_by_one_says(blobs: list[frozenset[str]], gone: frozenset[str]) -> None:
    found = what_if_gone([Group(2, patches, 1, 1) for patches in blobs], gone, {2: 2}, 1, None)
    assert found.unreadable == sum(patches <= gone for patches in blobs)
    assert sum(loss.unreadable + loss.under_copied + loss.untouched for loss in found.losses) == len(blobs)

"""Until when, as senders write it."""

import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zegel.errors import Mistake
from zegel.parcels.deposit import check_expiry
from zegel.parcels.expiry import read_expiry
from zegel.parcels.limits import Limits

NOW = datetime(2026, 11, 20, 9, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("14d", NOW + timedelta(days=14)),
        (" 1 D ", NOW + timedelta(days=1)),
        ("2026-12-20", datetime(2026, 12, 20, 22, 59, 59, tzinfo=UTC)),
        ("2026-12-20T09:14:00Z", datetime(2026, 12, 20, 9, 14, tzinfo=UTC)),
    ],
)
def test_periods_and_dates(text: str, moment: datetime) -> None:
    assert read_expiry(text, NOW) == moment


@given(st.text(max_size=30))
def test_nonsense_is_a_mistake_and_nothing_else(text: str) -> None:
    with contextlib.suppress(Mistake):
        assert read_expiry(text, NOW).tzinfo is not None


@pytest.mark.parametrize("text", ["", "morgen", "0d", "-3d", "2026-02-30", "99999d", "9999-12-31T99:00:00Z"])
def test_what_is_no_moment_or_not_allowed_is_refused(text: str) -> None:
    with pytest.raises(Mistake):
        check_expiry(read_expiry(text, NOW), NOW, Limits())


def test_the_past_and_the_far_future_are_refused() -> None:
    check_expiry(NOW + timedelta(days=365), NOW, Limits())
    for moment in (NOW, NOW - timedelta(days=1), NOW + timedelta(days=366), NOW.replace(tzinfo=None)):
        with pytest.raises(Mistake):
            check_expiry(moment, NOW, Limits())

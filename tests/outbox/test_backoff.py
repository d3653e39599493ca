from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.outbox.facts import NOW
from zegel.outbox.backoff import FIRST, GIVE_UP, LONGEST, schedule

_draws = st.floats(min_value=0, max_value=1, exclude_max=True)


def _pause(attempts: int, draw: float = 0.5) -> timedelta:
    due = schedule(attempts, NOW, NOW, lambda: draw)
    assert due is not None
    return due - NOW


def test_the_pause_doubles_from_a_minute_to_four_hours() -> None:
    minutes = [_pause(attempts).total_seconds() / 60 for attempts in range(1, 11)]
    assert minutes == [1, 2, 4, 8, 16, 32, 64, 128, 240, 240]


@given(attempts=st.integers(1, 10**6), draw=_draws)
def test_jitter_stays_within_a_quarter(attempts: int, draw: float) -> None:
    assert _pause(attempts, 0.5) * 0.75 <= _pause(attempts, draw) <= _pause(attempts, 0.5) * 1.25
    assert FIRST * 0.75 <= _pause(attempts, draw) <= LONGEST * 1.25


@given(draws=st.lists(_draws, min_size=100, max_size=100))
def test_it_ends_after_three_days_and_not_before(draws: list[float]) -> None:
    now = NOW
    for attempts, draw in enumerate(draws, 1):
        due = schedule(attempts, NOW, now, lambda draw=draw: draw)  # type: ignore[misc]
        if due is None:
            assert now == NOW + GIVE_UP
            assert 20 < attempts < 45
            return
        assert now < due <= NOW + GIVE_UP
        now = due
    raise AssertionError("never gave up")


def test_a_clock_far_ahead_gives_up() -> None:
    assert schedule(1, NOW, NOW + timedelta(days=400)) is None

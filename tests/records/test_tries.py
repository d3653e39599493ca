"""Codes and tries of a slip."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from tests.ground.deposits import NOW, put
from zegel.errors import NotFound
from zegel.records.sql import SqlRecords

SOON = NOW + timedelta(minutes=10)


@pytest.fixture
def slip(records: SqlRecords) -> str:
    return put(records).readers[0].slip


def test_the_newest_code_counts_and_starts_at_no_tries(records: SqlRecords, slip: str) -> None:
    assert records.code(slip) is None
    with records.transaction():
        records.set_code(slip, b"a" * 32, NOW)
        records.count_try(slip, NOW)
        assert records.code(slip) == (b"a" * 32, NOW, 1)
        records.set_code(slip, b"b" * 32, SOON)
    assert records.code(slip) == (b"b" * 32, SOON, 0)


def test_a_code_opens_once(records: SqlRecords, slip: str) -> None:
    with records.transaction():
        records.set_code(slip, b"a" * 32, SOON)
        assert records.use_code(slip)
        assert not records.use_code(slip)
    assert records.code(slip) is None


def test_tries_add_up_until_a_proof_succeeds(records: SqlRecords, slip: str) -> None:
    with records.transaction():
        assert [records.count_try(slip, NOW) for _ in range(3)] == [1, 2, 3]
        records.set_pause(slip, SOON)
        assert records.pause(slip) == SOON
        records.set_pause(slip, None)
        assert records.count_try(slip, NOW) == 4
        records.set_pause(slip, None, reset=True)
        assert records.count_try(slip, NOW) == 1
    assert records.pause(slip) is None


def test_a_try_of_an_unknown_slip_is_not_found(records: SqlRecords) -> None:
    with pytest.raises(NotFound), records.transaction():
        records.count_try("onbekend", NOW)
    assert (records.code("onbekend"), records.pause("onbekend")) == (None, None)


def test_a_destroyed_slip_gets_no_new_code(records: SqlRecords) -> None:
    deposit = put(records)
    slip = deposit.readers[0].slip
    with records.transaction():
        records.destroy_slips(deposit.parcel, NOW)
        records.set_code(slip, b"a" * 32, SOON)
    assert records.code(slip) is None


def test_last_codes_are_those_of_this_slip_since_then(records: SqlRecords, slip: str) -> None:
    other = put(records).readers[0].slip
    with records.transaction():
        for minutes in (5, 1, 3):
            records.add_outbox("sms-code", slip, b"", NOW + timedelta(minutes=minutes))
        records.add_outbox("sms-code", other, b"", SOON)
    assert records.last_codes(slip, NOW + timedelta(minutes=2)) == [NOW + timedelta(minutes=m) for m in (3, 5)]


def test_simultaneous_tries_are_judged_one_at_a_time(records: SqlRecords, slip: str) -> None:
    """The attack: a hundred guesses in one instant, so that all are judged before the first is counted."""
    together = Barrier(8, timeout=60)

    def guess(_: int) -> bool:
        together.wait()
        with records.transaction():
            if records.pause(slip):
                return False
            if records.count_try(slip, NOW) % 3 == 0:
                records.set_pause(slip, SOON)
        return True

    with ThreadPoolExecutor(8) as threads:
        judged = list(threads.map(guess, range(8)))
    assert sum(judged) == 3

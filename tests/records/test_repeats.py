"""Mails that were taken: the first parcel counts, also when two come at once."""

import threading
from datetime import UTC, datetime, timedelta

from django.db import connection

from tests.ground.databases import Database
from zegel.records.sql import SqlRecords

NOW = datetime(2026, 11, 20, 9, 14, tzinfo=UTC)
ONCE = bytes(range(32))


def test_the_first_parcel_counts(records: SqlRecords) -> None:
    with records.transaction():
        assert records.first_parcel(ONCE, "A" * 26, NOW) == "A" * 26
        assert records.first_parcel(bytes(32), "B" * 26, NOW) == "B" * 26
    with records.transaction():
        assert records.first_parcel(ONCE, "C" * 26, NOW + timedelta(days=1)) == "A" * 26


def test_what_is_rolled_back_was_not_the_first(records: SqlRecords) -> None:
    class Broken(Exception):
        pass

    try:
        with records.transaction():
            records.first_parcel(ONCE, "A" * 26, NOW)
            raise Broken
    except Broken:
        pass
    with records.transaction():
        assert records.first_parcel(ONCE, "B" * 26, NOW) == "B" * 26


def test_old_ones_are_forgotten(records: SqlRecords) -> None:
    with records.transaction():
        records.first_parcel(ONCE, "A" * 26, NOW)
        records.first_parcel(bytes(32), "B" * 26, NOW + timedelta(days=2))
        assert records.forget_mails(NOW + timedelta(days=1)) == 1
        assert records.first_parcel(ONCE, "C" * 26, NOW) == "C" * 26
        assert records.first_parcel(bytes(32), "D" * 26, NOW) == "B" * 26


def test_of_many_at_once_one_is_the_first(database: Database, records: SqlRecords) -> None:
    found: list[str] = []
    start = threading.Barrier(6)

    def take(parcel: str) -> None:
        start.wait(60)
        try:
            with records.transaction():
                found.append(records.first_parcel(ONCE, parcel, NOW))
        finally:
            connection.close()

    threads = [threading.Thread(target=take, args=(letter * 26,)) for letter in "ABCDEF"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len(set(found)) == 1

"""Lists: newest first, page by page, in the same two queries whatever their length."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.ground.deposits import NOW, SENDER, make_deposit, put
from zegel.errors import NotFound
from zegel.records.sql import SqlRecords

OTHER = "belastingen@voorbeeld.example"


def pages(records: SqlRecords, limit: int) -> Iterator[list[str]]:
    before = ""
    while page := [status.parcel for status in records.parcels_of(SENDER, before, limit)]:
        yield page
        before = page[-1]


def test_pages_hold_every_parcel_once_newest_first(records: SqlRecords) -> None:
    # Several at the same moment: a page may end among them.
    made = [(put(records, now=NOW + timedelta(seconds=i // 4)).parcel, i // 4) for i in range(11)]
    put(records, make_deposit(sender=OTHER))

    listed = list(pages(records, 3))

    assert [len(page) for page in listed] == [3, 3, 3, 2]
    together = [parcel for page in listed for parcel in page]
    assert together == [parcel for parcel, _ in sorted(made, key=lambda made: (made[1], made[0]), reverse=True)]


def test_a_page_cannot_start_at_somebody_elses_parcel(records: SqlRecords) -> None:
    theirs = put(records, make_deposit(sender=OTHER))
    with pytest.raises(NotFound):
        records.parcels_of(SENDER, theirs.parcel)


def test_a_list_takes_two_queries_and_fetches_no_sealed_bytes(records: SqlRecords) -> None:
    for i in range(12):
        put(records, now=NOW + timedelta(minutes=i), readers=3)
    with CaptureQueriesContext(connection) as queries:
        listed = records.parcels_of(SENDER)
    assert len(listed) == 12
    assert all(len(status.readers) == 3 for status in listed)
    assert len(queries) == 2
    assert not any("sealed_slip" in query["sql"] or "share" in query["sql"] for query in queries)


def test_due_parcels_are_live_and_past_their_expiry(records: SqlRecords) -> None:
    late = put(records, expires=NOW + timedelta(days=1))
    later = put(records, expires=NOW + timedelta(days=2))
    revoked = put(records, expires=NOW + timedelta(days=1))
    put(records, expires=NOW + timedelta(days=9))
    with records.transaction():
        records.set_state(revoked.parcel, "revoked")

    assert records.due_parcels(NOW) == []
    assert records.due_parcels(NOW + timedelta(days=3)) == [late.parcel, later.parcel]
    assert records.due_parcels(NOW + timedelta(days=3), limit=1) == [late.parcel]


def test_ended_parcels_wait_for_their_blobs_to_go(records: SqlRecords) -> None:
    first, second, third = (put(records) for _ in range(3))
    with records.transaction():
        for parcel, state in ((first, "revoked"), (second, "expired"), (third, "revoked"), (third, "gone")):
            records.set_state(parcel.parcel, state)
    assert sorted(records.ended_parcels()) == sorted([first.parcel, second.parcel])


@pytest.mark.parametrize(
    ("sql", "index"),
    [
        (
            "SELECT * FROM parcel WHERE sender = 'x' AND created <= '2026-01-01' ORDER BY created DESC, parcel DESC",
            "parcel_of_sender",
        ),
        ("SELECT parcel FROM parcel WHERE state = 'live' AND expires <= '2026-01-01' ORDER BY expires", "parcel_due"),
        ("SELECT parcel FROM parcel WHERE state IN ('revoked', 'expired') ORDER BY parcel", "parcel_ended"),
        ("SELECT * FROM outbox WHERE state = 'waiting' AND due <= '2026-01-01' ORDER BY due, \"row\"", "outbox_due"),
        ("SELECT state, count(*) FROM outbox GROUP BY state", "outbox_due"),
        ("SELECT * FROM audit_entry WHERE subject = 'x' ORDER BY number DESC", "audit_of_subject"),
        ("SELECT * FROM slip WHERE parcel_id IN ('x', 'y')", "slip_place"),
        ("SELECT * FROM blob WHERE parcel_id = 'x' ORDER BY place", "blob_place"),
    ],
)
def test_every_question_has_its_index(records: SqlRecords, sql: str, index: str) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET enable_seqscan = off; SET enable_sort = off; SET enable_bitmapscan = off")
            cursor.execute(f"EXPLAIN {sql} LIMIT 9")
        else:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql} LIMIT 9")
        plan = "\n".join(str(row) for row in cursor.fetchall())
    # SQLite names the index of a UNIQUE constraint itself.
    names = (index, f"sqlite_autoindex_{index.removesuffix('_place')}_2")
    assert any(name in plan for name in names), plan
    assert "TEMP B-TREE" not in plan, plan

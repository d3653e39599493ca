"""Lists: newest first, page by page, in the same two queries whatever their length."""

import re
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.ground import databases
from tests.ground.databases import Database
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


class Plans:
    """Asks the database how it will answer each query that runs inside, with the values that are bound to it."""

    def __init__(self) -> None:
        self.plans: list[str] = []

    def __call__(self, execute, sql, params, many, context):
        explain = "EXPLAIN " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN "
        if "SELECT" in sql:
            cursor = context["connection"].connection.cursor()
            cursor.execute(explain + (sql if explain == "EXPLAIN " else sql.replace("%s", "?")), params or ())
            self.plans.append("\n".join(str(row) for row in cursor.fetchall()))
            cursor.close()
        return execute(sql, params, many, context)


QUESTIONS = {
    "page": (
        lambda records, deposit: records.parcels_of(SENDER, deposit.parcel, 9),
        ["parcel_of_sender", "slip_place"],
    ),
    "blobs": (lambda records, deposit: records.blobs_of(deposit.parcel), ["blob_place"]),
    "slips": (lambda records, deposit: records.slips_of(deposit.parcel), ["slip_place"]),
    "due": (lambda records, _: records.due_parcels(NOW, 9), ["parcel_due"]),
    "ended": (lambda records, _: records.ended_parcels(9), ["parcel_ended"]),
    "lease": (lambda records, _: records.lease_outbox(NOW, "courier", 9, 60), ["outbox_due"]),
    "count": (lambda records, _: records.count_outbox(), ["outbox_due"]),
    "codes": (lambda records, _: records.last_codes("x", NOW), ["outbox_of_slip"]),
    "audit": (lambda records, _: records.audit_of("x", 9), ["audit_of_subject"]),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_has_its_index(database: Database, records: SqlRecords, question: str) -> None:
    put(records, now=NOW - timedelta(days=1))
    deposit, (ask, indexes) = put(records), QUESTIONS[question]
    if database.kind == "postgres":
        # A table of two rows is read whole, whatever the indexes; so leave only what a large one would use.
        databases.switch(database.url + "&options=" + quote("-c enable_seqscan=off -c enable_bitmapscan=off"))
    plans = Plans()
    with connection.execute_wrapper(plans):
        ask(records, deposit)
    together = "\n".join(plans.plans)
    for index in indexes:
        # SQLite names the index of a UNIQUE constraint itself.
        own = f"sqlite_autoindex_{index.removesuffix('_place')}_2"
        assert index in together or own in together, together
    assert "Seq Scan" not in together, together
    assert not re.findall(r"SCAN (?:parcel|slip|blob|outbox|audit_entry)\b(?! USING)", together), together

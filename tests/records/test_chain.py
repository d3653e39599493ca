"""The audit chain in the database: it only grows, in one line, and alterations show."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from tests.ground.databases import Database
from tests.ground.deposits import NOW
from zegel.audit.entry import check_chain
from zegel.errors import Damaged, Mistake
from zegel.records.sql import SqlRecords


def append(records: SqlRecords, count: int = 1, **facts: object) -> None:
    with records.transaction():
        for number in range(count):
            records.append_audit(
                NOW + timedelta(microseconds=number), "operator", "account:added", f"account{number}", facts
            )


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_entries_are_read_back_as_a_whole_chain(records: SqlRecords) -> None:
    append(records, 3, readers=2, archived=True, proof="sms")
    append(records, 2)
    entries = records.audit_entries()
    assert [entry.number for entry in entries] == [1, 2, 3, 4, 5]
    assert entries[0].facts == {"readers": 2, "archived": True, "proof": "sms"}
    assert entries[1].moment == NOW + timedelta(microseconds=1)
    assert check_chain(entries) == records.audit_head() == entries[-1].head


def test_entries_come_in_pages(records: SqlRecords) -> None:
    append(records, 5)
    assert [entry.number for entry in records.audit_entries(after=1, limit=2)] == [2, 3]
    assert records.audit_entries(after=5) == []
    assert [entry.number for entry in records.audit_of("account1")] == [2]


def test_an_unknown_event_or_an_address_is_refused(records: SqlRecords) -> None:
    for event, facts in (("account:frobnicated", {}), ("account:added", {"who": "zorg@voorbeeld.example"})):
        with pytest.raises(Mistake), records.transaction():
            records.append_audit(NOW, "operator", event, "x", facts)
    assert records.audit_head().number == 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET actor = 'nobody'",
        "UPDATE audit_entry SET actor = 'nobody' WHERE number = 2",
        "DELETE FROM audit_entry WHERE number = 2",
        "DELETE FROM audit_entry",
    ],
)
def test_the_database_refuses_to_change_an_entry(records: SqlRecords, statement: str) -> None:
    append(records, 3)
    with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic():
        sql(statement)
    assert check_chain(records.audit_entries()).number == 3


def test_postgresql_refuses_to_truncate(postgres: Database) -> None:
    append(SqlRecords(), 3)
    with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic():
        sql("TRUNCATE audit_entry")


def test_sqlite_refuses_to_replace(sqlite: Database) -> None:
    append(SqlRecords(), 3)
    with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic():
        sql("INSERT OR REPLACE INTO audit_entry SELECT * FROM audit_entry WHERE number = 2")


@pytest.mark.parametrize(
    ("statement", "kind", "number"),
    [
        ("UPDATE audit_entry SET actor = 'nobody' WHERE number = 3", "chain-altered", 3),
        ("UPDATE audit_entry SET facts = '{{}}' WHERE number = 3", "chain-altered", 3),
        ("UPDATE audit_entry SET facts = 'not json' WHERE number = 3", "chain-altered", 3),
        ("UPDATE audit_entry SET moment = '2026-01-01 00:00:00+00' WHERE number = 3", "chain-altered", 3),
        ("UPDATE audit_entry SET hash = previous WHERE number = 3", "chain-altered", 3),
        ("DELETE FROM audit_entry WHERE number = 3", "chain-gap", 3),
        ("UPDATE audit_entry SET number = number + 10 WHERE number = 5", "chain-gap", 5),
        ("DELETE FROM audit_entry WHERE number > 3", "chain-cut", 4),
    ],
)
def test_what_the_owner_alters_shows(database: Database, statement: str, kind: str, number: int) -> None:
    records = SqlRecords()
    append(records, 5, readers=1)
    with database.may_break_the_chain():
        sql(statement.replace("{{}}", "{}"))
    with pytest.raises(Damaged) as found:
        check_chain(records.audit_entries(), records.audit_head())
    assert (found.value.kind, found.value.facts["number"]) == (kind, number)


def test_a_chain_whose_head_was_set_back_does_not_fork(records: SqlRecords) -> None:
    append(records, 3)
    two = records.audit_entries()[1]
    sql(f"UPDATE audit_head SET number = 2, hash = '{two.hash}'")
    with pytest.raises(Damaged) as found:
        append(records)
    assert (found.value.kind, found.value.facts["number"]) == ("chain-uncounted", 3)


def test_a_chain_without_head_takes_no_entry(records: SqlRecords) -> None:
    sql("DELETE FROM audit_head")
    for question in (lambda: append(records), records.audit_head):
        with pytest.raises(Damaged):
            question()

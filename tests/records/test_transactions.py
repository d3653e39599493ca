"""All or nothing, durable when it returns, and every error of the database becomes one of ours."""

import pytest
from django.db import DatabaseError, connection

from tests.ground import databases
from tests.ground.databases import Database
from tests.ground.deposits import NOW, make_deposit, put
from zegel.errors import Damaged, Mistake, Unavailable
from zegel.parcels.deposit import digest
from zegel.records import models
from zegel.records.border import border
from zegel.records.sql import SqlRecords


def append(records: SqlRecords) -> None:
    records.append_audit(NOW, "operator", "account:added", "x", {})


@pytest.mark.parametrize(
    "write",
    [
        lambda records: records.add_deposit(make_deposit(), "", NOW, ""),
        lambda records: records.mark("x", "opened", NOW),
        lambda records: records.destroy_slips("x", NOW),
        lambda records: records.set_state("x", "gone"),
        lambda records: records.set_expiry("x", NOW),
        lambda records: records.set_code("x", b"", NOW),
        lambda records: records.use_code("x"),
        lambda records: records.count_try("x", NOW),
        lambda records: records.set_pause("x", None),
        lambda records: records.add_outbox("notice", "x", b"", NOW),
        lambda records: records.finish_outbox([1], "x"),
        lambda records: records.retry_outbox(1, "x", NOW, ""),
        lambda records: records.bury_outbox(1, "x", ""),
        lambda records: records.renew_outbox(1, "x", NOW),
        lambda records: records.sweep_outbox(NOW),
        append,
    ],
)
def test_a_write_outside_a_transaction_is_refused(sqlite: Database, write) -> None:
    with pytest.raises(AssertionError):
        write(SqlRecords())


def test_what_fails_leaves_nothing(records: SqlRecords) -> None:
    def fail_halfway() -> None:
        deposit = make_deposit()
        with records.transaction():
            records.add_deposit(deposit, digest(deposit), NOW, "")
            append(records)
            raise ValueError("halfway")

    with pytest.raises(ValueError, match="halfway"):
        fail_halfway()
    assert models.Parcel.objects.count() == 0
    assert records.audit_head().number == 0


def test_nested_transactions_join(records: SqlRecords) -> None:
    def fail_after_an_inner_one() -> None:
        with records.transaction():
            with records.transaction():
                append(records)
            raise ValueError("outer")

    with pytest.raises(ValueError, match="outer"):
        fail_after_an_inner_one()
    assert records.audit_head().number == 0


def test_a_swallowed_error_does_not_pass_for_success(records: SqlRecords) -> None:
    """Both Django and PostgreSQL would roll back at the end and return as if all were well."""
    thief = make_deposit(blobs=put(records).blobs)

    def swallow() -> None:
        with records.transaction():
            append(records)
            with pytest.raises(Mistake):
                records.add_deposit(thief, digest(thief), NOW, "")

    with pytest.raises(Unavailable) as lost:
        swallow()
    assert lost.value.kind == "transaction-lost"
    assert records.audit_head().number == 0


def test_a_swallowed_constraint_condemns_it_also_where_the_database_would_go_on(records: SqlRecords) -> None:
    def swallow() -> None:
        with records.transaction():
            append(records)
            with pytest.raises(Mistake), border():
                models.AuditHead.objects.create(row=2, number=1, hash="0" * 64)

    with pytest.raises(Unavailable):
        swallow()
    assert records.audit_head().number == 0


def test_an_inner_failure_that_is_swallowed_condemns_the_outer_one(records: SqlRecords) -> None:
    def swallow() -> None:
        with records.transaction():
            append(records)
            with pytest.raises(ValueError, match="inner"), records.transaction():
                raise ValueError("inner")

    with pytest.raises(Unavailable):
        swallow()
    assert records.audit_head().number == 0


def test_a_failure_that_only_postgresql_knows_of_condemns_it_too(postgres: Database) -> None:
    records = SqlRecords()

    def swallow() -> None:
        with records.transaction():
            append(records)
            with pytest.raises(DatabaseError), connection.cursor() as cursor:
                cursor.execute("SELECT 1/0")

    with pytest.raises(Unavailable):
        swallow()
    assert records.audit_head().number == 0


def test_a_connection_that_breaks_off_is_unavailable_and_the_next_one_works(postgres: Database) -> None:
    records = SqlRecords()

    def break_off() -> None:
        with records.transaction():
            append(records)
            end_connections(postgres.url)
            append(records)

    with pytest.raises(Unavailable) as away:
        break_off()
    assert away.value.kind == "database-away"
    with records.transaction():
        append(records)
    assert records.audit_head().number == 1


def test_a_server_that_was_restarted_costs_nobody_an_error(postgres: Database) -> None:
    records = SqlRecords()
    put(records)
    end_connections(postgres.url)
    put(records)
    assert models.Parcel.objects.count() == 2


def end_connections(url: str) -> None:
    import psycopg

    with psycopg.connect(url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                      " AND datname = current_database()")  # fmt: skip


def test_a_pooled_connection_is_held_no_longer_than_needed(postgres: Database) -> None:
    records = SqlRecords()
    deposit = put(records)
    for question in (
        lambda: records.parcel(deposit.parcel),
        records.audit_entries,
        lambda: records.lease_outbox(NOW, "c", 1, 1),
    ):
        question()
        assert connection.connection is None
    with records.transaction():
        records.release()
        assert connection.connection is not None
        append(records)
    assert records.audit_head().number == 1


def test_a_database_that_another_writer_holds_is_unavailable(sqlite: Database) -> None:
    import sqlite3

    records = SqlRecords()
    put(records)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 20")
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable), records.transaction():
        append(records)
    assert records.audit_head().number == 0
    other.execute("ROLLBACK")
    other.close()
    with records.transaction():
        append(records)
    assert records.audit_head().number == 1


def test_no_server_is_unavailable(postgres: Database) -> None:
    databases.switch("postgresql://zegel@/zegel?host=/nowhere")
    connection.settings_dict["OPTIONS"]["pool"]["timeout"] = 0.1
    with pytest.raises(Unavailable):
        SqlRecords().parcels_of("x")
    with pytest.raises(Unavailable), SqlRecords().transaction():
        raise AssertionError("never gets here")


def test_a_database_without_tables_says_so(sqlite: Database, tmp_path) -> None:
    databases.switch(f"sqlite://{tmp_path}/empty.db")
    with pytest.raises(Unavailable) as unready:
        SqlRecords().parcels_of("x")
    assert unready.value.kind == "not-migrated"


def test_a_broken_file_is_damaged(sqlite: Database, tmp_path) -> None:
    (tmp_path / "broken.db").write_bytes(b"This is no database, and longer than the hundred bytes of its header" * 9)
    databases.switch(f"sqlite://{tmp_path}/broken.db")
    with pytest.raises(Damaged):
        SqlRecords().parcels_of("x")


def test_a_constraint_is_a_mistake(records: SqlRecords) -> None:
    with pytest.raises(Mistake), records.transaction(), border():
        models.AuditHead.objects.create(row=2, number=1, hash="0" * 64)
    assert models.AuditHead.objects.count() == 1


def test_a_step_after_a_swallowed_error_is_told_that_all_is_lost(records: SqlRecords) -> None:
    def swallow_and_go_on() -> None:
        with records.transaction():
            with pytest.raises(Mistake), border():
                models.AuditHead.objects.create(row=2, number=1, hash="0" * 64)
            append(records)

    with pytest.raises(Unavailable) as lost:
        swallow_and_go_on()
    assert lost.value.kind == "transaction-lost"


def test_a_standby_that_takes_no_writes_is_unavailable(postgres: Database) -> None:
    records = SqlRecords()

    def write_to_a_standby() -> None:
        with records.transaction():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION READ ONLY")
            append(records)

    with pytest.raises(Unavailable) as away:
        write_to_a_standby()
    assert away.value.kind == "database-away"

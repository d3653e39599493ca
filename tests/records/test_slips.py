"""What happens to readers: milestones, destruction, and the steps of a parcel."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection

from tests.ground.databases import Database
from tests.ground.deposits import NOW, make_archive, make_deposit, make_reader, put
from zegel.errors import NotFound
from zegel.parcels.proofs import Proof, code_proof
from zegel.parcels.states import check_open
from zegel.records import models
from zegel.records.sql import SqlRecords

LATER = NOW + timedelta(hours=1)


def test_a_milestone_is_noted_once(records: SqlRecords) -> None:
    deposit = put(records)
    slip = deposit.readers[0].slip
    with records.transaction():
        assert records.mark(slip, "announced", NOW)
        assert records.mark(slip, "opened", LATER)
        assert not records.mark(slip, "opened", LATER + timedelta(days=1))
    reader = records.parcel(deposit.parcel).readers[0]
    assert (reader.announced, reader.opened, reader.downloaded, reader.state) == (NOW, LATER, None, "opened")


def test_only_milestones_can_be_marked(records: SqlRecords) -> None:
    deposit = put(records)
    with pytest.raises(AssertionError), records.transaction():
        records.mark(deposit.readers[0].slip, "share", NOW)  # type: ignore[arg-type]


def test_one_reader_is_revoked_and_the_others_are_not(records: SqlRecords) -> None:
    deposit = put(records, readers=3)
    victim = deposit.readers[1].slip
    with records.transaction():
        assert records.destroy_slips(deposit.parcel, LATER, victim) == 1
        assert records.destroy_slips(deposit.parcel, LATER, victim) == 0
    assert [r.state for r in records.parcel(deposit.parcel).readers] == ["sent", "revoked", "sent"]
    assert records.slip(victim).revoked == LATER
    with pytest.raises(NotFound) as refused:
        check_open(records.slip(victim), LATER)
    assert refused.value.kind == "revoked"
    assert records.slip(deposit.readers[0].slip).share == deposit.readers[0].share
    assert {row.slip for row in records.lease_outbox(LATER, "courier-1", 9, 60)} == {
        deposit.readers[0].slip,
        deposit.readers[2].slip,
    }


def test_a_slip_of_another_parcel_is_left_alone(records: SqlRecords) -> None:
    mine, theirs = put(records), put(records)
    with records.transaction():
        assert records.destroy_slips(mine.parcel, NOW, theirs.readers[0].slip) == 0
    assert records.slip(theirs.readers[0].slip).share == theirs.readers[0].share


def test_a_destroyed_slip_leaves_nothing_that_opens_it(database: Database) -> None:
    records = SqlRecords()
    readers = (make_reader(proof=code_proof("appel-taart")), make_reader(), make_archive())
    deposit = put(records, replace(make_deposit(), readers=readers))
    with records.transaction():
        records.set_code(readers[1].slip, b"h" * 32, LATER)
    with records.transaction():
        assert records.destroy_slips(deposit.parcel, LATER) == 3

    for slip in records.slips_of(deposit.parcel):
        assert (slip.sealed_slip, slip.share) == (b"", b"")
        assert slip.proof == Proof(slip.proof.kind)
        assert records.code(slip.slip) is None
    with connection.cursor() as cursor:
        dump = ""
        for table in ("slip", "outbox"):
            cursor.execute(f"SELECT * FROM {table}")
            dump += repr([[bytes(v) if isinstance(v, memoryview) else v for v in row] for row in cursor.fetchall()])
    for reader in readers:
        for secret in (reader.sealed_slip, reader.share, reader.sealed_notice, reader.proof.verifier):
            assert not secret or repr(secret)[2:-1] not in dump
    assert "+31612345678" not in dump
    assert records.count_outbox() == {"waiting": 0, "held": 0, "done": 2, "dead": 0}


def test_sqlite_overwrites_what_is_wiped(sqlite: Database) -> None:
    records = SqlRecords()
    deposit = put(records)
    with records.transaction():
        records.destroy_slips(deposit.parcel, LATER)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path = connection.settings_dict["NAME"]
    connection.close()
    with open(path, "rb") as file:
        raw = file.read()
    assert deposit.readers[0].slip.encode() in raw
    assert deposit.readers[0].share not in raw
    assert deposit.readers[0].sealed_slip[100:200] not in raw


def test_a_reader_of_an_expired_parcel_was_not_revoked(records: SqlRecords) -> None:
    deposit = put(records)
    with records.transaction():
        records.destroy_slips(deposit.parcel, LATER)
        assert records.set_state(deposit.parcel, "expired")
        assert records.set_state(deposit.parcel, "gone")
    slip = records.slip(deposit.readers[0].slip)
    assert (slip.revoked, slip.parcel_state) == (None, "gone")
    with pytest.raises(NotFound) as refused:
        check_open(slip, LATER)
    assert refused.value.kind == "expired"


def test_a_reader_of_a_revoked_parcel_was_revoked_also_when_it_is_gone(records: SqlRecords) -> None:
    deposit = put(records)
    with records.transaction():
        records.destroy_slips(deposit.parcel, LATER)
        records.set_state(deposit.parcel, "revoked")
        records.set_state(deposit.parcel, "gone")
    status = records.parcel(deposit.parcel)
    assert (status.state, status.readers[0].state, status.readers[0].revoked) == ("gone", "revoked", LATER)
    with pytest.raises(NotFound) as refused:
        check_open(records.slip(deposit.readers[0].slip), LATER)
    assert refused.value.kind == "revoked"


@pytest.mark.parametrize(
    ("steps", "state"),
    [
        (("revoked", "expired"), "revoked"),
        (("expired", "revoked"), "expired"),
        (("gone",), "live"),
        (("expired", "gone", "expired"), "gone"),
        (("live",), "live"),
    ],
)
def test_a_parcel_never_turns_back_and_one_end_is_not_another(
    records: SqlRecords, steps: tuple[str, ...], state: str
) -> None:
    deposit = put(records)
    with records.transaction():
        taken = [records.set_state(deposit.parcel, step) for step in steps]  # type: ignore[arg-type]
    assert taken[-1] is False
    assert all(taken[:-1])
    assert records.parcel(deposit.parcel).state == state


def test_a_gone_parcel_keeps_its_row_and_loses_its_blobs(records: SqlRecords) -> None:
    deposit, other = put(records), put(records)
    with records.transaction():
        records.set_state(deposit.parcel, "expired")
    assert records.blobs_of(deposit.parcel) == list(deposit.blobs)
    with records.transaction():
        records.set_state(deposit.parcel, "gone")
    assert records.blobs_of(deposit.parcel) == []
    assert records.parcel(deposit.parcel).size == deposit.size
    assert models.Blob.objects.count() == len(other.blobs)


def test_the_expiry_of_a_live_parcel_changes_and_of_an_ended_one_does_not(records: SqlRecords) -> None:
    deposit, then = put(records), NOW + timedelta(days=90)
    with records.transaction():
        assert records.set_expiry(deposit.parcel, then)
        records.set_state(deposit.parcel, "revoked")
        assert not records.set_expiry(deposit.parcel, NOW)
    assert records.parcel(deposit.parcel).expires == then


def test_steps_of_an_unknown_parcel_are_not_found(records: SqlRecords) -> None:
    for step in (
        lambda: records.set_state("onbekend", "revoked"),
        lambda: records.set_expiry("onbekend", NOW),
        lambda: records.destroy_slips("onbekend", NOW),
    ):
        with pytest.raises(NotFound), records.transaction():
            step()

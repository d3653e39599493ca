"""Many at once, and death in the middle: real processes on both databases."""

import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection

from tests.ground.databases import Database
from tests.ground.deposits import NOW, make_deposit, put
from zegel.audit.entry import check_chain
from zegel.errors import Unavailable
from zegel.parcels.deposit import digest
from zegel.records import models
from zegel.records.sql import SqlRecords

_COURIER = """
from datetime import datetime
now, name = datetime.fromisoformat(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
round = 0
while rows := records.lease_outbox(now, f"{name}-{(round := round + 1)}", 5, 60):
    for row in rows:
        with records.transaction():
            assert records.finish_outbox([row.row], row.lease)
            records.append_audit(now, "courier", "reader:announced", row.slip, {"row": row.row})
        print(row.row)
"""


@pytest.mark.slow
def test_couriers_in_four_processes_do_every_row_exactly_once(database: Database) -> None:
    records = SqlRecords()
    with records.transaction():
        for number in range(200):
            records.add_outbox("notice", f"slip{number}", b"sealed", NOW)

    couriers = [database.start(_COURIER, NOW.isoformat(), f"courier{i}") for i in range(4)]
    for courier in couriers:
        assert courier.stdout.readline() == "ready\n", courier.stderr.read()
    done = []
    for courier in couriers:
        courier.stdin.write("go\n")
        courier.stdin.flush()
    for courier in couriers:
        out, err = courier.communicate(timeout=120)
        assert courier.returncode == 0, err
        done += [int(line) for line in out.split()]

    assert len(done) == 200
    assert set(Counter(done).values()) == {1}
    assert records.count_outbox() == {"waiting": 0, "held": 0, "done": 200, "dead": 0}
    # Two hundred entries from four processes make one chain without gap or fork.
    entries = records.audit_entries()
    assert check_chain(entries, records.audit_head()).number == 200
    assert sorted(entry.facts["row"] for entry in entries) == sorted(done)


_DIE = """
from tests.ground.deposits import NOW, make_deposit
from zegel.parcels.deposit import digest
deposit = make_deposit(readers=3)
with records.transaction():
    records.add_deposit(deposit, digest(deposit), NOW, "")
    records.append_audit(NOW, "operator", "parcel:deposited", deposit.parcel, {})
    print("written", flush=True)
    sys.stdin.readline()
"""


def test_a_process_killed_in_the_middle_leaves_nothing_and_blocks_nobody(database: Database) -> None:
    victim = database.start(_DIE)
    assert victim.stdout.readline() == "written\n", victim.stderr.read()
    victim.send_signal(signal.SIGKILL)
    victim.communicate(timeout=60)

    records = SqlRecords()
    # The dead process held the head of the chain; whoever comes next gets it, and finds nothing half.
    deposit = put(records)
    with records.transaction():
        records.append_audit(NOW, "operator", "parcel:deposited", deposit.parcel, {})
    assert list(models.Parcel.objects.values_list("parcel", flat=True)) == [deposit.parcel]
    assert (models.Blob.objects.count(), models.Slip.objects.count(), models.Outbox.objects.count()) == (2, 1, 1)
    assert check_chain(records.audit_entries(), records.audit_head()).number == 1


_CRASH_COURIER = """
from tests.ground.deposits import NOW
rows = records.lease_outbox(NOW, "doomed", 2, 60)
with records.transaction():
    assert records.finish_outbox([rows[0].row], rows[0].lease)
    print(rows[0].row, rows[1].row, flush=True)
    sys.stdin.readline()
"""


def test_what_a_killed_courier_held_is_done_by_the_next_one(database: Database) -> None:
    records = SqlRecords()
    put(records, readers=2)
    victim = database.start(_CRASH_COURIER)
    held = [int(row) for row in victim.stdout.readline().split()]
    assert len(held) == 2, victim.stderr.read()
    victim.send_signal(signal.SIGKILL)
    victim.communicate(timeout=60)

    wait_for_locks(database, "outbox")
    assert records.lease_outbox(NOW + timedelta(seconds=59), "next", 9, 60) == []
    taken = records.lease_outbox(NOW + timedelta(seconds=60), "next", 9, 60)
    assert sorted(row.row for row in taken) == sorted(held)
    assert {row.attempts for row in taken} == {1}


def wait_for_locks(database: Database, table: str) -> None:
    """Until PostgreSQL has noticed that the process is dead: leasing passes over rows that somebody still holds."""
    if database.kind == "postgres":
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT 1 FROM {table} FOR UPDATE")


_DEPOSIT = """
import pickle
from zegel.errors import Mistake
from zegel.parcels.deposit import digest
from tests.ground.deposits import NOW
with open(sys.argv[1], "rb") as file:
    deposit = pickle.load(file)
print("ready", flush=True)
sys.stdin.readline()
try:
    with records.transaction():
        wrote = records.add_deposit(deposit, digest(deposit), NOW, "")
        if wrote:
            records.append_audit(NOW, "operator", "parcel:deposited", deposit.parcel, {})
    print(wrote)
except Mistake as mistake:
    print(mistake.kind)
"""


@pytest.mark.slow
@pytest.mark.parametrize("same", [True, False], ids=["same", "altered"])
def test_of_simultaneous_deposits_of_one_parcel_one_wins(database: Database, tmp_path, same: bool) -> None:
    import pickle

    deposit = make_deposit(readers=20)
    other = deposit if same else make_deposit(parcel=deposit.parcel)
    processes = []
    for number, sent in enumerate((deposit, other)):
        path = tmp_path / f"deposit{number}"
        path.write_bytes(pickle.dumps(sent))
        processes.append(database.start(_DEPOSIT, path))
    for process in processes:
        assert process.stdout.readline() == "ready\n", process.stderr.read()
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    said = sorted(process.communicate(timeout=60)[0].strip() for process in processes)

    assert said == (["False", "True"] if same else ["True", "parcel-exists"])
    assert SqlRecords().audit_head().number == 1
    written = {slip.slip for slip in SqlRecords().slips_of(deposit.parcel)}
    assert written in ({r.slip for r in deposit.readers}, {r.slip for r in other.readers})


def test_the_loser_of_a_deposit_waits_for_the_winner(database: Database) -> None:
    """The first is not committed yet when the second asks: it must not answer before it knows."""
    records, deposit = SqlRecords(), make_deposit()
    inside = Barrier(2, timeout=60)  # a thread that fails must not leave the other waiting for ever

    def first() -> bool:
        with records.transaction():
            wrote = records.add_deposit(deposit, digest(deposit), NOW, "")
            inside.wait()
        return wrote

    def second() -> bool:
        inside.wait()
        with records.transaction():
            return records.add_deposit(deposit, digest(deposit), NOW, "")

    with ThreadPoolExecutor(2) as threads:
        answers = [threads.submit(first), threads.submit(second)]
        assert [answer.result() for answer in answers] == [True, False]


def test_more_threads_than_connections_all_get_their_turn(database: Database) -> None:
    records = SqlRecords()
    slips = [reader.slip for reader in put(records, readers=40).readers]

    def announce(slip: str) -> bool:
        with records.transaction():
            noted = records.mark(slip, "announced", NOW)
            records.append_audit(NOW, "courier", "reader:announced", slip, {})
        return noted

    # Every thread dies with its connection given back: twice as many as the pool holds, and then as many again.
    for _ in range(2):
        with ThreadPoolExecutor(32) as threads:
            noted = list(threads.map(announce, slips))
    assert not any(noted)
    assert check_chain(records.audit_entries(), records.audit_head()).number == 80


@pytest.mark.slow
def test_two_that_wait_for_each_other_are_parted(postgres: Database) -> None:
    """A deadlock costs one of the two an Unavailable, never a hang and never half a change."""
    records = SqlRecords()
    parcels = [put(records).parcel for _ in range(2)]
    both = Barrier(2, timeout=60)

    def take(order: list[str]) -> str:
        try:
            with records.transaction():
                records.set_expiry(order[0], NOW + timedelta(days=1))
                both.wait()
                records.set_expiry(order[1], NOW + timedelta(days=2))
        except Unavailable as error:
            return error.kind
        return "done"

    with ThreadPoolExecutor(2) as threads:
        said = sorted(threads.map(take, [parcels, parcels[::-1]]))
    assert said == ["database-away", "done"]


def test_a_revocation_and_a_courier_do_not_wait_in_a_circle(database: Database) -> None:
    records = SqlRecords()
    deposits = [put(records) for _ in range(12)]
    rows = {row.slip: row for row in records.lease_outbox(NOW, "courier", 99, 600)}
    start = Barrier(2, timeout=60)

    def courier() -> None:
        start.wait()
        for deposit in deposits:
            row = rows[deposit.readers[0].slip]
            with records.transaction():
                if records.finish_outbox([row.row], row.lease):
                    records.mark(row.slip, "announced", NOW)
                    records.append_audit(NOW, "courier", "reader:announced", row.slip, {})

    def sender() -> None:
        start.wait()
        for deposit in deposits:
            with records.transaction():
                if records.parcel(deposit.parcel).state == "live":
                    records.destroy_slips(deposit.parcel, NOW)
                    records.set_state(deposit.parcel, "revoked")
                    records.append_audit(NOW, "operator", "parcel:revoked", deposit.parcel, {})

    with ThreadPoolExecutor(2) as threads:
        for job in [threads.submit(courier), threads.submit(sender)]:
            job.result()
    assert records.count_outbox() == {"waiting": 0, "held": 0, "done": 12, "dead": 0}
    check_chain(records.audit_entries(), records.audit_head())

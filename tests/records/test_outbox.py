"""The outbox: rows are leased, fenced, retried, buried and cancelled; each is handled, whatever couriers do."""

from datetime import datetime, timedelta

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.ground.databases import Database
from tests.ground.deposits import NOW, make_deposit, put
from zegel.records import models
from zegel.records.outbox import LeasedRow
from zegel.records.sql import SqlRecords


def add(records: SqlRecords, *minutes: int) -> None:
    with records.transaction():
        for minute in minutes:
            records.add_outbox("notice", f"slip-{minute}", b"sealed", NOW + timedelta(minutes=minute))


def in_transaction(records: SqlRecords, method: str, *arguments: object) -> object:
    with records.transaction():
        return getattr(records, method)(*arguments)


def test_due_rows_are_taken_longest_due_first(records: SqlRecords) -> None:
    add(records, 3, 1, 2, 60)
    leased = records.lease_outbox(NOW + timedelta(minutes=5), "courier-1", 2, 60)
    assert [row.slip for row in leased] == ["slip-1", "slip-2"]
    assert [row.slip for row in records.lease_outbox(NOW + timedelta(minutes=5), "courier-2", 9, 60)] == ["slip-3"]
    assert records.lease_outbox(NOW + timedelta(minutes=5), "courier-3", 9, 60) == []


def test_a_lease_ends_by_itself_and_the_late_courier_changes_nothing(records: SqlRecords) -> None:
    add(records, 0)
    (slow,) = records.lease_outbox(NOW, "courier-1", 1, 60)
    then = NOW + timedelta(seconds=60)
    (fast,) = records.lease_outbox(then, "courier-2", 1, 60)
    assert (slow.row, slow.attempts, fast.attempts) == (fast.row, 0, 1)
    assert in_transaction(records, "finish_outbox", [slow.row], slow.lease) == set()
    for method, arguments in (("retry_outbox", (then, "late")), ("bury_outbox", ("late",))):
        assert in_transaction(records, method, slow.row, slow.lease, *arguments) is False
    assert in_transaction(records, "renew_outbox", slow.row, slow.lease, then) is False
    assert in_transaction(records, "finish_outbox", [fast.row], fast.lease) == {fast.row}
    assert in_transaction(records, "finish_outbox", [fast.row], fast.lease) == set()


def test_a_lease_that_ended_but_was_not_taken_over_still_counts(records: SqlRecords) -> None:
    add(records, 0)
    (row,) = records.lease_outbox(NOW, "courier-1", 1, 60)
    assert in_transaction(records, "finish_outbox", [row.row], row.lease) == {row.row}


def test_a_renewed_lease_lasts(records: SqlRecords) -> None:
    add(records, 0)
    (row,) = records.lease_outbox(NOW, "courier-1", 1, 60)
    assert in_transaction(records, "renew_outbox", row.row, row.lease, NOW + timedelta(seconds=120))
    assert records.lease_outbox(NOW + timedelta(seconds=119), "courier-2", 1, 60) == []
    assert len(records.lease_outbox(NOW + timedelta(seconds=120), "courier-2", 1, 60)) == 1


def test_an_empty_lease_ends_nothing(records: SqlRecords) -> None:
    """A row that nobody holds has no lease; whoever shows none must not be taken for its holder."""
    add(records, 0)
    row = models.Outbox.objects.get().row
    assert in_transaction(records, "finish_outbox", [row], "") == set()
    with pytest.raises(AssertionError):
        records.lease_outbox(NOW, "", 1, 60)


def test_a_retried_row_waits_until_it_is_due_again(records: SqlRecords) -> None:
    add(records, 0)
    (row,) = records.lease_outbox(NOW, "courier-1", 1, 60)
    again = NOW + timedelta(minutes=30)
    assert in_transaction(records, "retry_outbox", row.row, row.lease, again, "mail-refused" + "x" * 500)
    assert records.lease_outbox(again - timedelta(seconds=1), "courier-2", 1, 60) == []
    (row,) = records.lease_outbox(again, "courier-2", 1, 60)
    assert (row.attempts, row.sealed, row.created) == (1, b"sealed", NOW)


@pytest.mark.parametrize("reason", ["", "gone"], ids=["done", "buried"])
def test_an_ended_row_keeps_no_secret(records: SqlRecords, reason: str) -> None:
    add(records, 0)
    (row,) = records.lease_outbox(NOW, "courier-1", 1, 60)
    assert "sealed" not in repr(row).replace("sealed=", "")
    if reason:
        in_transaction(records, "bury_outbox", row.row, row.lease, reason)
    else:
        in_transaction(records, "finish_outbox", [row.row], row.lease)
    kept = models.Outbox.objects.get()
    assert (bytes(kept.sealed), kept.lease, kept.leased_until, kept.reason) == (b"", "", None, reason)
    assert records.lease_outbox(NOW + timedelta(days=1), "courier-2", 1, 60) == []


def test_rows_of_a_destroyed_slip_are_cancelled_also_when_they_are_leased(records: SqlRecords) -> None:
    deposit = put(records, readers=2)
    (row, _) = records.lease_outbox(NOW, "courier-1", 2, 60)
    in_transaction(records, "destroy_slips", deposit.parcel, NOW, row.slip)
    assert in_transaction(records, "finish_outbox", [row.row], row.lease) == set()
    assert in_transaction(records, "retry_outbox", row.row, row.lease, NOW, "") is False
    assert records.count_outbox() == {"waiting": 1, "held": 0, "done": 1, "dead": 0}
    assert models.Outbox.objects.get(row=row.row).reason == "cancelled"


def test_old_done_rows_are_swept_and_others_stay(records: SqlRecords) -> None:
    add(records, 0, 1, 2, 3)
    rows = records.lease_outbox(NOW + timedelta(minutes=9), "courier-1", 3, 60)
    in_transaction(records, "finish_outbox", [rows[0].row], rows[0].lease)
    in_transaction(records, "finish_outbox", [rows[2].row], rows[2].lease)
    in_transaction(records, "bury_outbox", rows[1].row, rows[1].lease, "x")
    assert in_transaction(records, "sweep_outbox", NOW + timedelta(minutes=2)) == 1
    assert records.count_outbox() == {"waiting": 1, "held": 0, "done": 1, "dead": 1}


class OutboxMachine(RuleBasedStateMachine):
    """Couriers that are slow, die, come late, and a sender who revokes: against a model in plain Python."""

    leases = Bundle("leases")

    @initialize()
    def empty(self) -> None:
        self.records, self.now, self.count = SqlRecords(), NOW, 0
        models.Outbox.objects.all().delete()
        self.waiting: dict[int, tuple[datetime, int]] = {}
        self.held: dict[int, tuple[str, datetime]] = {}
        self.ended = {"held": 0, "done": 0, "dead": 0}
        self.deposit = make_deposit(readers=3)
        put(self.records, self.deposit)
        self._note_new()

    def _note_new(self) -> None:
        for row, due in models.Outbox.objects.values_list("row", "due"):
            if row not in self.known():
                self.waiting[row] = (due, 0)

    def known(self) -> set[int]:
        return set(self.waiting) | set(models.Outbox.objects.exclude(state="waiting").values_list("row", flat=True))

    @rule(minutes=st.integers(0, 30))
    def add(self, minutes: int) -> None:
        with self.records.transaction():
            self.records.add_outbox("sms-code", "other", b"sealed", self.now + timedelta(minutes=minutes))
        self._note_new()

    @rule(seconds=st.integers(1, 1800))
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(target=leases, limit=st.integers(1, 5), seconds=st.integers(1, 600))
    def lease(self, limit: int, seconds: int) -> list[LeasedRow]:
        self.count += 1
        name = f"lease-{self.count}"
        due = [
            row
            for row, (due, _) in sorted(self.waiting.items(), key=lambda item: (item[1][0], item[0]))
            if due <= self.now and (row not in self.held or self.held[row][1] <= self.now)
        ]
        leased = self.records.lease_outbox(self.now, name, limit, seconds)
        assert [row.row for row in leased] == due[:limit]
        for row in leased:
            due_at, attempts = self.waiting[row.row]
            assert row.attempts == attempts
            self.waiting[row.row] = (due_at, attempts + 1)
            self.held[row.row] = (name, self.now + timedelta(seconds=seconds))
        return leased

    @rule(leased=leases, how=st.sampled_from(["finish", "retry", "bury", "renew"]), minutes=st.integers(0, 60))
    def end(self, leased: list[LeasedRow], how: str, minutes: int) -> None:
        later = self.now + timedelta(minutes=minutes)
        for row in leased:
            mine = self.held.get(row.row, ("", None))[0] == row.lease
            rows = [row.row] if how == "finish" else row.row
            arguments = {"finish": (), "retry": (later, "why"), "bury": ("why",), "renew": (later,)}[how]
            assert bool(in_transaction(self.records, f"{how}_outbox", rows, row.lease, *arguments)) is mine
            if not mine:
                continue
            if how == "renew":
                self.held[row.row] = (row.lease, later)
                continue
            del self.held[row.row]
            attempts = self.waiting.pop(row.row)[1]
            if how == "retry":
                self.waiting[row.row] = (later, attempts)
            else:
                self.ended["done" if how == "finish" else "dead"] += 1

    @rule(reader=st.integers(0, 2))
    def revoke(self, reader: int) -> None:
        slip = self.deposit.readers[reader].slip
        in_transaction(self.records, "destroy_slips", self.deposit.parcel, self.now, slip)
        for row in models.Outbox.objects.filter(slip=slip, reason="cancelled").values_list("row", flat=True):
            if self.waiting.pop(row, None):
                self.held.pop(row, None)
                self.ended["done"] += 1

    @invariant()
    def counts_agree(self) -> None:
        if hasattr(self, "records"):
            assert self.records.count_outbox() == {"waiting": len(self.waiting), "held": 0, **self.ended}
            assert not models.Outbox.objects.exclude(state="waiting").exclude(sealed=b"").exists()


@pytest.mark.slow
def test_whatever_couriers_do_the_outbox_stays_right(database: Database) -> None:
    machine = settings(max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(OutboxMachine, settings=machine)

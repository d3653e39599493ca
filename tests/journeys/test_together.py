"""Deposits that come at once share a transaction; each hears its own answer, and nobody is left waiting."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
from django.db import connection

from tests.ground.databases import Database
from tests.ground.deposits import make_deposit, make_reader
from tests.ground.house import Clock, make_house
from zegel.audit.entry import check_chain
from zegel.errors import Mistake, ZegelError
from zegel.journeys.send import Send
from zegel.journeys.together import Together, _Part
from zegel.parcels.copies import Copy
from zegel.parcels.deposit import Blob


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.001)


class Table:
    """Notes who was done with whom; the first one is kept busy until ``company`` others wait."""

    def __init__(self, company: int):
        self.company = company
        self.alone: list[int] = []
        self.batches: list[list[int]] = []
        self.together: Together[int, int] = Together()

    def __call__(self, item: int) -> int:
        return self.together(item, self._alone, self._together)

    def _alone(self, item: int) -> int:
        if not self.alone and not self.batches:
            until(lambda: len(self.together._waiting) == self.company)
        self.alone.append(item)
        if item < 0:
            raise Mistake("Negative.", code="negative")
        return item * 10

    def _together(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        if any(item < 0 for item in items):
            raise Mistake("Negative.", code="negative")
        if 99 in items:
            raise ZeroDivisionError
        return [item * 10 for item in items]


def all_at_once(work: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    """What each call returned or raised."""

    def one(item: Any) -> Any:
        try:
            return work(item)
        except (ZegelError, ZeroDivisionError) as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(items)) as pool:
        return list(pool.map(one, items))


def test_one_alone_waits_for_nobody() -> None:
    table = Table(0)
    assert [table(1), table(2)] == [10, 20]
    assert table.batches == []


def crowd_at(table: Table, items: Sequence[int]) -> list[Any]:
    """The first is being served when the others come."""
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(table, items[0])
        until(lambda: table.together._busy)
        found = all_at_once(table, items[1:])
        return [first.result(60), *found]


def test_who_comes_meanwhile_is_done_in_one_go() -> None:
    table = Table(7)
    assert crowd_at(table, range(8)) == [number * 10 for number in range(8)]
    assert (table.alone, sorted(table.batches[0])) == ([0], [1, 2, 3, 4, 5, 6, 7])


def test_a_failure_is_heard_by_its_own_caller_only() -> None:
    table = Table(5)
    found = crowd_at(table, [0, 1, 2, -3, 4, 5])
    assert [found[at] for at in (0, 1, 2, 4, 5)] == [0, 10, 20, 40, 50]
    assert isinstance(found[3], Mistake)
    # The one who was first was done alone, and so was everybody after the go that failed.
    assert sorted(table.alone) == [-3, 0, 1, 2, 4, 5]


def test_a_defect_leaves_nobody_waiting() -> None:
    table = Table(5)
    found = crowd_at(table, [0, 1, 2, 99, 4, 5])
    # Who led the go hears of the defect; the others do their own alone, where there is none.
    assert sum(isinstance(one, ZeroDivisionError) for one in found) == 1
    assert sum(isinstance(one, int) for one in found) == 5
    assert table(7) == 70


@pytest.mark.parametrize("role", ["waits", "leads"])
def test_one_who_is_interrupted_while_waiting_is_not_waited_for(role: Literal["waits", "leads"]) -> None:
    together: Together[int, int] = Together()
    lost, next_one = _Part[int, int](1), _Part[int, int](2)
    lost.role = role
    together._busy, together._waiting = True, [lost, next_one]

    class Interrupted(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            raise KeyboardInterrupt

    lost.turn = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        together._await(lost)
    assert together._waiting == [next_one]
    # One whose turn had come hands it on.
    assert next_one.role == role


# Deposits -------------------------------------------------------------------------------------------------------------


class Crowd:
    """``Send.deposit`` of several at once; the first transaction ends when all the others wait for it."""

    def __init__(self, send: Send, count: int, monkeypatch: pytest.MonkeyPatch):
        self.transactions = 0
        whole = send.records.transaction

        def counted() -> AbstractContextManager[None]:
            self.transactions += 1
            if self.transactions == 1:
                until(lambda: len(send._together._waiting) == count - 1)
            return whole()

        monkeypatch.setattr(send.records, "transaction", counted)


class Anything:
    """A store that has every blob."""

    def settle(self, blobs: Sequence[Blob], class_: int) -> list[Copy]:
        return [Copy(blob.blob, "local", "whole", class_, blob.size, blob.sha256) for blob in blobs]


def test_deposits_at_once_share_a_transaction_and_each_hears_its_own_answer(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ground = make_house(tmp_path, clock=Clock())
    records, actor = ground.house.records, ground.actor
    send = replace(ground.house.send, store=Anything(), _together=Together())
    before = len(records.audit_entries())
    whole = [make_deposit(attachments=number % 3, once=f"mail {number}") for number in range(6)]
    crowd = Crowd(send, 6, monkeypatch)
    assert all_at_once(lambda deposit: send.deposit(actor, deposit), whole) == [one.parcel for one in whole]
    assert crowd.transactions == 2
    for deposit in whole:
        assert records.blobs_of(deposit.parcel) == list(deposit.blobs)
    assert len(records.audit_entries()) == before + 6

    again, same_mail, fine = whole[0], make_deposit(once="mail 1"), make_deposit()
    taken = replace(make_deposit(), readers=(make_reader(slip=whole[2].readers[0].slip),))
    other = make_deposit(parcel=whole[3].parcel)
    monkeypatch.undo()
    Crowd(send, 5, monkeypatch)
    found = all_at_once(lambda deposit: send.deposit(actor, deposit), [again, same_mail, taken, other, fine])
    assert [found[0], found[1], found[4]] == [again.parcel, whole[1].parcel, fine.parcel]
    assert [one.kind for one in (found[2], found[3])] == ["parcel-exists", "parcel-exists"]
    # What was refused left nothing behind, and every parcel is in the chain once.
    entries = records.audit_entries()
    assert len(entries) == before + 7
    assert check_chain(entries, records.audit_head()).number == len(entries)
    assert records.known_blobs([blob.blob for deposit in (same_mail, taken, other) for blob in deposit.blobs]) == set()

"""Two that tend, leave or delete at the same moment: nothing is lost, nothing is counted twice."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from tests.patchwork.conftest import Quilt
from tests.patchwork.test_tend import spoil
from zegel.journeys.evacuate import Evacuate
from zegel.journeys.plan_reports import Report
from zegel.journeys.tend import Tend
from zegel.parcels.copies import Copy
from zegel.stores.drivers.driver import locked, silent


@pytest.fixture
def evacuate(quilt: Quilt) -> Evacuate:
    return Evacuate(quilt.records, quilt.patchwork, quilt.clock, wait=lambda _seconds: None)


@pytest.fixture
def tend(quilt: Quilt) -> Tend:
    return Tend(quilt.records, quilt.patchwork, quilt.clock)


def first(monkeypatch: pytest.MonkeyPatch, owner: object, name: str, what: Callable[[], object]) -> list[object]:
    """Have ``what`` happen once, before the next call of a method; returns what came of it."""
    real, came, left = getattr(owner, name), list[object](), [what]

    def later(*arguments: Any, **facts: Any) -> Any:
        turn = None
        with suppress(IndexError):  # Threads may come at once; one of them takes it.
            turn = left.pop()
        if turn:
            came.append(turn())
        return real(*arguments, **facts)

    monkeypatch.setattr(owner, name, later)
    return came


def state(quilt: Quilt, blob: str, patch: str) -> Copy:
    return next(copy for copy in quilt.records.copies_of([blob])[blob] if copy.patch == patch)


def set_state(quilt: Quilt, copy: Copy, new: Any) -> None:
    with quilt.records.transaction():
        assert quilt.records.set_copies([copy], new, quilt.clock()) == 1


def test_two_that_leave_one_patch_at_once_lose_nothing_and_count_it_once(
    quilt: Quilt, evacuate: Evacuate, tend: Tend, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = {quilt.put(bytes([number])): bytes([number]) for number in range(10)}
    # The first has read all rows, and is about to make a copy, when the second begins and ends.
    other = first(monkeypatch, quilt.patchwork, "make", lambda: evacuate.run("ams"))
    report = evacuate.run("ams")
    (second,) = other
    assert isinstance(second, Report)
    tend.round()
    assert all(quilt.get(blob) == data for blob, data in blobs.items())
    assert all(quilt.states(blob) == {"par": "whole", "home": "whole"} for blob in blobs)
    assert (second.blobs, second.copied, report.copied) == (10, 10, 0)


def test_a_copy_that_is_found_broken_while_it_is_moved_is_moved_once_more(
    quilt: Quilt, evacuate: Evacuate, tend: Tend, monkeypatch: pytest.MonkeyPatch
) -> None:
    blob = quilt.put(b"sealed")
    row = state(quilt, blob, "ams")
    first(monkeypatch, quilt.records, "lock_copies", lambda: set_state(quilt, row, "broken"))
    report = evacuate.run("ams")
    tend.round()
    assert quilt.get(blob) == b"sealed"
    assert (report.complete, quilt.states(blob)) == (True, {"par": "whole", "home": "whole"})


def test_what_is_deleted_while_it_is_moved_is_gone_everywhere(
    quilt: Quilt, evacuate: Evacuate, tend: Tend, monkeypatch: pytest.MonkeyPatch
) -> None:
    blob = quilt.put(b"sealed")
    first(monkeypatch, quilt.records, "lock_copies", lambda: quilt.patchwork.delete(blob))
    report = evacuate.run("ams")
    tend.round()
    assert (quilt.states(blob), quilt.has(blob), report.blobs) == ({}, set(), 0)


def test_nothing_is_made_where_a_deletion_is_still_on_its_way(
    quilt: Quilt, evacuate: Evacuate, tend: Tend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy would be recorded, and then deleted by who had read that it should go."""
    blob = quilt.put(b"sealed")
    home = Copy(blob, "home", "doomed", 2, 6, state(quilt, blob, "ams").sha256)
    with quilt.records.transaction():
        quilt.records.add_copies([home], quilt.clock())
    with monkeypatch.context() as patch:
        patch.setattr(quilt.stores["home"], "delete", refusing(quilt.stores["home"].delete, {blob}))
        report = evacuate.run("ams")
    assert list(report.failed) == [blob]
    assert quilt.states(blob) == {"ams": "whole", "par": "whole", "home": "doomed"}
    assert evacuate.run("ams").complete
    tend.round()
    assert quilt.states(blob) == {"par": "whole", "home": "whole"}
    assert quilt.has(blob) == {"par", "home"}


def test_rules_want_no_copy_where_a_deletion_is_still_on_its_way(quilt: Quilt, tend: Tend) -> None:
    blob = quilt.put(b"sealed")
    set_state(quilt, state(quilt, blob, "par"), "doomed")
    with quilt.records.transaction():
        quilt.records.set_patch("home", quilt.clock(), state="read-only", reason="")
    quilt.patchwork.refresh()
    assert tend.respread() == 0
    assert quilt.states(blob) == {"ams": "whole", "par": "doomed"}
    tend.round()
    assert tend.respread() == 1
    tend.round()
    assert quilt.states(blob) == {"ams": "whole", "par": "whole"}


def test_of_what_is_deleted_meanwhile_nothing_is_wanted(
    quilt: Quilt, tend: Tend, monkeypatch: pytest.MonkeyPatch
) -> None:
    blob = quilt.put(b"sealed")
    (row,) = (copy for copy in quilt.records.copies_of([blob])[blob] if copy.patch == "par")
    with quilt.records.transaction():
        quilt.records.forget_copies([row])
    first(monkeypatch, quilt.records, "lock_copies", lambda: quilt.patchwork.delete(blob))
    assert tend.respread() == 0
    assert quilt.states(blob) == {}
    other = quilt.put(b"other")
    with quilt.records.transaction():
        quilt.records.forget_copies([state(quilt, other, "par")])
    assert tend.respread() == 1
    assert quilt.states(other) == {"ams": "whole", "par": "wanted"}


@pytest.mark.parametrize("work", ["doomed", "wanted", "broken"])
def test_what_cannot_be_done_holds_up_nothing_else(
    quilt: Quilt, tend: Tend, monkeypatch: pytest.MonkeyPatch, work: Any
) -> None:
    """At another patch, or after it at the same one."""
    monkeypatch.setattr("zegel.journeys.tend._BATCH", 2)
    stuck = [quilt.put(bytes([number])) for number in range(2)]
    for blob in stuck:
        set_state(quilt, state(quilt, blob, "ams"), work)
        set_state(quilt, state(quilt, blob, "par"), "doomed" if work == "doomed" else "broken")
    if work != "doomed":
        for blob in stuck:
            spoil(quilt, "par", blob, "altered")
            spoil(quilt, "ams", blob, "altered")
    quilt.clock.move(minutes=1)
    for store in quilt.stores.values():
        monkeypatch.setattr(store, "delete", refusing(store.delete, set(stuck)))
    blob = quilt.put(b"can be done")
    set_state(quilt, state(quilt, blob, "ams"), work)
    for _ in range(2):
        quilt.clock.move(minutes=1)
        tend.round()
    assert quilt.states(blob).get("ams") == (None if work == "doomed" else "whole")


def refusing(real: Callable[..., Any], kept: set[str]) -> Callable[..., Any]:
    def call(names: list[str]) -> Any:
        return {name: locked("until 2036") for name in names if name in kept} | real(
            [name for name in names if name not in kept]
        )

    return call


def test_what_is_deleted_while_the_patrol_looks_is_no_fault_of_the_supplier(
    quilt: Quilt, tend: Tend, monkeypatch: pytest.MonkeyPatch
) -> None:
    blob = quilt.put(b"sealed")
    first(monkeypatch, quilt.patchwork, "verify", lambda: quilt.patchwork.delete(blob))
    seen = tend.patrol("ams")
    assert (seen.looked, seen.broken) == (1, 0)
    assert quilt.records.patch_rows()["ams"]["broken"] == 0


def test_two_that_repair_at_once_delete_nothing_that_is_whole(
    quilt: Quilt, tend: Tend, monkeypatch: pytest.MonkeyPatch
) -> None:
    blob = quilt.put(b"sealed")
    spoil(quilt, "ams", blob, "altered")
    set_state(quilt, state(quilt, blob, "ams"), "broken")
    # The other one repairs after this one has seen that the copy is broken.
    real, calls = quilt.patchwork.verify, []

    def verify(copy: Copy) -> bool:
        right = real(copy)
        calls.append(right)
        if len(calls) == 1:
            tend.round()
        return right

    deleted: list[str] = []
    monkeypatch.setattr(quilt.patchwork, "verify", verify)
    monkeypatch.setattr(quilt.stores["ams"], "delete", spied(quilt.stores["ams"].delete, deleted))
    tend.round()
    assert calls == [False, False]
    assert deleted == [blob]
    assert quilt.states(blob) == {"ams": "whole", "par": "whole"}
    assert quilt.has(blob) == {"ams", "par"}


def spied(real: Callable[..., Any], seen: list[str]) -> Callable[..., Any]:
    def call(names: list[str]) -> Any:
        seen.extend(names)
        return real(names)

    return call


def test_a_copy_that_was_deleted_for_repair_and_not_made_is_not_whole(
    quilt: Quilt, tend: Tend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one had repaired it between our look and our deletion."""
    blob = quilt.put(b"sealed")
    row = state(quilt, blob, "ams")
    set_state(quilt, row, "broken")
    spoil(quilt, "ams", blob, "altered")
    quilt.stores["par"].mood = "well"

    def cannot(*_: Any, **__: Any) -> Copy:
        set_state(quilt, state(quilt, blob, "ams"), "whole")
        raise silent()

    monkeypatch.setattr(quilt.patchwork, "make", cannot)
    tend.round()
    assert quilt.states(blob) == {"ams": "broken", "par": "whole"}
    monkeypatch.undo()
    quilt.clock.now += timedelta(minutes=1)
    tend.round()
    assert quilt.states(blob) == {"ams": "whole", "par": "whole"}

"""Shares over time: patrol, repair, completion, a changed configuration, Plan B, export."""

import json
import threading
from pathlib import Path

import pytest

from tests.ground.databases import Database
from tests.patchwork.conftest import AMS, PAR, Quilt, make_quilt
from tests.patchwork.quilts import LARGE, make_shared, nobody_outside_has_two, objects, shares, spoil
from tests.patchwork.test_tend import plan
from tests.suppliers.made import make_supplier
from zegel.journeys.evacuate import Evacuate
from zegel.stores.choosing import Patch
from zegel.stores.placement import Placement, Refusal, Spread

SMALL = b"a sealed letter"


@pytest.fixture
def quilt(tmp_path: Path, database: Database) -> Quilt:
    """Two shares make it; three are wanted, at two of three suppliers and home."""
    return make_shared(tmp_path, more=1)


@pytest.fixture
def evacuate(quilt: Quilt) -> Evacuate:
    return Evacuate(quilt.records, quilt.patchwork, quilt.clock, wait=lambda _seconds: None)


def respread(quilt: Quilt, spread: Spread) -> None:
    """Change the configuration, and let the tidy role work until nothing waits."""
    for class_ in range(4):
        quilt.patchwork._spreads[class_] = spread
    for _ in range(3):
        plan(quilt).tend.respread()
        while plan(quilt).tend.round():
            pass


def at(quilt: Quilt, blob: str) -> dict[str, tuple[int, str]]:
    rows = quilt.records.copies_of([blob])[blob]
    return {row.patch: (row.needed, row.state) for row in rows}


# Tending --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["missing", "truncated", "altered"])
@pytest.mark.parametrize("data", [SMALL, LARGE])
def test_the_patrol_finds_a_share_that_is_not_right_and_the_round_makes_it_again(
    quilt: Quilt, how: str, data: bytes
) -> None:
    blob, fine = quilt.put(data), quilt.put(data)
    sick = min(shares(quilt, blob))
    (path,) = quilt.stores[sick].blobs.glob(f"*/{blob}-*")
    before = path.read_bytes()
    spoil(quilt, sick, blob, how)
    seen = {one.patch: one.broken for one in plan(quilt).tend.patrol_all()}
    assert {patch for patch, broken in seen.items() if broken} == {sick}
    assert quilt.states(blob)[sick] == "broken"
    assert plan(quilt).tend.round() == 1
    assert path.read_bytes() == before, "a share that is made again is the same"
    assert set(quilt.states(blob).values()) == set(quilt.states(fine).values()) == {"whole"}
    events = [entry.event for entry in quilt.records.audit_entries() if entry.subject == blob]
    assert events == ["copy:broken", "copy:repaired"]


def test_a_share_is_never_deleted_to_repair_it_when_too_few_others_are_left(quilt: Quilt) -> None:
    blob = quilt.put(LARGE)
    first, second, third = sorted(shares(quilt, blob))
    spoil(quilt, first, blob, "altered")
    spoil(quilt, second, blob, "missing")
    plan(quilt).tend.patrol_all()
    assert plan(quilt).tend.round() == 0
    assert quilt.states(blob) == {first: "broken", second: "broken", third: "whole"}
    assert objects(quilt, first, blob)


def test_a_share_that_a_patch_missed_is_made_when_it_is_back(quilt: Quilt) -> None:
    quilt.stores["ams"].mood = quilt.stores["home"].mood = "away"
    blob = quilt.put(LARGE)
    assert quilt.states(blob) == {"ams": "wanted", "par": "whole", "b": "whole"}
    quilt.stores["ams"].mood = quilt.stores["home"].mood = "well"
    quilt.timer[0] += 1000
    assert plan(quilt).tend.round() == 1
    assert set(quilt.states(blob).values()) == {"whole"}
    assert sorted(shares(quilt, blob).values()) == [0, 1, 2]
    quilt.stores["par"].mood = "away"
    assert quilt.get(blob) == LARGE
    assert {one.broken for one in plan(quilt).tend.patrol_all()} == {0}


def test_objects_without_a_row_go_and_shares_stay(quilt: Quilt) -> None:
    from datetime import UTC, datetime

    from zegel.parcels.identifiers import new_identifier

    blob, orphan = quilt.put(LARGE), new_identifier()
    writer = quilt.patchwork.open_write(orphan, 2)
    writer.write(LARGE)
    writer.commit()
    quilt.clock.now = datetime.now(UTC)
    assert plan(quilt).tend.sweep() == 0
    quilt.clock.move(days=3)
    assert plan(quilt).tend.sweep() == 3
    assert quilt.has(orphan) == set()
    assert quilt.get(blob) == LARGE


@pytest.mark.parametrize("data", [SMALL, LARGE])
def test_a_class_that_changes_from_copies_to_shares_and_back_is_readable_all_the_while(
    quilt: Quilt, data: bytes
) -> None:
    quilt.patchwork._spreads[2] = Spread(2, 1)
    blob, copies = quilt.put(data), Spread(2, 1)
    assert quilt.states(blob).keys() <= {"ams", "par", "b"}
    respread(quilt, Spread(3, 2, 2))
    assert set(at(quilt, blob).values()) == {(2, "whole")}
    assert all(len(objects(quilt, patch, blob)) <= 1 for patch in quilt.stores)
    assert all("" not in objects(quilt, patch, blob) for patch in quilt.stores), "nobody has the blob any more"
    assert quilt.get(blob) == data
    quilt.stores[min(at(quilt, blob))].mood = "away"
    assert quilt.get(blob) == data
    quilt.stores[min(at(quilt, blob))].mood = "well"
    respread(quilt, copies)
    assert sorted(at(quilt, blob).values()) == [(1, "whole"), (1, "whole")]
    assert quilt.get(blob) == data


def test_more_shares_and_another_number_that_are_needed(quilt: Quilt) -> None:
    blob = quilt.put(LARGE)
    before = shares(quilt, blob)
    respread(quilt, Spread(4, 3, 2))
    assert shares(quilt, blob).items() >= before.items()
    assert sorted(shares(quilt, blob).values()) == [0, 1, 2, 3]
    respread(quilt, Spread(4, 4, 3))
    assert set(at(quilt, blob).values()) == {(3, "whole")}
    assert all(len(objects(quilt, patch, blob)) == 1 for patch in quilt.stores)
    for away in quilt.stores:
        quilt.stores[away].mood = "forgetting"
        assert quilt.get(blob) == LARGE
        quilt.stores[away].mood = "well"


def test_a_copy_that_fails_while_the_shape_changes_is_gone_on_with_in_shares(quilt: Quilt) -> None:
    quilt.patchwork._spreads[2] = Spread(1, 1)
    blob = quilt.put(LARGE)
    (copy,) = quilt.states(blob)
    quilt.patchwork._spreads[2] = Spread(3, 2, 2)
    tend = plan(quilt).tend
    tend.respread()
    for wanted in quilt.records.copies_to_do("wanted", list(quilt.stores)):
        tend._change(wanted, "whole", quilt.patchwork.make(wanted, tend._others(wanted)))
    assert len(quilt.states(blob)) >= 3
    pieces = quilt.patchwork.read(blob)
    got = next(pieces)
    quilt.stores[copy].mood = "breaking"
    (path,) = quilt.stores[copy].blobs.glob(f"*/{blob}")
    path.write_bytes(LARGE[:2_000_000])
    assert got + b"".join(pieces) == LARGE


# Plan B ---------------------------------------------------------------------------------------------------------------


def fill(quilt: Quilt) -> dict[str, bytes]:
    blobs = {quilt.put(data): data for data in (b"", SMALL, LARGE)}
    return blobs | {quilt.put(bytes([number]) * 100): bytes([number]) * 100 for number in range(20)}


def reading_on(quilt: Quilt, blobs: dict[str, bytes], work: object) -> list[BaseException]:
    """Read everything over and over while ``work`` is done; returns what failed."""
    from django.db import connection

    failed: list[BaseException] = []
    done, ready = threading.Event(), threading.Event()

    def read() -> None:
        try:
            while True:
                last = done.is_set()
                for blob, data in blobs.items():
                    assert quilt.get(blob) == data
                ready.set()
                if last:
                    return
        except BaseException as error:  # noqa: BLE001 - told to the test's own thread
            failed.append(error)
            ready.set()
        finally:
            connection.close()

    thread = threading.Thread(target=read)
    thread.start()
    ready.wait(60)
    try:
        work()  # type: ignore[operator]
    finally:
        done.set()
        thread.join(60)
    return failed


def test_a_cooperative_evacuation_moves_shares_as_they_are_while_readers_read(quilt: Quilt, evacuate: Evacuate) -> None:
    blobs = fill(quilt)
    before = {blob: shares(quilt, blob) for blob in blobs}
    reports = []
    assert reading_on(quilt, blobs, lambda: reports.append(evacuate.run("ams", reason="sold"))) == []
    (report,) = reports
    assert (report.complete, report.empty) == (True, True)
    assert report.blobs == report.copied == sum("ams" in one for one in before.values())
    for blob in blobs:
        after = shares(quilt, blob)
        assert sorted(after.values()) == [0, 1, 2]
        assert "ams" not in after
        assert set(quilt.states(blob).values()) == {"whole"}
        assert all(after[patch] == number for patch, number in before[blob].items() if patch != "ams")
        assert nobody_outside_has_two(quilt, blob)


@pytest.mark.parametrize("mood", ["away", "altering", "locked"])
def test_a_hostile_evacuation_makes_the_shares_again_and_the_supplier_never_gets_another(
    quilt: Quilt, evacuate: Evacuate, mood: str
) -> None:
    blobs = fill(quilt)
    quilt.stores["ams"].mood = mood
    asked = quilt.stores["ams"].reads
    reports = []
    run = lambda: reports.append(evacuate.run("ams", hostile=True))  # noqa: E731
    assert reading_on(quilt, blobs, run) == []
    assert quilt.stores["ams"].reads <= asked + len(blobs) * 2, "asked by readers before it was cut, not after"
    assert (reports[0].complete, reports[0].remains) == (True, None)
    asked = quilt.stores["ams"].reads
    for blob, data in blobs.items():
        after = shares(quilt, blob)
        assert sorted(after.values()) == [0, 1, 2]
        assert quilt.get(blob) == data
    assert quilt.stores["ams"].reads == asked
    # The other patch is left too, and the first supplier may be used again: what it still holds counts.
    evacuate.reopen("ams")
    quilt.stores["ams"].mood = "locked"
    evacuate.run("par")
    assert all(nobody_outside_has_two(quilt, blob) and quilt.get(blob) == data for blob, data in blobs.items())


def test_another_patch_of_a_supplier_that_locks_us_out_gets_no_second_share(tmp_path: Path, database: Database) -> None:
    suppliers = (AMS, PAR, make_supplier("b-cloud"))
    quilt = make_quilt(
        tmp_path, {2: Spread(3, 2, 2)}, suppliers, {"ams2": "ams-cloud", "b": "b-cloud"}, home=5, b=3, ams2=1
    )
    evacuate = Evacuate(quilt.records, quilt.patchwork, quilt.clock, wait=lambda _seconds: None)
    blobs = [quilt.put(LARGE[:1000]) for _ in range(5)]
    assert all({"ams", "par"} < quilt.has(blob) for blob in blobs)
    quilt.stores["ams"].mood = "locked"
    numbers = {blob: shares(quilt, blob)["ams"] for blob in blobs}
    assert evacuate.run("ams", hostile=True).complete
    # Moved to the same supplier it must be the same share; to anybody else it may be.
    assert all(shares(quilt, blob).get("ams2", numbers[blob]) == numbers[blob] for blob in blobs)
    assert evacuate.run("par", hostile=True).complete
    for blob in blobs:
        held = objects(quilt, "ams", blob) | objects(quilt, "ams2", blob)
        assert len(held) == 1
        assert quilt.get(blob) == LARGE[:1000]


@pytest.mark.parametrize(
    ("step", "hostile"),
    [("make", False), ("add_copies", False), ("remove", False), ("make", True), ("add_copies", True)],
)
def test_an_evacuation_that_is_cut_off_anywhere_goes_on(
    quilt: Quilt, evacuate: Evacuate, step: str, hostile: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = fill(quilt)
    where = quilt.records if step == "add_copies" else quilt.patchwork
    whole, calls = getattr(where, step), [0]

    def cut(*arguments: object, **more: object) -> object:
        calls[0] += 1
        if calls[0] == (7 if step == "make" else 1):
            raise KeyboardInterrupt
        return whole(*arguments, **more)

    monkeypatch.setattr(where, step, cut, raising=True)
    with pytest.raises(KeyboardInterrupt):
        evacuate.run("ams", workers=1, hostile=hostile)
    assert all(quilt.get(blob) == data for blob, data in blobs.items())
    monkeypatch.undo()
    assert evacuate.run("ams", hostile=hostile).complete
    for blob, data in blobs.items():
        assert sorted(shares(quilt, blob).values()) == [0, 1, 2]
        assert nobody_outside_has_two(quilt, blob)
        assert quilt.get(blob) == data


def test_what_too_few_others_have_stays_where_it_is_and_is_told(quilt: Quilt, evacuate: Evacuate) -> None:
    blob = quilt.put(LARGE)
    first, second, third = sorted(shares(quilt, blob))
    spoil(quilt, second, blob, "missing")
    plan(quilt).tend.patrol(second)
    report = evacuate.run(first, hostile=True)
    assert list(report.failed) == [blob]
    assert quilt.states(blob)[first] == "whole"
    evacuate.reopen(first)
    assert evacuate.run(first).complete
    assert quilt.get(blob) == LARGE
    assert third in shares(quilt, blob)


def test_a_blob_that_is_still_whole_is_never_copied_whole_to_a_supplier_that_may_have_a_share(
    quilt: Quilt, evacuate: Evacuate
) -> None:
    quilt.patchwork._spreads[2] = Spread(1, 1)
    blob = quilt.put(LARGE)
    (holder,) = quilt.has(blob)
    quilt.patchwork._spreads[2] = Spread(3, 2, 2)
    assert evacuate.run(holder).empty
    assert set(at(quilt, blob).values()) == {(2, "whole")}
    assert all("" not in objects(quilt, patch, blob) for patch in quilt.stores)
    assert quilt.get(blob) == LARGE


def test_what_if_counts_as_lost_what_has_too_few_shares_left(quilt: Quilt) -> None:
    blobs = [quilt.put(bytes([number])) for number in range(12)]
    at_ams = [blob for blob in blobs if "ams" in shares(quilt, blob)]
    (loss,) = plan(quilt).survey.what_if("ams").leaving.losses
    assert (loss.unreadable, loss.under_copied, loss.untouched) == (0, len(at_ams), len(blobs) - len(at_ams))
    for blob in blobs:
        spoil(quilt, "par", blob, "missing")
    plan(quilt).tend.patrol("par")
    (loss,) = plan(quilt).survey.what_if("ams").leaving.losses
    assert loss.unreadable == len(at_ams)
    assert plan(quilt).evacuate.only_at("ams") == len(at_ams)


def test_a_drill_makes_shares_under_scratch_names_and_removes_them(quilt: Quilt, evacuate: Evacuate) -> None:
    blobs = fill(quilt)
    before = {name: sorted(one.name for one in store.listing()) for name, store in quilt.stores.items()}
    held = evacuate.drill("ams", blobs=10)
    assert (held.blobs, held.failed, held.only_here) == (10, {}, 0)
    assert {name: sorted(one.name for one in store.listing()) for name, store in quilt.stores.items()} == before
    assert all(quilt.get(blob) == data for blob, data in blobs.items())


# Whole installations --------------------------------------------------------------------------------------------------


def test_a_parcel_sent_in_shares_is_collected_exported_and_gone_when_it_ends(quilt: Quilt, tmp_path: Path) -> None:
    from zegel.doors.cli.folder import DiskFolder

    link = quilt.ground.send_and_link(attachments=[("groot.bin", "application/octet-stream", LARGE)], class_=3)
    opened = quilt.ground.reading.open(link, "")
    (attachment,) = opened.manifest.attachments
    assert b"".join(opened.attachment(attachment)) == LARGE
    (parcel,) = quilt.ground.house.follow.parcels(quilt.ground.actor)
    blobs = [blob.blob for blob in quilt.ground.house.records.blobs_of(parcel.parcel)]
    assert all(sorted(shares(quilt, blob).values()) == [0, 1, 2] for blob in blobs)
    quilt.stores["ams"].mood = "away"
    assert plan(quilt).export.run(DiskFolder(tmp_path / "out")).blobs == len(blobs)
    assert json.loads((tmp_path / "out" / "zegel-export.json").read_text())["blobs"] == len(blobs)
    for blob in blobs:
        quilt.patchwork.delete(blob)
    quilt.stores["ams"].mood = "well"
    while plan(quilt).tend.round():
        pass
    again = plan(quilt).import_
    assert again.run(DiskFolder(tmp_path / "out")).skipped == 1
    quilt.ground.house.revoke.parcel(quilt.ground.actor, parcel.parcel)
    quilt.ground.house.expire.round()
    assert all(not quilt.has(blob) for blob in blobs)


# Placement ------------------------------------------------------------------------------------------------------------


def test_the_explanation_tells_of_shares_and_of_what_is_in_the_way(quilt: Quilt) -> None:
    found = plan(quilt).survey.explain(3)
    assert isinstance(found, Placement)
    assert (len(found.places), found.needed, found.short) == (3, 2, 0)
    quilt.patchwork._spreads[3] = Spread(5, 5, 3)
    refused = plan(quilt).survey.explain(3)
    assert isinstance(refused, Refusal)
    assert "too-few-places (4 of 5" in refused.rules[0]


def test_a_new_patch_takes_part(quilt: Quilt, tmp_path: Path) -> None:
    from tests.patchwork.moody import Moody

    quilt.patchwork.patches["attic"] = Patch("attic", Moody(tmp_path / "attic"), "own", rank=-1)
    quilt.patchwork.refresh()
    assert "attic" in quilt.states(quilt.put(LARGE))

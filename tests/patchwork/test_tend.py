"""Patrol, repair, completion, deletion and the sweep of orphans: everything comes right again by itself."""

from datetime import timedelta

import pytest

from tests.patchwork.conftest import Quilt
from tests.patchwork.test_patchwork import LARGE
from zegel.journeys.house import PlanB
from zegel.parcels.identifiers import new_identifier


def plan(quilt: Quilt) -> PlanB:
    assert quilt.ground.house.plan_b is not None
    return quilt.ground.house.plan_b


def spoil(quilt: Quilt, patch: str, blob: str, how: str) -> None:
    (path,) = quilt.stores[patch].blobs.glob(f"*/{blob}")
    data = path.read_bytes()
    path.unlink()
    if how == "truncated":
        path.write_bytes(data[:-1])
    elif how == "altered":
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    elif how == "stale":
        path.write_bytes(b"what was here before")


def test_a_copy_that_a_patch_missed_is_made_when_it_is_back(quilt: Quilt) -> None:
    quilt.stores["ams"].mood = quilt.stores["home"].mood = "away"
    blob = quilt.put(LARGE)
    assert quilt.states(blob) == {"ams": "wanted", "par": "whole"}
    assert plan(quilt).tend.round() == 0
    quilt.stores["ams"].mood = "well"
    assert plan(quilt).tend.round() == 1
    assert quilt.states(blob) == {"ams": "whole", "par": "whole"}
    assert quilt.has(blob) == {"ams", "par"}
    quilt.stores["par"].mood = "away"
    assert quilt.get(blob) == LARGE


@pytest.mark.parametrize("how", ["missing", "truncated", "altered", "stale"])
@pytest.mark.parametrize("data", [b"small", LARGE])
def test_the_patrol_finds_what_is_wrong_and_the_round_repairs_it(quilt: Quilt, how: str, data: bytes) -> None:
    blobs = [quilt.put(data) for _ in range(3)]
    spoil(quilt, "ams", blobs[1], how)
    seen = {one.patch: one for one in plan(quilt).tend.patrol_all()}
    assert (seen["ams"].looked, seen["ams"].broken, seen["par"].broken) == (3, 1, 0)
    assert quilt.states(blobs[1]) == {"ams": "broken", "par": "whole"}
    assert plan(quilt).tend.round() == 1
    assert quilt.states(blobs[1]) == {"ams": "whole", "par": "whole"}
    assert b"".join(quilt.stores["ams"].read(blobs[1])) == data
    events = [entry.event for entry in quilt.records.audit_entries() if entry.subject == blobs[1]]
    assert events == ["copy:broken", "copy:repaired"]


def test_a_copy_that_was_only_out_of_sight_is_whole_again_without_writing(quilt: Quilt) -> None:
    blob = quilt.put(b"sealed")
    quilt.stores["ams"].mood = "altering"
    plan(quilt).tend.patrol("ams")
    quilt.stores["ams"].mood = "well"
    assert plan(quilt).tend.round() == 1
    assert quilt.states(blob) == {"ams": "whole", "par": "whole"}


def test_the_only_copy_is_never_deleted_to_repair_it(quilt: Quilt) -> None:
    blob = quilt.put(b"sealed", class_=4)
    spoil(quilt, "home", blob, "truncated")
    plan(quilt).tend.patrol("home")
    assert plan(quilt).tend.round() == 0
    assert quilt.states(blob) == {"home": "broken"}
    assert quilt.has(blob) == {"home"}


def test_over_time_every_copy_is_checked_and_none_twice_too_soon(quilt: Quilt) -> None:
    for number in range(5):
        quilt.put(bytes([number]))
    tend = plan(quilt).tend
    assert [tend.patrol("ams", most=2).looked for _ in range(4)] == [2, 2, 1, 0]
    quilt.clock.move(days=31)
    assert tend.patrol("ams", most=10).looked == 5


def test_a_patch_that_is_away_is_told_apart_from_one_that_is_broken(quilt: Quilt) -> None:
    blob = quilt.put(b"sealed")
    quilt.stores["ams"].mood = "away"
    seen = plan(quilt).tend.patrol("ams")
    assert (seen.looked, seen.broken, seen.failed) == (0, 0, 1)
    assert quilt.states(blob)["ams"] == "whole"
    report = {one.patch: one for one in plan(quilt).survey.patch_reports()}["ams"]
    assert (report.error_rate, report.objects, report.size) == (1.0, 1, 6)


def test_doomed_copies_go_when_their_patch_is_back_and_a_cut_patch_holds_up_nobody(quilt: Quilt) -> None:
    first, second = quilt.put(b"one"), quilt.put(b"two")
    quilt.stores["ams"].mood = quilt.stores["par"].mood = "away"
    for blob in (first, second):
        quilt.patchwork.delete(blob)
    quilt.stores["ams"].mood = quilt.stores["par"].mood = "well"
    with quilt.records.transaction():
        quilt.records.set_patch("ams", quilt.clock(), state="cut")
    quilt.patchwork.refresh()
    assert plan(quilt).tend.round() == 2
    assert (quilt.states(first), quilt.has(first)) == ({"ams": "doomed"}, {"ams"})


def test_orphans_go_after_the_grace_period_and_nothing_else(quilt: Quilt) -> None:
    kept, orphan = quilt.put(LARGE), new_identifier()
    writer = quilt.stores["ams"].open_write(orphan)
    writer.write(b"nobody knows me")
    writer.commit()
    tend = plan(quilt).tend
    # Files have the machine's time, the house's clock stands still: put it right before the grace period, then after.
    import time
    from datetime import UTC, datetime

    quilt.clock.now = datetime.fromtimestamp(time.time(), UTC)
    assert tend.sweep() == 0
    quilt.clock.move(days=3)
    assert tend.sweep() == 1
    assert (quilt.has(orphan), quilt.has(kept)) == (set(), {"ams", "par"})
    assert quilt.get(kept, 5, 10) == LARGE[5:15]


def test_a_copy_where_the_rules_no_longer_want_it_is_wanted_elsewhere(quilt: Quilt) -> None:
    quilt.stores["ams"].mood = quilt.stores["home"].mood = "away"
    blob = quilt.put(b"sealed")
    quilt.stores["home"].mood = "well"
    with quilt.records.transaction():
        quilt.records.set_patch("ams", quilt.clock(), state="leaving")
    quilt.patchwork.refresh()
    quilt.clock.move(seconds=timedelta(minutes=5).total_seconds())
    for _ in range(2):
        plan(quilt).tend.round()
    assert quilt.states(blob) in ({"par": "whole", "home": "whole"}, {"par": "whole", "home": "whole", "ams": "doomed"})
    assert quilt.has(blob) == {"par", "home"}


def test_old_blobs_get_the_copies_that_new_rules_ask_for(quilt: Quilt) -> None:
    from zegel.stores.placement import Spread

    blobs = [quilt.put(bytes([number])) for number in range(5)]
    own = quilt.put(b"class 4", class_=4)
    assert plan(quilt).tend.respread() == 0
    quilt.patchwork._spreads[2] = Spread(3, 1)
    assert plan(quilt).tend.respread() == 5
    assert plan(quilt).tend.respread() == 0
    assert plan(quilt).tend.round() == 5
    assert all(quilt.has(blob) == {"ams", "par", "home"} for blob in blobs)
    assert quilt.has(own) == {"home"}

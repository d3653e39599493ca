"""Plan B: what-if, evacuation with and without help, cut, drill; resumable, reported, and nothing is lost."""

import json
import threading

import pytest

from tests.patchwork.conftest import AMS, Quilt, make_quilt
from tests.patchwork.test_patchwork import LARGE
from tests.patchwork.test_tend import plan, spoil
from tests.suppliers.made import AMERICAN, make_supplier
from zegel.errors import Mistake, NotFound
from zegel.journeys.evacuate import Evacuate, Throttle
from zegel.journeys.plan_reports import Progress
from zegel.stores.placement import Placement, Refusal, Spread


@pytest.fixture
def evacuate(quilt: Quilt) -> Evacuate:
    return Evacuate(quilt.records, quilt.patchwork, quilt.clock, wait=lambda _seconds: None)


def fill(quilt: Quilt) -> dict[str, bytes]:
    blobs = {quilt.put(data): data for data in (b"", b"small", LARGE)}
    blobs |= {quilt.put(b"class 4", class_=4): b"class 4"}
    return blobs | {quilt.put(bytes([number]) * 100): bytes([number]) * 100 for number in range(20)}


def all_whole(quilt: Quilt, blobs: dict[str, bytes], without: str) -> bool:
    """Every blob is readable and has its copies, and none of them is at the patch that was left."""
    return all(
        quilt.get(blob) == data and without not in quilt.has(blob) and set(quilt.states(blob).values()) == {"whole"}
        for blob, data in blobs.items()
    )


# Leaving --------------------------------------------------------------------------------------------------------------


def test_a_cooperative_evacuation_empties_the_patch_and_says_so(quilt: Quilt, evacuate: Evacuate) -> None:
    blobs, seen = fill(quilt), list[Progress]()
    report = evacuate.run("ams", reason="sold", progress=seen.append)
    assert all_whole(quilt, blobs, "ams")
    assert list(quilt.stores["ams"].listing()) == []
    assert (report.complete, report.empty, report.deleted, report.blobs) == (True, True, 23, 23)
    assert json.loads(report.spell())["remains"] == {
        "objects": 0, "size": 0, "versions": 0, "uploads": 0, "unknown": [], "nothing": True,
    }  # fmt: skip
    assert (seen[-1].blobs, seen[-1].of_blobs, seen[-1].eta) == (23, 23, 0.0)
    events = [entry.event for entry in quilt.records.audit_entries() if entry.subject == "ams"]
    assert events == ["evacuation:started", "evacuation:finished"]
    assert quilt.states(quilt.put(b"new")) == {"par": "whole", "home": "whole"}


@pytest.mark.parametrize("mood", ["away", "refusing", "altering", "locked"])
def test_a_hostile_evacuation_rebuilds_everything_without_asking_the_patch(
    quilt: Quilt, evacuate: Evacuate, mood: str
) -> None:
    blobs = fill(quilt)
    quilt.stores["ams"].mood = mood
    before = quilt.stores["ams"].reads
    report = evacuate.run("ams", hostile=True, reason="locked us out")
    assert quilt.stores["ams"].reads == before
    assert (report.complete, report.empty, report.remains, report.copied) == (True, False, None, 23)
    for blob, data in blobs.items():
        states = quilt.states(blob)
        states.pop("ams", None)
        assert quilt.get(blob) == data
        assert set(states.values()) == {"whole"}
        assert len(states) == (1 if data == b"class 4" else 2)


def test_what_lies_nowhere_else_is_told_as_failed_and_kept(tmp_path, database) -> None:  # type: ignore[no-untyped-def]
    quilt = make_quilt(tmp_path, {2: Spread(1, 1)}, home=5, par=3)
    evacuate = Evacuate(quilt.records, quilt.patchwork, quilt.clock, wait=lambda _seconds: None)
    blob = quilt.put(b"only here")
    assert quilt.has(blob) == {"ams"}
    report = evacuate.run("ams", hostile=True)
    assert list(report.failed) == [blob]
    assert quilt.states(blob) == {"ams": "whole"}
    evacuate.reopen("ams")
    assert evacuate.run("ams").complete
    assert quilt.has(blob) == {"par"}
    assert quilt.get(blob) == b"only here"


def test_a_lock_that_refuses_deletion_is_in_the_report(quilt: Quilt, evacuate: Evacuate) -> None:
    blob = quilt.put(b"sealed")
    quilt.stores["ams"].mood = "locked"
    report = evacuate.run("ams")
    assert (report.complete, report.empty) == (True, False)
    assert "a lock" in report.not_deleted[f"ams/{blob}"]
    assert report.remains is not None
    assert report.remains["objects"] == 1
    quilt.stores["ams"].mood = "well"
    assert evacuate.run("ams").empty


@pytest.mark.parametrize("step", ["make", "add_copies", "remove"])
def test_an_evacuation_that_is_cut_off_anywhere_goes_on(
    quilt: Quilt, evacuate: Evacuate, step: str, monkeypatch: pytest.MonkeyPatch
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
        evacuate.run("ams", workers=1)
    assert all(quilt.get(blob) == data for blob, data in blobs.items())
    monkeypatch.undo()
    assert evacuate.run("ams").empty
    assert all_whole(quilt, blobs, "ams")


def test_a_target_that_fails_meanwhile_leaves_blobs_where_they_are_until_the_next_run(
    quilt: Quilt, evacuate: Evacuate
) -> None:
    blobs = fill(quilt)
    quilt.stores["home"].mood = "away"
    report = evacuate.run("ams")
    assert not report.complete
    assert all(quilt.get(blob) == data for blob, data in blobs.items() if data != b"class 4")
    quilt.stores["home"].mood = "well"
    assert evacuate.run("ams").empty
    assert all_whole(quilt, blobs, "ams")


@pytest.mark.parametrize("how", ["altered", "truncated", "missing"])
def test_a_broken_copy_elsewhere_is_replaced_while_leaving(quilt: Quilt, evacuate: Evacuate, how: str) -> None:
    blob, fine = quilt.put(LARGE), quilt.put(b"fine")
    spoil(quilt, "par", blob, how)
    quilt.stores["par"].mood = "altering"
    plan(quilt).tend.patrol("par")
    quilt.stores["par"].mood = "well"
    assert quilt.states(fine)["par"] == "broken"
    assert evacuate.run("ams").empty
    assert all_whole(quilt, {blob: LARGE, fine: b"fine"}, "ams")


def test_a_parcel_that_is_deleted_meanwhile_stays_deleted(
    quilt: Quilt, evacuate: Evacuate, monkeypatch: pytest.MonkeyPatch
) -> None:
    blob = quilt.put(b"sealed")
    record = evacuate._record

    def late(*arguments: object) -> None:
        quilt.patchwork.delete(blob)
        record(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Evacuate, "_record", lambda _self, done, report: late(done, report))
    evacuate.run("ams")
    plan(quilt).tend.round()
    assert (quilt.states(blob), quilt.has(blob)) == ({}, set())


def test_the_only_patch_and_an_unknown_one_cannot_be_left(tmp_path, quilt: Quilt, evacuate: Evacuate) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(NotFound):
        evacuate.run("nowhere")
    quilt.patchwork.patches = {"home": quilt.patchwork.patches["home"]}
    with pytest.raises(Mistake, match="only one"):
        evacuate.run("home")


def test_the_rate_is_shared_by_all_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    now, slept = [100.0], list[float]()
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr("time.sleep", slept.append)
    throttle = Throttle(1000)
    threads = [threading.Thread(target=throttle, args=(500,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(slept) == [0.5, 1.0, 1.5]


# What-if and drills ---------------------------------------------------------------------------------------------------


def test_what_if_tells_what_would_be_lost_and_where_it_would_go(quilt: Quilt) -> None:
    fill(quilt)
    answer = plan(quilt).survey.what_if("ams-cloud")
    assert answer.gone == ("ams",)
    assert [(loss.class_, loss.unreadable, loss.under_copied, loss.untouched) for loss in answer.leaving.losses] == [
        (2, 0, 23, 0),
        (4, 0, 0, 1),
    ]
    assert answer.leaving.egress_eur is not None
    assert isinstance(answer.then[2], Placement)
    assert set(answer.then[2].places) == {"par", "home"}
    home = plan(quilt).survey.what_if("home")
    assert home.leaving.unreadable == 1
    assert isinstance(home.then[4], Refusal)
    with pytest.raises(NotFound):
        plan(quilt).survey.what_if("nobody")


def test_a_drill_changes_nothing_and_measures(quilt: Quilt, evacuate: Evacuate) -> None:
    blobs = fill(quilt)
    before = {name: sorted(one.name for one in store.listing()) for name, store in quilt.stores.items()}
    held = evacuate.drill("ams", blobs=10)
    assert (held.blobs, held.failed, held.all_blobs, held.only_here) == (10, {}, 23, 0)
    assert {name: sorted(one.name for one in store.listing()) for name, store in quilt.stores.items()} == before
    assert all(quilt.get(blob) == data for blob, data in blobs.items())
    due = {one.patch: one.drill_due for one in plan(quilt).survey.patch_reports()}
    assert (due["ams"], due["par"]) == (False, True)
    quilt.clock.move(days=366)
    assert all(one.drill_due for one in plan(quilt).survey.patch_reports())


def test_a_drill_finds_what_could_not_be_rebuilt(quilt: Quilt, evacuate: Evacuate) -> None:
    fill(quilt)
    quilt.stores["par"].mood = "altering"
    assert len(evacuate.drill("ams", blobs=5).failed) >= 4
    held = evacuate.drill("home")
    assert "own-or-government-only" in next(iter(held.failed.values()))
    assert held.only_here == 1


def test_a_sale_that_is_announced_stops_new_writes_of_the_classes_that_it_forbids(quilt: Quilt) -> None:
    text = """
[[supplier]]
name = "ams-cloud"
legal_name = "Ams Cloud B.V."
seat = "NL"
hosting = ["NL"]
assurance = 3
[[supplier.owner]]
name = "Example Capital LLC"
country = "US"
announced = 2026-06-10
ultimate = true
"""
    assert quilt.has(quilt.put(b"before", class_=3)) == {"ams", "par"}
    plan(quilt).survey.import_suppliers(text)
    assert quilt.has(quilt.put(b"after", class_=3)) == {"home", "par"}
    assert quilt.has(quilt.put(b"after", class_=2)) == {"ams", "par"}
    told = {one.name: (control, laws) for one, control, laws in plan(quilt).survey.suppliers()}
    assert "announced" in told["ams-cloud"][0][0]
    assert any("CLOUD Act" in law.law for law in told["ams-cloud"][1])
    assert [entry.event for entry in quilt.records.audit_entries()][-1] == "supplier:imported"
    assert AMERICAN not in AMS.owner
    assert make_supplier().owner


def test_a_report_is_signed_by_the_organisation(quilt: Quilt, evacuate: Evacuate) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    report = evacuate.run("ams").spell()
    key, ed25519, mldsa65 = plan(quilt).sign(report)
    (signing,) = quilt.ground.house.profile.signing
    assert key == signing.fingerprint
    Ed25519PublicKey.from_public_bytes(signing.ed25519).verify(ed25519, report)
    assert len(mldsa65) == 3309


def test_the_report_covers_every_run_of_an_evacuation_that_was_cut_off(
    quilt: Quilt, evacuate: Evacuate, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(quilt)
    monkeypatch.setattr("zegel.journeys.evacuate._BATCH", 4)
    calls, seen = [0], []

    def cut(progress: Progress) -> None:
        calls[0] += 1
        seen.append(progress.blobs)
        if calls[0] == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evacuate.run("ams", workers=1, progress=cut)
    quilt.clock.move(days=1)
    told: list[Progress] = []
    report = evacuate.run("ams", progress=told.append)
    assert seen == [4, 8]
    assert (report.runs, report.blobs, report.copied, report.empty) == (2, 23, 23, True)
    assert report.started < report.finished[:10]
    assert (told[0].before, {one.of_blobs for one in told}, told[-1].blobs) == (8, {23}, 23)
    assert quilt.records.patch_rows()["ams"]["so_far"] == ""
    again = evacuate.run("ams")
    assert (again.runs, again.blobs) == (1, 0), "what is over is not reported twice"


def test_another_way_of_leaving_is_another_report(quilt: Quilt, evacuate: Evacuate) -> None:
    fill(quilt)
    quilt.stores["home"].mood = "away"
    first = evacuate.run("ams")
    assert not first.complete
    again = evacuate.run("ams")
    assert (again.runs, again.blobs, again.failed) == (2, first.blobs, first.failed)
    hostile = evacuate.run("ams", hostile=True)
    assert (hostile.runs, hostile.blobs) == (1, 0)
    with quilt.records.transaction():
        quilt.records.set_patch("ams", quilt.clock(), so_far='{"runs": "x"}')
    assert evacuate.run("ams", hostile=True).runs == 1, "what does not read as ours adds nothing"


def test_what_if_reckons_with_the_speed_of_the_last_drill(quilt: Quilt, evacuate: Evacuate) -> None:
    fill(quilt)
    before = plan(quilt).survey.what_if("ams")
    assert (before.measured, before.bytes_per_second) == (False, 50e6)
    held = evacuate.drill("ams")
    after = plan(quilt).survey.what_if("ams")
    assert after.measured
    assert after.bytes_per_second == pytest.approx(held.size / held.seconds, rel=0.2)
    assert after.leaving.seconds == after.leaving.bytes_to_move / after.bytes_per_second
    quilt.stores["par"].mood = "altering"
    assert evacuate.drill("ams").failed
    assert plan(quilt).survey.what_if("ams").bytes_per_second == after.bytes_per_second
    assert not plan(quilt).survey.what_if("par").measured

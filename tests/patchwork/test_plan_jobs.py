"""Jobs of officers: done by the worker, stopped and resumed, taken over from one that died; reports signed inside."""

import json
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.ground.databases import Database
from tests.ground.house import SENDER
from tests.patchwork.conftest import Quilt
from tests.patchwork.test_plan_b import all_whole, fill
from tests.patchwork.test_tend import plan
from zegel.errors import Denied, Mistake, NotFound, Unavailable
from zegel.journeys.evacuate import Evacuate
from zegel.journeys.plan_jobs import PlanJobs, RunJobs, SignReports, _Watch
from zegel.journeys.plan_reports import Progress
from zegel.parcels.identifiers import new_identifier
from zegel.parcels.signature import made_both
from zegel.suppliers.plan import PatchDay, PlanReport, read_report


@pytest.fixture
def officer(quilt: Quilt) -> Any:
    return quilt.ground.house.welcome.officer(SENDER, True)


@pytest.fixture
def evacuate(quilt: Quilt) -> Evacuate:
    return Evacuate(quilt.records, quilt.patchwork, quilt.clock, wait=lambda _seconds: None)


@pytest.fixture
def jobs(quilt: Quilt, evacuate: Evacuate) -> PlanJobs:
    return PlanJobs(quilt.records, evacuate, quilt.clock)


@pytest.fixture
def worker(quilt: Quilt, evacuate: Evacuate) -> RunJobs:
    return RunJobs(quilt.records, evacuate, quilt.clock, beat=0.01)


def events(quilt: Quilt, patch: str = "ams") -> list[str]:
    return [entry.event for entry in quilt.records.audit_entries() if entry.subject == patch]


def test_an_evacuation_is_asked_for_done_reported_and_signed(
    quilt: Quilt, officer: Any, jobs: PlanJobs, worker: RunJobs
) -> None:
    blobs = fill(quilt)
    job = jobs.request(officer, "evacuate", "ams", "sold")
    assert (job.state, worker.round(), worker.round()) == ("waiting", 1, 0)
    done = jobs.find(officer, job.job)
    assert done.code == ""
    assert (done.state, done.blobs, done.of_blobs, done.failed) == ("done", 23, 23, 0)
    assert all_whole(quilt, blobs, "ams")
    report = quilt.records.report(done.report)
    assert report is not None
    assert (report.key, json.loads(report.body)["empty"]) == ("", True)

    signs = plan(quilt).sign_reports
    assert signs is not None
    assert (signs.round(), signs.round()) == (1, 0)
    report = quilt.records.report(done.report)
    assert report is not None
    [signing] = quilt.ground.house.profile.signing
    assert report.key == signing.fingerprint
    assert made_both(signing, report.body, report.ed25519, report.mldsa65)
    assert not made_both(signing, report.body + b" ", report.ed25519, report.mldsa65)
    assert events(quilt) == [
        "evacuation:started", "plan:requested", "evacuation:started", "evacuation:finished", "report:signed",
    ]  # fmt: skip
    actors = {entry.event: entry.actor for entry in quilt.records.audit_entries() if entry.subject == "ams"}
    assert actors["plan:requested"] == actors["evacuation:finished"] == f"account:{officer.account}"


@pytest.mark.parametrize("act", ["request", "cut", "stop", "resume", "reopen", "find"])
def test_nobody_else_may(quilt: Quilt, officer: Any, jobs: PlanJobs, act: str) -> None:
    job = jobs.request(officer, "drill", "ams")
    other = quilt.ground.house.welcome.add("balie@voorbeeld.example", "Balie", None)
    arguments = {"request": ("evacuate", "par"), "cut": ("par-cloud", ""), "reopen": ("par",)}.get(act, (job.job,))
    with pytest.raises(Denied):
        getattr(jobs, act)(other, *arguments)
    assert {one.state for one in quilt.patchwork.facts()} == {"open"}
    assert len(quilt.records.jobs()) == 1


def test_a_job_is_stopped_between_two_batches_and_goes_on_where_it_was(
    quilt: Quilt, officer: Any, jobs: PlanJobs, worker: RunJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = fill(quilt)
    monkeypatch.setattr("zegel.journeys.evacuate._BATCH", 4)
    job = jobs.request(officer, "evacuate", "ams")
    make, made, told = quilt.patchwork.make, [0], threading.Event()

    def slow(*arguments: Any, **more: Any) -> Any:
        made[0] += 1
        if made[0] == 5:
            jobs.stop(officer, job.job)
            told.wait(60)
        return make(*arguments, **more)

    look = _Watch.look

    def looks(watch: _Watch) -> None:
        look(watch)
        if watch.told:
            told.set()

    monkeypatch.setattr(quilt.patchwork, "make", slow)
    monkeypatch.setattr(_Watch, "look", looks)
    worker.round()
    stopped = jobs.find(officer, job.job)
    assert (stopped.state, stopped.stopping, stopped.finished) == ("stopped", False, None)
    assert 4 <= stopped.blobs < 23
    assert all(quilt.get(blob) == data for blob, data in blobs.items())
    assert worker.round() == 0
    jobs.resume(officer, job.job)
    worker.round()
    done = jobs.find(officer, job.job)
    assert (done.state, done.blobs, done.of_blobs) == ("done", 23, 23)
    assert all_whole(quilt, blobs, "ams")


def test_a_worker_that_dies_is_followed_by_another_one(
    quilt: Quilt, officer: Any, jobs: PlanJobs, worker: RunJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = fill(quilt)
    job = jobs.request(officer, "evacuate", "ams")
    monkeypatch.setattr("zegel.journeys.evacuate._BATCH", 4)
    make, made = quilt.patchwork.make, [0]

    def dies(*arguments: Any, **more: Any) -> Any:
        made[0] += 1
        if made[0] == 10:
            raise KeyboardInterrupt
        return make(*arguments, **more)

    monkeypatch.setattr(quilt.patchwork, "make", dies)
    with pytest.raises(KeyboardInterrupt):
        worker.round()
    monkeypatch.undo()
    assert jobs.find(officer, job.job).state == "running"
    assert worker.round() == 0, "its lease is not over"
    quilt.clock.move(seconds=61)
    assert worker.round() == 1
    assert jobs.find(officer, job.job).state == "done"
    assert all_whole(quilt, blobs, "ams")


WORKER = """
import itertools
import sys
from datetime import UTC, datetime
from pathlib import Path
import zegel.journeys.evacuate as leaving
from zegel.journeys.plan_jobs import RunJobs
from zegel.stores.choosing import Patch
from zegel.stores.drivers.local import LocalStore
from zegel.stores.patchwork import Patchwork
from zegel.stores.placement import Spread

clock = lambda: datetime(2026, 11, 20, 9, 14, tzinfo=UTC)
where = {"home": "own", "ams": "ams-cloud", "par": "par-cloud"}
patches = [Patch(name, LocalStore(Path(sys.argv[1]) / name), supplier) for name, supplier in where.items()]
work = Patchwork(patches, records, clock, spreads={class_: Spread(2, 1) for class_ in range(4)})
make, made = work.make, itertools.count()

def waits(*arguments, **more):
    number = next(made)
    if number == 9:  # copies are made by several threads: one of them says so
        print("in the middle", flush=True)
    if number >= 9:
        sys.stdin.read()
    return make(*arguments, **more)

work.make, leaving._BATCH = waits, 4
RunJobs(records, leaving.Evacuate(records, work, clock, wait=lambda seconds: None), clock, beat=0.01).round()
"""


@pytest.mark.slow
def test_a_worker_process_that_is_killed_is_followed_by_another_one(
    quilt: Quilt, database: Database, tmp_path: Path, officer: Any, jobs: PlanJobs, worker: RunJobs
) -> None:
    blobs = fill(quilt)
    job = jobs.request(officer, "evacuate", "ams")
    process = database.start(WORKER, tmp_path)
    assert process.stdout is not None
    assert process.stdout.readline() == "in the middle\n", process.communicate()
    process.kill()
    process.communicate()
    left = len(quilt.records.copies_at("ams"))
    assert 0 < left < 23
    assert jobs.find(officer, job.job).state == "running"
    assert worker.round() == 0, "its lease is not over"
    quilt.clock.move(seconds=61)
    assert worker.round() == 1
    assert jobs.find(officer, job.job).state == "done"
    assert all_whole(quilt, blobs, "ams")


def test_a_worker_whose_process_ends_gives_the_job_back(
    quilt: Quilt, officer: Any, jobs: PlanJobs, worker: RunJobs
) -> None:
    fill(quilt)
    job, ending = jobs.request(officer, "evacuate", "ams"), threading.Event()
    ending.set()
    worker.round(ending)
    assert jobs.find(officer, job.job).state == "waiting"
    worker.round()
    assert jobs.find(officer, job.job).state == "done"


def test_a_worker_that_was_only_slow_changes_nothing(quilt: Quilt, officer: Any, jobs: PlanJobs) -> None:
    job = jobs.request(officer, "drill", "ams")
    now = quilt.clock()
    first = quilt.records.lease_job(now, "first", 60)
    assert first is not None
    assert quilt.records.lease_job(now, "second", 60) is None
    later = now + timedelta(seconds=61)
    second = quilt.records.lease_job(later, "second", 60)
    assert second is not None
    with quilt.records.transaction():
        assert quilt.records.renew_job(job.job, "first", later, None) is None
        assert not quilt.records.end_job(job.job, "first", "done", later)
        assert not quilt.records.retry_job(job.job, "first", later, "x")
        assert quilt.records.end_job(job.job, "second", "done", later)


def test_a_job_that_kills_its_worker_every_time_is_given_up(quilt: Quilt, officer: Any, jobs: PlanJobs) -> None:
    job, moment = jobs.request(officer, "drill", "ams"), quilt.clock()
    for number in range(20):
        assert quilt.records.lease_job(moment, f"lease {number}", 60) is not None
        moment += timedelta(seconds=61)
    assert quilt.records.lease_job(moment, "one more", 60) is None
    found = jobs.find(officer, job.job)
    assert (found.state, found.code) == ("failed", "gave-up")


def test_a_cut_goes_before_what_is_going_on_and_cannot_be_undone_by_it(
    quilt: Quilt, officer: Any, jobs: PlanJobs, worker: RunJobs
) -> None:
    blobs = fill(quilt)
    leaving = jobs.request(officer, "evacuate", "ams")
    with pytest.raises(Mistake, match="already"):
        jobs.request(officer, "drill", "ams")
    [cut] = jobs.cut(officer, "ams-cloud", "sold")
    assert {one.name: one.state for one in quilt.patchwork.facts()}["ams"] == "cut"
    assert jobs.find(officer, leaving.job).state == "stopped"
    reads = quilt.stores["ams"].reads
    worker.round()
    assert jobs.find(officer, cut.job).state == "done"
    jobs.resume(officer, leaving.job)
    worker.round()
    failed = jobs.find(officer, leaving.job)
    assert (failed.state, failed.code) == ("failed", "patch-cut")
    assert quilt.stores["ams"].reads == reads, "a patch that is cut was asked something"
    assert all(quilt.get(blob) == data for blob, data in blobs.items())
    with pytest.raises(Mistake, match="cut"):
        jobs.request(officer, "evacuate", "ams")
    jobs.reopen(officer, "ams")
    assert {one.name: one.state for one in quilt.patchwork.facts()}["ams"] == "open"


def test_when_the_database_is_away_it_is_tried_again_later(
    quilt: Quilt, officer: Any, jobs: PlanJobs, worker: RunJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = jobs.request(officer, "drill", "ams")

    def away(*_arguments: Any, **_more: Any) -> None:
        raise Unavailable("away", code="database-away")

    monkeypatch.setattr(Evacuate, "drill", away)
    worker.round()
    found = jobs.find(officer, job.job)
    assert (found.state, found.code) == ("waiting", "database-away")
    monkeypatch.undo()
    assert worker.round() == 0
    quilt.clock.move(seconds=61)
    assert worker.round() == 1
    assert jobs.find(officer, job.job).state == "done"


def test_what_cannot_be_asked_for(quilt: Quilt, officer: Any, jobs: PlanJobs) -> None:
    with pytest.raises(NotFound):
        jobs.request(officer, "evacuate", "nowhere")
    with pytest.raises(NotFound):
        jobs.cut(officer, "nobody", "")
    for name in ("", "../x", new_identifier()):
        with pytest.raises(NotFound):
            jobs.find(officer, name)
    assert quilt.records.jobs() == []


# Signing --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [b"", b"zegel manifest v1\n", b"[]", b'{"zegel": "manifest v1", "patch": "x"}',
     b' {"zegel": "drill report v1", "patch": "x"}',
     b'{"zegel": "drill report v1"}', b"\xff", b"[" * 100_000],
)  # fmt: skip
def test_the_inside_signs_reports_and_nothing_else(quilt: Quilt, body: bytes) -> None:
    with pytest.raises(Mistake):
        read_report(body)
    signs = plan(quilt).sign_reports
    assert signs is not None
    with quilt.records.transaction():
        quilt.records.add_report(PlanReport("0" * 64, "drill", "ams", quilt.clock(), body))
    assert signs.round() == 1
    report = quilt.records.report("0" * 64)
    assert report is not None
    assert (report.key, report.ed25519, report.refused) == ("", b"", True)
    assert signs.round() == 0
    assert "report:signed" not in events(quilt)


def test_a_report_that_was_altered_after_it_was_made_is_not_signed(quilt: Quilt, evacuate: Evacuate) -> None:
    fill(quilt)
    body = evacuate.drill("ams").spell()
    with quilt.records.transaction():
        quilt.records.add_report(PlanReport("1" * 64, "drill", "ams", quilt.clock(), body))
    signs = SignReports(quilt.records, quilt.ground.custody, quilt.clock)
    signs.round()
    found = quilt.records.report("1" * 64)
    assert found is not None
    assert found.refused
    [good] = [one for one in quilt.records.reports() if not one.refused]
    assert good.key


# Days and reminders ---------------------------------------------------------------------------------------------------


def test_days_are_kept_one_row_each_and_for_a_bounded_time(quilt: Quilt) -> None:
    days = plan(quilt).days
    quilt.put(b"one")
    days.note()
    quilt.put(b"two")
    quilt.clock.move(hours=1)
    days.note()
    today = quilt.clock().date()
    found = quilt.records.days(today)
    assert [(one.patch, one.objects, one.size) for one in found] == [("ams", 2, 6), ("home", 0, 0), ("par", 2, 6)]
    with quilt.records.transaction():
        quilt.records.put_days([replace(found[0], day=today - timedelta(days=401))])
    quilt.clock.move(days=1)
    days.note()
    kept = quilt.records.days(today - timedelta(days=1000))
    assert {one.day for one in kept} == {today, today + timedelta(days=1)}
    assert isinstance(kept[0], PatchDay)


def test_a_drill_that_is_due_is_reminded_of_once_a_month_until_it_is_held(quilt: Quilt, evacuate: Evacuate) -> None:
    days = plan(quilt).days
    assert sorted(days.remind()) == ["ams", "home", "par"]
    assert days.remind() == []
    assert events(quilt) == ["drill:due"]
    evacuate.drill("ams")
    quilt.clock.move(days=31)
    assert sorted(days.remind()) == ["home", "par"]
    quilt.clock.move(days=340)
    assert "ams" in days.remind()
    quilt.patchwork.patches = {"home": quilt.patchwork.patches["home"]}
    quilt.clock.move(days=31)
    assert days.remind() == []


def test_progress_tells_the_rest_of_the_time() -> None:
    assert Progress(5, 10, 0, 0, 30.0, 0).eta == 30.0

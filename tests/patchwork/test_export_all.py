"""The whole installation out and in again elsewhere: every reader's link still works, and a cut run goes on."""

import json
from pathlib import Path

import pytest

from tests.ground import databases
from tests.ground.databases import Database
from tests.ground.house import Ground, make_house
from zegel.doors.cli.folder import DiskFolder
from zegel.errors import Damaged, Mistake, NotFound
from zegel.journeys.house import PlanB
from zegel.parcels.claim import Link

LARGE = bytes(range(256)) * 9000


def plan(ground: Ground) -> PlanB:
    assert ground.house.plan_b is not None
    return ground.house.plan_b


def read(ground: Ground, link: Link) -> dict[str, bytes]:
    opened = ground.reading.open(link, "")
    assert opened.unverified == ""
    return {item.name: b"".join(opened.attachment(item)) for item in opened.manifest.attachments}


@pytest.fixture
def template(request: pytest.FixtureRequest) -> Path:
    """An empty, migrated SQLite file: the new installation's database, whatever the old one's was."""
    found: Path = request.getfixturevalue("_sqlite_template")
    return found


@pytest.fixture
def before(tmp_path: Path, database: Database) -> tuple[Ground, list[Link]]:
    """A house with three parcels, one of them withdrawn, and one whose notice is still waiting."""
    ground = make_house(tmp_path / "old")
    links = [
        ground.send_and_link(attachments=[("groot.bin", "application/octet-stream", LARGE)]),
        ground.send_and_link(),
    ]
    gone = ground.send()
    ground.house.revoke.parcel(ground.actor, gone)
    ground.send(subject="Nog niet verstuurd")
    return ground, links


def move(before: Ground, template: Path, tmp_path: Path, folder: Path) -> Ground:
    """A fresh house on a fresh database, with the keys of the old one."""
    plan(before).export.run(DiskFolder(folder))
    (tmp_path / "new").mkdir()
    next(databases.fresh_sqlite(template, tmp_path / "new"))
    return make_house(tmp_path / "new", custody=before.custody, clock=before.clock)


def test_every_link_works_in_a_fresh_installation(
    tmp_path: Path, before: tuple[Ground, list[Link]], template: Path
) -> None:
    old, links = before
    head = old.house.records.audit_head()
    states = sorted(one.state for one in old.house.follow.parcels(old.actor))
    shown = [read(old, link) for link in links]
    folder = tmp_path / "export"
    new = move(old, template, tmp_path, folder)
    moved = plan(new).import_.run(DiskFolder(folder))
    assert (moved.parcels, moved.blobs) == (4, 6)
    assert [read(new, link) for link in links] == shown
    assert sorted(one.state for one in new.house.follow.parcels(new.actor)) == states
    assert head.number > 0
    new.announce()
    assert read(new, new.links()[-1])
    again = plan(new).import_.run(DiskFolder(folder))
    assert (again.parcels, again.skipped) == (0, 4)


def test_the_audit_chain_goes_on_in_an_installation_without_entries(
    tmp_path: Path, before: tuple[Ground, list[Link]], template: Path
) -> None:
    from zegel.journeys.export_all import ImportAll
    from zegel.journeys.inspect import InspectAudit
    from zegel.records.sql import SqlRecords

    old, _ = before
    folder = tmp_path / "export"
    plan(old).export.run(DiskFolder(folder))
    kept = old.house.records.audit_head()
    (tmp_path / "new").mkdir()
    next(databases.fresh_sqlite(template, tmp_path / "new"))
    records = SqlRecords()
    ImportAll(records, old.house.store, old.clock).run(DiskFolder(folder))
    assert InspectAudit(records).verify(kept) == kept


def test_an_export_may_be_cut_off_and_goes_on(tmp_path: Path, before: tuple[Ground, list[Link]]) -> None:
    old, _ = before
    folder = DiskFolder(tmp_path / "export")
    whole, calls = folder.write, [0]

    def cut(name: str, pieces: object) -> str:
        calls[0] += 1
        if calls[0] == 4:
            raise KeyboardInterrupt
        return whole(name, pieces)  # type: ignore[arg-type]

    folder.write = cut  # type: ignore[assignment,method-assign]
    with pytest.raises(KeyboardInterrupt):
        plan(old).export.run(folder)
    assert not (tmp_path / "export" / "SHA256SUMS").exists()
    done = plan(old).export.run(DiskFolder(tmp_path / "export"))
    assert done.skipped > 0
    assert done.blobs + done.skipped == 6


def test_the_checksums_are_those_of_the_files(tmp_path: Path, before: tuple[Ground, list[Link]]) -> None:
    folder = tmp_path / "export"
    plan(before[0]).export.run(DiskFolder(folder))
    sums = dict(reversed(line.split("  ")) for line in (folder / "SHA256SUMS").read_text().splitlines())
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert set(sums) == files - {"SHA256SUMS"}
    assert all(DiskFolder(folder).digest(name) == digest for name, digest in sums.items())
    about = json.loads((folder / "zegel-export.json").read_text())
    assert (about["parcels"], about["blobs"]) == (4, 6)


@pytest.mark.parametrize("how", ["parcel altered", "blob altered", "blob missing", "foreign name", "not an export"])
def test_a_damaged_export_is_refused_by_name_and_brings_no_broken_parcel(
    tmp_path: Path, before: tuple[Ground, list[Link]], template: Path, how: str
) -> None:
    folder = tmp_path / "export"
    new = move(before[0], template, tmp_path, folder)
    parcel, blob = (
        sorted(folder.glob("parcels/*/*.json")),
        max(folder.glob("blobs/*/*"), key=lambda one: one.stat().st_size),
    )
    match how:
        case "parcel altered":
            for path in parcel:
                path.write_text(path.read_text().replace("live", "LIVE"))
        case "blob altered":
            blob.write_bytes(blob.read_bytes()[:-1] + b"x")
        case "blob missing":
            blob.unlink()
        case "foreign name":
            (folder / "SHA256SUMS").write_text(f"{'0' * 64}  parcels/../../secret\n")
        case _:
            (folder / "SHA256SUMS").unlink()
    with pytest.raises((Damaged, NotFound, Mistake)):
        plan(new).import_.run(DiskFolder(folder))
    for one in new.house.follow.parcels(new.actor):
        for kept in new.house.records.blobs_of(one.parcel):
            assert new.house.store.size(kept.blob) == kept.size

"""The whole installation out and in again elsewhere: every reader's link still works, and a cut run goes on."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.ground import databases
from tests.ground.databases import Database
from tests.ground.delivery import finish
from tests.ground.house import SENDER, Clock, Ground, make_house
from zegel import seal
from zegel.doors.cli.folder import DiskFolder
from zegel.doors.cli.volumes import VolumesIn, VolumesOut
from zegel.errors import Damaged, Denied, Mistake, NotFound
from zegel.journeys.house import PlanB
from zegel.journeys.ways import Ways
from zegel.keys.mailboxes import MailboxKeys
from zegel.parcels.claim import Link
from zegel.parcels.identifiers import new_identifier

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
    return fresh(before, template, tmp_path)


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
    from zegel.people.accounts import SqlPeople
    from zegel.records.sql import SqlRecords

    old, _ = before
    folder = tmp_path / "export"
    plan(old).export.run(DiskFolder(folder))
    kept = old.house.records.audit_head()
    (tmp_path / "new").mkdir()
    next(databases.fresh_sqlite(template, tmp_path / "new"))
    records = SqlRecords()
    ImportAll(records, SqlPeople(), old.house.store, old.clock).run(DiskFolder(folder))
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


# Accounts -------------------------------------------------------------------------------------------------------------


def fresh(before: Ground, template: Path, tmp_path: Path) -> Ground:
    """A fresh house on a fresh database; what the old one stored is not reached any more."""
    (tmp_path / "new").mkdir()
    next(databases.fresh_sqlite(template, tmp_path / "new"))
    return make_house(tmp_path / "new", custody=before.custody, clock=before.clock)


def test_accounts_move_when_both_sides_ask_for_them(
    tmp_path: Path, before: tuple[Ground, list[Link]], template: Path
) -> None:
    old, _ = before
    old.house.welcome.add("balie@voorbeeld.example", "Balie", "ook-niet-te-raden")
    old.house.welcome.officer("balie@voorbeeld.example", True)
    token = old.house.welcome.new_token("balie@voorbeeld.example", "programma")
    with old.house.records.transaction():
        old.house.people.allow("balie@voorbeeld.example", "loket@voorbeeld.example", "Loket")
    with_, without = tmp_path / "with", tmp_path / "without"
    assert plan(old).export.run(DiskFolder(with_), accounts=True).accounts == 2
    plan(old).export.run(DiskFolder(without))
    assert not (without / "accounts.json").exists()
    text = (with_ / "accounts.json").read_text()
    assert token not in text
    assert "ook-niet-te-raden" not in text

    new = fresh(old, template, tmp_path)
    people = new.house.people
    with pytest.raises(Mistake):
        plan(new).import_.run(DiskFolder(without), accounts=True)
    assert plan(new).import_.run(DiskFolder(with_)).accounts == 0
    with pytest.raises(Denied):
        people.by_token(token)
    own = people.find(SENDER).account
    assert plan(new).import_.run(DiskFolder(with_), accounts=True).accounts == 1
    assert people.by_token(token) == people.by_password("balie@voorbeeld.example", "ook-niet-te-raden")
    assert people.find("balie@voorbeeld.example").officer
    assert people.rights("balie@voorbeeld.example") == [("loket@voorbeeld.example", "Loket")]
    assert people.find(SENDER).account == own, "an account that is here stays as it is"
    assert [entry.event for entry in new.house.records.audit_entries()][-1] == "account:imported"
    assert plan(new).import_.run(DiskFolder(with_), accounts=True).accounts == 0


@pytest.mark.parametrize(
    ("column", "value"),
    [("password", "plain"), ("password", "scrypt$99999999999$a$8$1$b"), ("active", "yes"), ("address", "no address"),
     ("account", "../etc"), ("name", "two\nlines"), ("created", "2026-11-20T09:14:00"),
     ("tokens", [{"sha256": "eA=="}])],
)  # fmt: skip
def test_an_account_that_cannot_be_is_refused(
    tmp_path: Path, before: tuple[Ground, list[Link]], template: Path, column: str, value: object
) -> None:
    folder = tmp_path / "export"
    plan(before[0]).export.run(DiskFolder(folder), accounts=True)
    new = fresh(before[0], template, tmp_path)
    members = json.loads((folder / "accounts.json").read_text())
    members["accounts"][0] |= {"address": "ander@voorbeeld.example", "account": new_identifier(), column: value}
    sums = (folder / "SHA256SUMS").read_text().splitlines()
    digest = DiskFolder(folder).write("accounts.json", iter([json.dumps(members).encode()]))
    kept = [line for line in sums if not line.endswith("accounts.json")]
    (folder / "SHA256SUMS").write_text("\n".join([*kept, f"{digest}  accounts.json", ""]))
    with pytest.raises(Mistake) as refused:
        plan(new).import_.run(DiskFolder(folder), accounts=True)
    assert refused.value.kind == "bad-export"
    assert [one.address for one in new.house.people.accounts()] == [SENDER]


# Volumes --------------------------------------------------------------------------------------------------------------


def test_volumes_in_any_order_bring_every_link_and_login_to_a_fresh_installation(
    tmp_path: Path, before: tuple[Ground, list[Link]], template: Path
) -> None:
    old, links = before
    shown = [read(old, link) for link in links]
    old.house.welcome.add("balie@voorbeeld.example", "Balie", "ook-niet-te-raden")
    out = VolumesOut(tmp_path / "media", 500_000)
    plan(old).export.run(out, accounts=True)
    assert out.count > 4
    new = fresh(old, template, tmp_path)
    volumes = sorted((tmp_path / "media").iterdir(), reverse=True)
    moved = plan(new).import_.run(VolumesIn(volumes), accounts=True)
    assert (moved.parcels, moved.blobs, moved.accounts) == (4, 6, 1)
    assert [read(new, link) for link in links] == shown
    assert new.house.people.by_password("balie@voorbeeld.example", "ook-niet-te-raden").active


@pytest.mark.parametrize("how", ["missing", "altered", "other export", "incomplete"])
def test_nothing_is_recorded_unless_every_volume_is_there_and_right(
    tmp_path: Path, before: tuple[Ground, list[Link]], template: Path, how: str
) -> None:
    media = tmp_path / "media"
    plan(before[0]).export.run(VolumesOut(media, 500_000))
    new = fresh(before[0], template, tmp_path)
    volumes = sorted(media.iterdir())
    match how:
        case "missing":
            volumes = [volumes[0], *volumes[3:]]
        case "altered":
            file = max((one for one in volumes[-2].rglob("*") if one.is_file()), key=lambda one: one.stat().st_size)
            file.write_bytes(b"x" + file.read_bytes()[1:])
        case "other export":
            about = json.loads((volumes[1] / "volume.json").read_text())
            (volumes[1] / "volume.json").write_text(json.dumps({**about, "export": "0" * 64}))
        case _:
            (volumes[1] / "volume.json").unlink()
    with pytest.raises((Damaged, NotFound, Mistake)) as refused:
        plan(new).import_.run(VolumesIn(volumes))
    if how == "missing":
        assert refused.value.facts["numbers"] == "2, 3"
    assert new.house.follow.parcels(new.actor) == []


@pytest.mark.parametrize("how", ["a file is swapped", "a file is dropped", "the list is replaced"])
def test_who_has_one_medium_in_hand_gets_nothing_recorded(
    tmp_path: Path, before: tuple[Ground, list[Link]], template: Path, how: str
) -> None:
    """He can make the checksums on his medium right, and not the export's list, whose digest the other media know."""
    media = tmp_path / "media"
    plan(before[0]).export.run(VolumesOut(media, 500_000), accounts=True)
    new, volumes = fresh(before[0], template, tmp_path), sorted(media.iterdir())
    if how == "the list is replaced":
        (mine,) = (one for one in volumes if (one / "EXPORT-SHA256SUMS").exists())
        file = mine / "EXPORT-SHA256SUMS"
        text = file.read_text().splitlines(keepends=True)
        file.write_text("".join(line for line in text if not line.endswith(".json\n")))
    else:
        (file,) = media.glob("*/accounts.json")
        mine = next(one for one in volumes if file.is_relative_to(one))
        if how == "a file is swapped":
            file.write_text(json.dumps({"zegel": "accounts v1", "accounts": []}))
        else:
            file.unlink()
    names = [line.split("  ")[1] for line in (mine / "SHA256SUMS").read_text().splitlines()]
    there = [name for name in names if (mine / name).exists()]
    digests = {name: hashlib.sha256((mine / name).read_bytes()).hexdigest() for name in there}
    (mine / "SHA256SUMS").write_text("".join(f"{digest}  {name}\n" for name, digest in digests.items()))
    with pytest.raises((Damaged, NotFound, Mistake)):
        plan(new).import_.run(VolumesIn(volumes))
    assert new.house.follow.parcels(new.actor) == []


def test_the_fingerprint_tells_one_export_from_another(
    tmp_path: Path, before: tuple[Ground, list[Link]], template: Path
) -> None:
    """Who has all media can make every checksum right; what was printed where the export was made he cannot change."""
    old = before[0]
    out = VolumesOut(tmp_path / "media", 500_000)
    printed = plan(old).export.run(out).fingerprint
    (tmp_path / "older").mkdir()
    old.clock.move(days=-1)
    other = plan(old).export.run(DiskFolder(tmp_path / "older"))
    new = fresh(old, template, tmp_path)
    assert hashlib.sha256((tmp_path / "older" / "SHA256SUMS").read_bytes()).hexdigest() == other.fingerprint != printed
    with pytest.raises(Damaged) as refused:
        plan(new).import_.run(DiskFolder(tmp_path / "older"), fingerprint=printed)
    assert refused.value.facts["found"] == other.fingerprint
    assert new.house.follow.parcels(new.actor) == []
    volumes = VolumesIn(sorted((tmp_path / "media").iterdir()))
    moved = plan(new).import_.run(volumes, fingerprint=f" {printed.upper()}\n")
    assert (moved.parcels, moved.fingerprint) == (4, printed)


# Mailboxes in the portal ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["moved", "left behind"])
def test_a_mailbox_in_the_portal_is_read_on_the_new_machine_with_its_key(
    tmp_path: Path, database: Database, template: Path, key: str
) -> None:
    team, ans = "team@loket.example", "ans@loket.example"
    keys, folder = tmp_path / "old" / "mailboxes", DiskFolder(tmp_path / "export")
    with ThreadPoolExecutor(1) as pool:
        ways = Ways(frozenset(), None, pool, Clock(), portal=frozenset({"loket.example"}))
        old = make_house(tmp_path / "old", ways=ways, mailboxes=MailboxKeys(keys))
        old.house.welcome.add(ans, "Ans", None)
        old.house.authors.allow(ans, team, "Team")
        finish(old.house.inside_submit().begin(old.actor), (team,), "portal")
        plan(old).export.run(folder, accounts=True)

        (tmp_path / "new").mkdir()
        next(databases.fresh_sqlite(template, tmp_path / "new"))
        if key == "moved":
            keys.rename(tmp_path / "new" / "mailboxes")
        found = MailboxKeys(tmp_path / "new" / "mailboxes")
        new = make_house(tmp_path / "new", custody=old.custody, clock=old.clock, ways=ways, mailboxes=found)
        assert plan(new).import_.run(folder, accounts=True).parcels == 1
        receive, reader = new.house.inside_receive(), new.house.people.find(ans)
        [message] = receive.messages(reader)
        slip = message.reader.slip
        if key == "left behind":
            with pytest.raises(NotFound, match="no key"):
                receive.open(reader, slip)
            return
        kept = receive.open(reader, slip)
        text = b"".join(
            seal.open_iter(receive.blob(reader, slip, kept.blobs[0][0]), seal.HybridIdentity.parse(kept.key))
        )
        assert b"Geheim-XYZZY" in text
        [status] = new.house.follow.parcels(new.actor)
        assert [one.state for one in status.readers] == ["opened"]

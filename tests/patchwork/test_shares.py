"""Shares at the patchwork: any ``needed`` make the blob, fewer are told as such, nothing wrong is handed out."""

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from itertools import combinations_with_replacement
from pathlib import Path
from threading import Event, Semaphore

import pytest

from tests.ground.databases import Database
from tests.patchwork.conftest import Quilt, make_quilt
from tests.patchwork.moody import Moody
from tests.patchwork.quilts import LARGE, MIB, TWO_OF_THREE, make_shared, shares, spoil
from tests.suppliers.made import make_supplier
from zegel.errors import Damaged, Mistake, NotFound, Unavailable, ZegelError
from zegel.parcels.identifiers import new_identifier
from zegel.stores.placement import Spread
from zegel.stores.sharing import share_size


@pytest.fixture
def quilt(tmp_path: Path, database: Database) -> Quilt:
    return make_shared(tmp_path)


# Writing --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"", b"x", b"small", LARGE[:MIB], LARGE[: MIB + 1], LARGE])
def test_every_patch_gets_one_share_and_nobody_the_blob(quilt: Quilt, data: bytes) -> None:
    blob = quilt.put(data)
    assert quilt.states(blob) == {"ams": "whole", "par": "whole", "home": "whole"}
    assert sorted(shares(quilt, blob).values()) == [0, 1, 2]
    for patch, store in quilt.stores.items():
        (stored,) = store.listing()
        assert stored.name == f"{blob}-02-{shares(quilt, blob)[patch]:02d}"
        assert stored.size == share_size(len(data), 2)
    assert quilt.get(blob) == data
    assert quilt.patchwork.size(blob) == len(data)


def test_an_upload_of_a_class_that_is_not_known_stays_at_home_until_it_is_dealt_out(quilt: Quilt) -> None:
    blob = new_identifier()
    writer = quilt.patchwork.open_write(blob)
    writer.write(LARGE)
    done = writer.commit()
    assert quilt.has(blob) == {"home"}
    quilt.patchwork._landed.clear()  # as another process, which remembers nothing
    rows = quilt.patchwork.settle([done], 2)
    assert sorted((row.patch, row.needed, row.state) for row in rows) == [
        ("ams", 2, "whole"),
        ("home", 1, "doomed"),
        ("home", 2, "whole"),
        ("par", 2, "whole"),
    ]
    with quilt.records.transaction():
        quilt.records.add_copies(rows, quilt.clock())
    assert quilt.get(blob) == LARGE
    assert quilt.ground.house.plan_b is not None
    quilt.ground.house.plan_b.tend.round()
    assert [path.name for path in quilt.stores["home"].blobs.glob("*/*")] == [
        f"{blob}-02-{shares(quilt, blob)['home']:02d}"
    ]
    quilt.patchwork._landed.clear()
    assert quilt.patchwork.settle([done], 2) == [], "the same deposit again"


def test_without_a_patch_of_our_own_an_upload_is_refused_and_nothing_is_stored(
    tmp_path: Path, database: Database
) -> None:
    quilt = make_quilt(tmp_path, {3: TWO_OF_THREE}, (make_supplier("ams-cloud"), make_supplier("par-cloud")))
    del quilt.patchwork.patches["home"]
    with pytest.raises(Mistake, match="no-landing"):
        quilt.patchwork.open_write(new_identifier())
    with pytest.raises(Mistake, match="no-landing"):
        quilt.patchwork.write_part(new_identifier(), 0, iter([b"x"]), "a")
    with pytest.raises(Mistake, match=r"too-few-places \(2 of 3"):
        quilt.patchwork.open_write(new_identifier(), 3)
    assert all(not list(store.incoming.iterdir()) and not list(store.listing()) for store in quilt.stores.values())


@pytest.mark.parametrize("mood", ["away", "refusing"])
def test_writes_go_on_with_enough_shares_and_the_missing_one_is_wanted(quilt: Quilt, mood: str) -> None:
    quilt.stores["par"].mood = mood
    blob = quilt.put(LARGE)
    assert quilt.states(blob) == {"ams": "whole", "par": "wanted", "home": "whole"}
    assert quilt.get(blob) == LARGE


def test_a_promise_of_three_shares_is_not_given_with_two_and_with_one_nothing_stays(
    tmp_path: Path, database: Database
) -> None:
    quilt = make_quilt(tmp_path, {2: TWO_OF_THREE}, home=5)
    quilt.stores["par"].mood = "away"
    with pytest.raises(Unavailable):
        quilt.put(LARGE)
    quilt.stores["ams"].mood = "away"
    blob = new_identifier()
    with pytest.raises(Unavailable):
        quilt.patchwork.open_write(blob, 2)
    quilt.stores["ams"].mood = "well"
    writer = quilt.patchwork.open_write(blob, 2)
    writer.write(LARGE)
    quilt.stores["ams"].mood = "away"
    with pytest.raises(Unavailable):
        writer.commit()
    writer.abort()
    assert quilt.has(blob) == set()


def test_a_blob_of_somebody_else_is_not_touched_by_an_upload_with_its_name(quilt: Quilt) -> None:
    """Who knows a blob's name and bytes (its reader) sends it again while suppliers are down."""
    blob = quilt.put(LARGE)
    before = shares(quilt, blob)
    for data in (LARGE, b"something else"):
        writer = quilt.patchwork.open_write(blob)
        writer.write(data)
        done = writer.commit()
        quilt.stores["ams"].mood = quilt.stores["par"].mood = "away"
        assert quilt.patchwork.settle([done], 2) == []
        quilt.stores["ams"].mood = quilt.stores["par"].mood = "well"
        quilt.stores["home"].delete([blob])
    assert (shares(quilt, blob), set(quilt.states(blob).values())) == (before, {"whole"})
    assert quilt.get(blob) == LARGE
    quilt.stores["par"].mood = "locked"
    quilt.patchwork.delete(blob)
    writer = quilt.patchwork.open_write(blob)
    writer.write(LARGE)
    with pytest.raises(Mistake, match="identifier"):
        quilt.patchwork.settle([writer.commit()], 2)


def test_a_patch_that_is_left_between_writing_and_deposit_gives_its_share_up(
    tmp_path: Path, database: Database
) -> None:
    quilt = make_shared(tmp_path, more=1)
    blob = new_identifier()
    writer = quilt.patchwork.open_write(blob, 2)
    writer.write(LARGE)
    done = writer.commit()
    with quilt.records.transaction():
        quilt.records.set_patch("ams", quilt.clock(), state="leaving")
    quilt.patchwork.refresh()
    rows = quilt.patchwork.settle([done], 2)
    assert {row.patch: row.state for row in rows} == {"ams": "doomed", "par": "whole", "b": "whole", "home": "whole"}
    assert sorted(row.share for row in rows if row.state == "whole") == [0, 1, 2]


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["os.fsync", "os.link"])
def test_killed_while_dealing_out_it_can_be_sent_again(quilt: Quilt, moment: str) -> None:
    blob, data = new_identifier(), b"x" * 2_500_000
    script = textwrap.dedent(
        f"""
        import os, signal, sys
        from concurrent.futures import ThreadPoolExecutor
        from pathlib import Path
        from zegel.stores.drivers.local import LocalStore
        from zegel.stores.health import Health
        from zegel.stores.share_writing import ShareWriter
        from zegel.stores.writing import Target
        stores = [LocalStore(Path(sys.argv[1]) / name) for name in sys.argv[2:]]
        targets = {{number: Target(str(number), store, Health()) for number, store in enumerate(stores)}}
        writer = ShareWriter({blob!r}, 2, 2, 3, targets, ThreadPoolExecutor(1), lambda *_: None)
        writer.write(b"x" * {len(data)})
        real, calls = {moment}, []
        def third(*arguments):
            calls.append(arguments)
            if len(calls) == 3:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments)
        {moment} = third
        writer.commit()
        """
    )
    folder = quilt.stores["home"].blobs.parent.parent
    places = quilt.patchwork._living(2, blob)
    killed = subprocess.run([sys.executable, "-c", script, str(folder), *places], check=False)
    assert killed.returncode == -9
    assert 0 < len(quilt.has(blob)) < 3
    writer = quilt.patchwork.open_write(blob, 2)
    writer.write(data)
    with quilt.records.transaction():
        quilt.records.add_copies(quilt.patchwork.settle([writer.commit()], 2), quilt.clock())
    assert quilt.get(blob) == data
    assert [len(list(store.listing())) for store in quilt.stores.values()] == [1, 1, 1]


# Reading --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mood", ["away", "refusing", "altering", "forgetting", "breaking"])
@pytest.mark.parametrize("sick", ["ams", "par", "home"])
def test_the_reader_gets_everything_whatever_one_patch_does(quilt: Quilt, mood: str, sick: str) -> None:
    blobs = {quilt.put(data): data for data in (b"", b"small", LARGE[:MIB], LARGE)}
    quilt.stores[sick].mood = mood
    for blob, data in blobs.items():
        assert quilt.get(blob) == data
        assert quilt.get(blob, MIB - 5, 10) == data[MIB - 5 : MIB + 5]
        assert quilt.get(blob, 2) == data[2:]


@pytest.mark.parametrize("how", ["missing", "truncated", "altered"])
def test_who_altered_a_share_is_found_and_nobody_else_is_blamed(quilt: Quilt, how: str) -> None:
    for sick in quilt.stores:
        blob = quilt.put(LARGE)
        spoil(quilt, sick, blob, how)
        for other in set(quilt.stores) - {sick}:
            # The sick one is among the first two that are asked, whatever its number is.
            quilt.patchwork.patches[other].health.slow()
        assert quilt.get(blob) == LARGE
        assert {patch for patch, state in quilt.states(blob).items() if state == "broken"} == {sick}


def test_a_share_that_stalls_is_overtaken_by_another(quilt: Quilt, monkeypatch: pytest.MonkeyPatch) -> None:
    blob = quilt.put(LARGE)
    stalling = quilt.stores["ams"]
    stalling.mood = "stalling"
    quilt.patchwork.patches["par"].health.slow()
    assert quilt.get(blob) == LARGE
    asked = stalling.reads
    assert asked
    # On a busy machine the one that answers may be slow, too, and then all are asked: not what is shown here.
    monkeypatch.setattr("zegel.stores.share_reading.HEDGE_LEAST", 60)
    monkeypatch.setattr("zegel.stores.share_reading.HEDGE_MOST", 60)
    assert quilt.get(blob) == LARGE
    assert stalling.reads == asked, "the next reader asks the others first"
    stalling.patience.set()


@pytest.mark.parametrize("how", ["away", "altering", "forgetting"])
def test_with_fewer_than_needed_the_reader_hears_it_and_gets_nothing_wrong(quilt: Quilt, how: str) -> None:
    blob = quilt.put(LARGE)
    quilt.stores["ams"].mood = quilt.stores["par"].mood = how
    with pytest.raises({"away": Unavailable, "altering": Damaged, "forgetting": NotFound}[how]):
        quilt.get(blob)
    quilt.stores["ams"].mood = quilt.stores["par"].mood = "well"
    assert quilt.get(blob) == LARGE


def test_when_too_many_break_off_in_the_middle_what_was_handed_out_is_right(quilt: Quilt) -> None:
    blob = quilt.put(LARGE)
    pieces = quilt.patchwork.read(blob)
    got = next(pieces)
    for store in quilt.stores.values():
        store.mood = "breaking"
    with pytest.raises(ZegelError):
        got += b"".join(quilt.patchwork.read(blob))
    quilt.stores["par"].mood = quilt.stores["ams"].mood = "well"
    assert got + b"".join(pieces) == LARGE


def test_the_next_stripe_is_on_its_way_while_one_is_handed_out(quilt: Quilt, monkeypatch: pytest.MonkeyPatch) -> None:
    blob, came, go_on, closed = quilt.put(LARGE), Semaphore(0), Event(), Semaphore(0)

    def watched(_store: Moody, pieces: Iterator[bytes]) -> Iterator[bytes]:
        try:
            for number, piece in enumerate(pieces):
                if number == 3:  # the last quarter of the second stripe's block
                    came.release()
                    go_on.wait(60)
                yield piece
        finally:
            closed.release()

    monkeypatch.setattr(Moody, "_spoiled", watched)
    reading = quilt.patchwork.read(blob)
    got = next(reading)
    assert all(came.acquire(timeout=60) for _ in range(2)), "both shares were asked, though nobody wants more yet"
    reading.close()  # type: ignore[attr-defined]
    go_on.set()
    assert all(closed.acquire(timeout=60) for _ in range(2)), "what was on its way is closed when it has come"
    assert LARGE.startswith(got)


_MOODS = ("away", "altering", "forgetting", "breaking", "stalling")


@pytest.mark.parametrize(("first", "second"), list(combinations_with_replacement(_MOODS, 2)))
def test_three_of_five_are_read_whatever_two_patches_do(
    tmp_path: Path, sqlite: Database, first: str, second: str
) -> None:
    quilt = make_shared(tmp_path, Spread(5, 4, 3), more=2)
    blob, small = quilt.put(LARGE), quilt.put(b"small")
    # Those that are asked first are the sick ones.
    for patch in ("home", "par", "c"):
        quilt.patchwork.patches[patch].health.latency = 1.0
    quilt.stores["ams"].mood, quilt.stores["b"].mood = first, second
    if "stalling" in (first, second):
        for patch in ("ams", "b"):
            quilt.stores[patch].patience.set()
    assert quilt.get(blob) == LARGE
    assert quilt.get(small) == b"small"
    assert quilt.get(blob, MIB - 7, 20) == LARGE[MIB - 7 : MIB + 13]
    broken = {patch for patch, state in quilt.states(blob).items() if state == "broken"}
    assert broken <= {patch for patch in ("ams", "b") if quilt.stores[patch].mood in ("altering", "forgetting")}
    assert all(quilt.states(blob)[patch] == "whole" for patch in ("home", "par", "c"))


def test_a_patch_that_was_cut_is_not_asked(quilt: Quilt) -> None:
    blob = quilt.put(LARGE)
    with quilt.records.transaction():
        quilt.records.set_patch("ams", quilt.clock(), state="cut")
    quilt.patchwork.refresh()
    before = quilt.stores["ams"].reads
    assert quilt.get(blob) == LARGE
    assert quilt.stores["ams"].reads == before


def test_deleting_removes_every_share_and_every_row(quilt: Quilt) -> None:
    blob, orphan = quilt.put(LARGE), new_identifier()
    writer = quilt.patchwork.open_write(orphan, 2)
    writer.write(LARGE)
    writer.commit()
    for one in (blob, orphan):
        quilt.patchwork.delete(one)
        assert (quilt.has(one), quilt.states(one)) == (set(), {})
        with pytest.raises(NotFound):
            quilt.get(one)

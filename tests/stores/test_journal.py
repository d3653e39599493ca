"""Small blobs that are committed together: one wait for the disk, and nothing lost by a kill or a power cut.

A power cut is played: a process is killed, and what the kernel need not have written by then is taken from the files.
"""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zegel.errors import Mistake, NotFound
from zegel.parcels.identifiers import new_identifier
from zegel.stores.drivers import journal, local
from zegel.stores.drivers.journal import Journal, Small, count_used, read_records
from zegel.stores.drivers.local import SMALL, LocalStore


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalStore]:
    """Its journal is settled when a test says so, and not by the clock in the middle of one."""
    monkeypatch.setattr(journal, "SECONDS", 3600)
    store = LocalStore(tmp_path / "store")
    yield store
    if timer := store._journal()._timer:
        timer.cancel()


def commit(store: LocalStore, *contents: bytes) -> list[str]:
    writers = []
    for content in contents:
        writer = store.open_write(new_identifier())
        writer.write(content)
        writers.append(writer)
    return [blob.blob for blob in store.commit_all(writers)]


def content(store: LocalStore, blob: str) -> bytes:
    return b"".join(store.read(blob))


def pages(store: LocalStore) -> list[Path]:
    return sorted((store.blobs.parent / "journal").iterdir())


class Counted:
    """Counts calls of a function of ``os``."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str):
        self.count = 0
        real: Callable[..., None] = getattr(os, name)

        def counted(*arguments: int) -> None:
            self.count += 1
            real(*arguments)

        monkeypatch.setattr(os, name, counted)


def test_small_blobs_wait_for_the_disk_once(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(store, b"makes the page")
    waits, dear = Counted(monkeypatch, "fdatasync"), Counted(monkeypatch, "fsync")
    contents = [b"", b"manifest", b"x" * SMALL]
    blobs = commit(store, *contents)
    assert (waits.count, dear.count) == (1, 0)
    assert [content(store, blob) for blob in blobs] == contents
    assert list(store.incoming.iterdir()) == []


def test_a_large_one_among_them_is_committed_by_itself(store: LocalStore) -> None:
    contents = [b"small", b"x" * (SMALL + 1)]
    assert [content(store, blob) for blob in commit(store, *contents)] == contents


def test_many_threads_share_a_wait(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(store, b"makes the page")
    first, go = threading.Event(), threading.Event()
    real, waits = os.fdatasync, []

    def slow(file: int) -> None:
        waits.append(file)
        first.set()
        assert go.wait(60)
        real(file)

    monkeypatch.setattr(os, "fdatasync", slow)
    found: dict[int, str] = {}
    threads = [
        threading.Thread(target=lambda n=n: found.update({n: commit(store, b"blob %d" % n)[0]})) for n in range(10)
    ]
    threads[0].start()
    assert first.wait(60)
    for thread in threads[1:]:
        thread.start()
    kept = store._journal()
    while len(kept._queue) < 9:
        threads[1].join(0.001)
    go.set()
    for thread in threads:
        thread.join()
    assert len(waits) == 2
    assert {number: content(store, blob) for number, blob in found.items()} == {n: b"blob %d" % n for n in range(10)}


def test_a_page_that_is_full_makes_way(store: LocalStore) -> None:
    contents = [bytes([number]) * 60_000 for number in range(70)]
    blobs = [blob for each in contents for blob in commit(store, each)]
    assert [content(store, blob) for blob in blobs] == contents
    store._journal().settle()
    assert count_used(store.blobs.parent / "journal") == 0
    assert [content(store, blob) for blob in blobs] == contents


def test_what_is_durable_as_a_file_leaves_the_journal_by_itself(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "SECONDS", 0.01)
    commit(store, b"sealed")
    folder = store.blobs.parent / "journal"
    while count_used(folder):
        threading.Event().wait(0.01)
    assert all(not any(page.read_bytes()) for page in pages(store))


def test_nothing_remains_of_what_was_deleted(store: LocalStore) -> None:
    blobs = commit(store, b"one", b"two")
    assert not LocalStore(store.blobs.parent).remains().nothing
    store.delete(blobs)
    assert store.remains().nothing
    assert all(not any(page.read_bytes()) for page in pages(store))
    again = LocalStore(store.blobs.parent)
    assert list(again.listing()) == []


def test_pages_of_the_living_are_left_alone(store: LocalStore) -> None:
    commit(store, b"one")
    before = pages(store)
    other = LocalStore(store.blobs.parent)
    commit(other, b"two")
    assert set(before) < set(pages(store))


def test_without_room_for_a_page_each_waits_for_itself(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", no_space)
    waits = Counted(monkeypatch, "fsync")
    blobs = commit(store, b"one", b"two")
    assert waits.count >= 4
    assert [content(store, blob) for blob in blobs] == [b"one", b"two"]
    assert pages(store) == []


def test_a_file_system_that_cannot_write_keeps_the_page(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_folder: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    commit(store, b"one")
    with monkeypatch.context() as patch:
        patch.setattr(journal, "sync_all", broken)
        store._journal().settle()
        assert count_used(store.blobs.parent / "journal") == 1
    store._journal().settle()
    assert count_used(store.blobs.parent / "journal") == 0


_CHILD = """
import os, signal, sys
from pathlib import Path
from zegel.stores.drivers.local import LocalStore
store = LocalStore(Path(sys.argv[1]))
writers = []
for number, name in enumerate(sys.argv[2:]):
    writers.append(store.open_write(name))
    writers[-1].write(bytes([number + 1]) * 30_000)
"""
_KILL = "os.kill(os.getpid(), signal.SIGKILL)"


def in_child(folder: Path, blobs: list[str], more: str) -> None:
    script = _CHILD + textwrap.dedent(more)
    done = subprocess.run([sys.executable, "-c", script, str(folder), *blobs], check=False)
    assert done.returncode == -signal.SIGKILL


def power_cut(folder: Path) -> None:
    """The kernel that runs next is another one."""
    for page in (folder / "journal").iterdir():
        page.rename(page.with_name(f"another-{page.name.partition('-')[2]}"))


@pytest.mark.slow
def test_what_was_deleted_stays_deleted_after_a_kill(tmp_path: Path) -> None:
    blobs = [new_identifier() for _ in range(3)]
    in_child(tmp_path, blobs, f"store.commit_all(writers)\nstore.delete(sys.argv[2:4])\n{_KILL}")
    store = LocalStore(tmp_path)
    assert [listed.name for listed in store.listing()] == blobs[2:]
    assert pages(store) == []


@pytest.mark.slow
@pytest.mark.parametrize("harm", ["missing", "empty", "half", "zeros", "nothing"])
def test_after_a_power_cut_blobs_are_whole(tmp_path: Path, harm: str) -> None:
    blobs = [new_identifier() for _ in range(3)]
    in_child(tmp_path, blobs, f"store.commit_all(writers)\n{_KILL}")
    power_cut(tmp_path)
    for blob in blobs[1:]:
        path = tmp_path / "blobs" / blob[:2] / blob
        match harm:
            case "missing":
                path.unlink()
            case "empty":
                path.write_bytes(b"")
            case "half":
                path.write_bytes(path.read_bytes()[:15_000])
            case "zeros":
                path.write_bytes(bytes(30_000))
    store = LocalStore(tmp_path)
    assert [content(store, blob) for blob in blobs] == [bytes([number + 1]) * 30_000 for number in range(3)]
    assert pages(store) == []
    assert list(store.incoming.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["pwrite", "fdatasync", "link", "unlink"])
@pytest.mark.parametrize("cut", [False, True], ids=["kill", "power cut"])
def test_killed_in_the_middle_leaves_whole_blobs_or_none(tmp_path: Path, moment: str, cut: bool) -> None:
    blobs = [new_identifier() for _ in range(3)]
    first = new_identifier()
    more = f"""
        one = store.open_write({first!r})
        one.write(b"first")
        store.commit_all([one])
        os.{moment} = lambda *_, **__: {_KILL}
        store.commit_all(writers)
        """
    in_child(tmp_path, blobs, more)
    if cut:
        power_cut(tmp_path)
    store = LocalStore(tmp_path)
    assert content(store, first) == b"first"
    for number, blob in enumerate(blobs):
        try:
            assert content(store, blob) == bytes([number + 1]) * 30_000
        except NotFound:
            assert moment in ("pwrite", "fdatasync") or not cut
    assert pages(store) == []
    store.delete(blobs)


@settings(max_examples=100, deadline=None)
@given(
    contents=st.lists(st.binary(max_size=300), min_size=1, max_size=6),
    cut=st.integers(0, 3000),
    mark=st.none() | st.integers(1, 255),
)
def test_a_record_is_read_whole_or_not(contents: list[bytes], cut: int, mark: int | None) -> None:
    """A page that ends anywhere, or has one octet changed anywhere, gives the records before that place."""
    from hashlib import sha256

    records = [Small(new_identifier(), each, sha256(each).digest()) for each in contents]
    page = b"".join(one.record() for one in records)
    whole = page + bytes(500)
    cut %= len(page)
    harmed = whole[:cut] if mark is None else whole[:cut] + bytes([whole[cut] ^ mark]) + whole[cut + 1 :]
    ends = [sum(len(one.record()) for one in records[: number + 1]) for number in range(len(records))]
    assert [one.data for one in read_records(harmed)] == contents[: sum(end <= cut for end in ends)]
    assert [one.name for one in read_records(whole)] == [one.name for one in records]


def test_a_forked_process_has_pages_of_its_own(store: LocalStore) -> None:
    commit(store, b"parent")
    before = set(pages(store))
    child = os.fork()
    if child == 0:
        try:
            commit(store, b"child")
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    assert before < set(pages(store))
    assert {content(store, listed.name) for listed in store.listing()} == {b"parent", b"child"}


class Broken:
    """A file system that reports one error of writing, and has dropped what it had not written."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *dropped: Path):
        self.asked, self._dropped, self._real = 0, dropped, journal.sync_all
        monkeypatch.setattr(journal, "sync_all", self.sync)

    def sync(self, folder: int) -> None:
        self.asked += 1
        if self.asked > 1:
            self._real(folder)
            return
        for path in self._dropped:
            path.write_bytes(bytes(path.stat().st_size))
        raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_an_error_that_is_told_once_is_not_forgotten(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked again Linux says that all is written; the files that it dropped are written from the journal first."""
    blobs = commit(store, b"manifest", b"letter", b"deleted by now")
    broken = Broken(monkeypatch, *(store.blobs / blob[:2] / blob for blob in blobs[:2]))
    store.delete(blobs[2:])
    store._journal().settle()
    assert broken.asked > 1
    assert [content(store, blob) for blob in blobs[:2]] == [b"manifest", b"letter"]
    assert [listed.name for listed in store.listing()] == sorted(blobs[:2])
    assert count_used(store.blobs.parent / "journal") == 0


def test_an_error_may_be_about_a_file_of_the_page_that_is_in_use(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = store._journal()
    (old,) = commit(store, b"in the first page")
    young: list[str] = []
    broken, real = Broken(monkeypatch), kept._settle

    def meanwhile(page: Any) -> None:
        if not young:
            # The thread that settles holds no lock; the other page is in use already.
            threading.Thread(target=lambda: young.extend(commit(store, b"in the second page"))).start()
            while not young:
                threading.Event().wait(0.001)
            broken._dropped = (store.blobs / young[0][:2] / young[0],)
        real(page)

    monkeypatch.setattr(kept, "_settle", meanwhile)
    with kept._writing:
        kept._turn()
    while not young:
        threading.Event().wait(0.001)
    kept.settle()
    kept.settle()
    assert [content(store, blob) for blob in (old, young[0])] == [b"in the first page", b"in the second page"]
    assert count_used(store.blobs.parent / "journal") == 0


def test_a_page_that_cannot_be_read_is_kept(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(store, b"one", b"two")
    (page,) = pages(store)
    page.write_bytes(page.read_bytes().replace(b"two", b"owt"))
    Broken(monkeypatch)
    store._journal().settle()
    assert page.read_bytes().count(b"one") == 1
    store._journal()._other.doubted = False
    store._journal().settle()


def test_a_name_that_others_have_is_not_written_again(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    blob = new_identifier()
    first = store.open_write(blob)
    first.write(b"theirs")
    first.commit()
    second = store.open_write(blob)
    second.write(b"others")
    with pytest.raises(Mistake):
        store.commit_all([second])
    Broken(monkeypatch)
    store._journal().settle()
    assert content(store, blob) == b"theirs"


def test_without_threads_to_be_had_blobs_are_kept_and_pages_emptied(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        blobs = commit(store, b"one", b"two")
        store._journal().settle()
        blobs += commit(store, b"three")
    assert [content(store, blob) for blob in blobs] == [b"one", b"two", b"three"]
    blobs += commit(store, b"four")
    store._journal().settle()
    assert count_used(store.blobs.parent / "journal") == 0
    assert content(store, blobs[3]) == b"four"


def test_threads_that_come_first_at_once_share_one_journal(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Journal] = []

    def overtaken(*arguments: Any) -> Journal:
        monkeypatch.undo()
        made.append(store._journal())
        return Journal(*arguments)

    monkeypatch.setattr(local, "Journal", overtaken)
    assert store._journal() is made[0]
    assert store._journal() is made[0]


def test_what_is_told_to_be_written_is_where_the_files_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pages may lie on a file system of their own."""
    told: list[int] = []
    monkeypatch.setattr(journal, "sync_all", lambda folder: told.append(os.fstat(folder).st_ino))
    store = LocalStore(tmp_path)
    commit(store, b"one")
    store._journal().settle()
    (tmp_path / "journal" / "another-left.page").write_bytes(bytes(1000))
    LocalStore(tmp_path)
    assert told == [store.blobs.stat().st_ino] * 2


def test_a_page_is_wiped_on_the_disk_before_it_counts_as_empty(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(store, b"one")
    real, seen = os.fdatasync, []

    def noted(file: int) -> None:
        seen.append(any(os.pread(file, 1000, 0)))
        real(file)

    monkeypatch.setattr(os, "fdatasync", noted)
    store._journal().settle()
    assert seen == [False]


def test_a_child_does_not_keep_the_folder_locked(store: LocalStore) -> None:
    """A lock belongs to the open file, and a process that was forked has it open too."""
    folder = store.blobs.parent / "journal"
    until, end = os.pipe()
    with journal._alone(folder):
        child = os.fork()
        if child == 0:
            os.close(end)
            os.read(until, 1)
            os._exit(0)
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(descriptor)
    finally:
        os.close(end)
        os.close(until)
        os.waitpid(child, 0)


def test_a_page_that_could_not_be_wiped_is_wiped_later(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its zeros may be there already; they are no damage."""
    commit(store, b"one")
    real, failed = os.fdatasync, []

    def fails_twice(file: int) -> None:
        if len(failed) < 2:
            failed.append(file)
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(file)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", fails_twice)
        store._journal().settle()
        assert store._journal()._other.used
    Broken(monkeypatch)
    store._journal().settle()
    store._journal().settle()
    assert not store._journal()._other.used

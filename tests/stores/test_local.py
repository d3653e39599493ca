"""What is about the local driver alone: killed, full, and what lies about in the folder (the exam is test_drivers)."""

import errno
import hashlib
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zegel.errors import Mistake, NotFound, Unavailable
from zegel.parcels.identifiers import new_identifier
from zegel.stores.drivers.local import LocalStore


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


def put(store: LocalStore, blob: str, data: bytes) -> None:
    writer = store.open_write(blob)
    writer.write(data)
    writer.commit()


def leftovers(store: LocalStore) -> list[str]:
    return [path.name for path in store.incoming.iterdir()]


@settings(max_examples=30, deadline=None)
@given(pieces=st.lists(st.binary(max_size=5000), max_size=5))
def test_what_goes_in_comes_out(tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]) -> None:
    store, blob = LocalStore(tmp_path_factory.mktemp("store")), new_identifier()
    writer = store.open_write(blob)
    for piece in pieces:
        writer.write(piece)
    stored = writer.commit()
    data = b"".join(pieces)
    assert (stored.size, stored.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert b"".join(store.read(blob)) == data
    assert b"".join(store.read(blob, 3, 10)) == data[3:13]
    assert leftovers(store) == []


def test_nothing_is_seen_before_commit(store: LocalStore) -> None:
    blob = new_identifier()
    writer = store.open_write(blob)
    writer.write(b"half")
    with pytest.raises(NotFound):
        store.read(blob)
    writer.abort()
    assert leftovers(store) == []


def test_a_blob_is_never_overwritten(store: LocalStore) -> None:
    blob = new_identifier()
    put(store, blob, b"first")
    put(store, blob, b"first")
    with pytest.raises(Mistake, match="identifier"):
        put(store, blob, b"other")
    assert b"".join(store.read(blob)) == b"first"
    assert leftovers(store) == []


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "A" * 26, "a/b"])
def test_names_cannot_leave_the_folder(store: LocalStore, name: str) -> None:
    for use in (store.read, store.open_write, store.size):
        with pytest.raises(Mistake):
            use(name)


@pytest.mark.slow
def test_a_full_disk_is_ours_and_leaves_nothing(tmp_path: Path) -> None:
    """A real limit (RLIMIT_FSIZE): the write fails in the kernel, as on a full disk."""
    script = textwrap.dedent(
        """
        import resource, signal, sys
        from pathlib import Path
        from zegel.errors import Unavailable
        from zegel.parcels.identifiers import new_identifier
        from zegel.stores.drivers.local import LocalStore
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        store = LocalStore(Path(sys.argv[1]))
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        writer = store.open_write(new_identifier())
        try:
            writer.write(b"x" * 200_000)
        except Unavailable as error:
            writer.abort()
            print(error.kind)
        print(len(list(store.incoming.iterdir())))
        """
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["store-unavailable", "0"]


def test_no_space_says_that_the_store_is_full(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = store.open_write(new_identifier())

    def no_space(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(Unavailable, match="full"):
        writer.commit()


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["os.fsync", "os.link"])
def test_killed_while_committing_leaves_a_whole_blob_or_none(tmp_path: Path, moment: str) -> None:
    blob = new_identifier()
    script = textwrap.dedent(
        f"""
        import os, signal, sys
        from pathlib import Path
        from zegel.stores.drivers.local import LocalStore
        writer = LocalStore(Path(sys.argv[1])).open_write({blob!r})
        writer.write(b"x" * 100_000)
        {moment} = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        writer.commit()
        """
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert done.returncode == -9
    store = LocalStore(tmp_path)
    with pytest.raises(NotFound):
        store.size(blob)
    put(store, blob, b"again")
    assert b"".join(store.read(blob)) == b"again"


def test_a_sweep_does_not_mind_what_is_committed_meanwhile(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    unfinished = store.open_write(new_identifier())
    unfinished.write(b"x" * 100_000)
    real = Path.iterdir

    def too_early(folder: Path) -> Iterator[Path]:
        return iter([folder / "gone", *real(folder)])

    monkeypatch.setattr(Path, "iterdir", too_early)
    assert store.sweep(datetime.now(UTC) + timedelta(hours=1)) == 1


def test_a_blob_that_is_deleted_while_it_is_put_again_is_put(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    blob = new_identifier()
    put(store, blob, b"sealed")
    monkeypatch.setattr(os, "utime", before(os.utime, lambda: store.delete([blob])))
    put(store, blob, b"sealed")
    assert b"".join(store.read(blob)) == b"sealed"


def test_a_part_that_comes_while_others_are_forgotten_stays(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    blob = new_identifier()
    store.write_part(blob, 0, iter([b"old"]), "a")
    monkeypatch.setattr(os, "rmdir", before(os.rmdir, lambda: store.write_part(blob, 0, iter([b"new"]), "a")))
    store.forget_parts(blob, "a")
    assert b"".join(store.read_parts(blob, 1, "a")) == b"new"
    monkeypatch.setattr(os, "replace", before(os.replace, lambda: store.forget_parts(blob, "a")))
    store.write_part(blob, 0, iter([b"newer"]), "a")
    assert b"".join(store.read_parts(blob, 1, "a")) == b"newer"
    store.forget_parts(blob, "a")
    assert store.remains().nothing


def test_a_sweep_leaves_a_fresh_part_beside_an_old_one(store: LocalStore) -> None:
    blob = new_identifier()
    store.write_part(blob, 0, iter([b"old"]), "a")
    store.write_part(blob, 1, iter([b"fresh"]), "a")
    (folder,) = store.incoming.iterdir()
    long_ago = (datetime.now(UTC) - timedelta(days=3)).timestamp()
    for path in (folder / "000000", folder):
        os.utime(path, (long_ago, long_ago))
    store.sweep(datetime.now(UTC) - timedelta(days=2))
    assert [path.name for path in folder.iterdir()] == ["000001"]


def test_parts_that_are_forgotten_while_they_are_read_are_missing(store: LocalStore) -> None:
    blob = new_identifier()
    for number in range(2):
        store.write_part(blob, number, iter([b"part"]), "a")
    pieces = store.read_parts(blob, 2, "a")
    assert next(pieces) == b"part"
    store.forget_parts(blob, "a")
    with pytest.raises(NotFound):
        list(pieces)


def test_a_folder_that_another_made_is_durable_before_a_blob_in_it_is(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small blobs make folders without waiting, and a process may be killed before it has waited."""
    blob = new_identifier()
    (store.blobs / blob[:2]).mkdir()
    synced, real = [], os.fsync

    def noted(file: int) -> None:
        synced.append(os.fstat(file).st_ino)
        real(file)

    monkeypatch.setattr(os, "fsync", noted)
    put(store, blob, b"x" * 100_000)
    assert synced[1:] == [store.blobs.stat().st_ino, (store.blobs / blob[:2]).stat().st_ino]


def before(real: Callable[..., Any], first: Callable[[], object]) -> Callable[..., Any]:
    """A function that somebody else is quicker than, once."""
    left = [first]

    def slower(*arguments: Any, **facts: Any) -> Any:
        while left:
            left.pop()()
        return real(*arguments, **facts)

    return slower

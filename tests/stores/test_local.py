"""What is about the local driver alone: killed, full, and what lies about in the folder (the exam is test_drivers)."""

import errno
import hashlib
import os
import subprocess
import sys
import textwrap
from pathlib import Path

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

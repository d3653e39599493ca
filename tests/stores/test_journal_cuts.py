"""Power cuts and disks that fail, played: whatever happened before, every blob that was promised is there.

What a disk holds after a cut is put together from what the driver waited for: files that were synced, by themselves or
with the whole file system, are as they were; any other may be missing, empty, torn or full of zeros. When the file
system reports an error it drops bytes, tells so once, and calls them written.
"""

import os
import random
import shutil
import threading
from contextlib import suppress
from errno import EIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zegel.errors import NotFound, Unavailable
from zegel.parcels.identifiers import new_identifier
from zegel.stores.drivers import journal
from zegel.stores.drivers.local import LocalStore

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("commit"), st.lists(st.sampled_from([0, 1, 5000, 60_000]), min_size=1, max_size=12)),
        st.tuples(st.sampled_from(["settle", "delete", "no page", "no sync"]), st.just([])),
    ),
    min_size=1,
    max_size=12,
)


class Disk:
    """What of a folder is on the disk, by file; stands in for fsync, fdatasync and syncfs."""

    def __init__(self, folder: Path, chance: random.Random, patch: pytest.MonkeyPatch):
        self.store, self._folder, self._chance = LocalStore(folder), folder, chance
        self._safe: set[str] = set()
        self._dropped: set[str] = set()
        self._lock = threading.Lock()
        self.page_fails = self.sync_fails = False
        self._real = (os.fsync, os.fdatasync)
        patch.setattr(journal, "SECONDS", 3600)
        patch.setattr(journal, "sync_all", self._sync_all)
        patch.setattr(os, "fsync", self._fsync)
        patch.setattr(os, "fdatasync", self._fdatasync)

    def files(self) -> dict[str, Path]:
        return {path.name: path for path in self.store.blobs.glob("*/*")}

    def _fsync(self, file: int) -> None:
        name = Path(os.readlink(f"/proc/self/fd/{file}")).name[:26]
        with self._lock:
            self._safe.add(name)
            self._dropped.discard(name)
        self._real[0](file)

    def _fdatasync(self, file: int) -> None:
        if self.page_fails:
            self.page_fails = False
            raise OSError(EIO, os.strerror(EIO))
        self._real[1](file)

    def _sync_all(self, _folder: int) -> None:
        with self._lock:
            unsafe = {name: path for name, path in self.files().items() if name not in self._safe}
            if not self.sync_fails:
                self._safe |= set(unsafe) - self._dropped
                return
            self.sync_fails = False
            for name, path in unsafe.items():
                if self._chance.random() < 0.7:
                    self._dropped.add(name)
                    path.write_bytes(bytes(path.stat().st_size))
        raise OSError(EIO, os.strerror(EIO))

    def cut(self, image: Path) -> LocalStore:
        """The folder as the next kernel finds it, opened."""
        with self._lock:
            self.page_fails = self.sync_fails = False
            there = {name: str(path.relative_to(self._folder)) for name, path in self.files().items()}
            shutil.copytree(self._folder, image)
        for page in (image / "journal").iterdir():
            page.rename(page.with_name(f"another-{page.name.partition('-')[2]}"))
        for path in (image / there[name] for name in sorted(set(there) - self._safe)):
            size = path.stat().st_size
            match self._chance.choice(["missing", "empty", "torn", "zeros", "whole"]):
                case "missing":
                    path.unlink()
                case "empty":
                    path.write_bytes(b"")
                case "torn":
                    path.write_bytes(path.read_bytes()[: size // 2])
                case "zeros":
                    path.write_bytes(bytes(size))
        return LocalStore(image)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(steps=STEPS, seed=st.integers(0, 2**32))
def test_what_was_promised_is_there_after_a_power_cut(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, list[int]]], seed: int
) -> None:
    folder, chance = tmp_path_factory.mktemp("disk"), random.Random(seed)
    promised: dict[str, bytes] = {}
    deleted: dict[str, bytes] = {}
    with pytest.MonkeyPatch.context() as patch:
        disk = Disk(folder / "store", chance, patch)
        for step, sizes in steps:
            match step:
                case "commit":
                    promised |= commit(disk.store, {new_identifier(): chance.randbytes(size) for size in sizes})
                case "delete" if promised:
                    name = chance.choice(sorted(promised))
                    deleted[name] = promised.pop(name)
                    assert disk.store.delete([name]) == {}
                case "settle":
                    # After an error what is in a page stays there, and it says so.
                    with suppress(OSError):
                        disk.store._journal().settle()
                case "no page":
                    disk.page_fails = True
                case "no sync":
                    disk.sync_fails = True
        found = disk.cut(folder / "image")
        disk.store._journal().settle()
        if timer := disk.store._journal()._timer:
            timer.cancel()
    assert {name: content(found, name) for name in promised} == promised
    assert all(content(found, name) in (None, data) for name, data in deleted.items())
    shutil.rmtree(folder)


def commit(store: LocalStore, blobs: dict[str, bytes]) -> dict[str, bytes]:
    """Those that the store took."""
    writers: list[Any] = []
    for name, data in blobs.items():
        writers.append(store.open_write(name))
        writers[-1].write(data)
    try:
        store.commit_all(writers)
    except Unavailable:
        return {}
    return blobs


def content(store: LocalStore, name: str) -> bytes | None:
    try:
        return b"".join(store.read(name))
    except NotFound:
        return None

"""Volumes: whatever files go in come out, no medium is too full, other people's tools check and join them."""

import hashlib
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zegel.doors.cli.volumes import LEAST, VolumesIn, VolumesOut, read_size
from zegel.errors import Damaged, Mistake, NotFound

SUMS = "SHA256SUMS"
MEGA = 1 << 20


def write(out: VolumesOut, files: dict[str, bytes]) -> None:
    sums = {name: out.write(name, iter([data[:70_000], b"", data[70_000:]])) for name, data in files.items()}
    assert sums == {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    out.write(SUMS, iter(["".join(f"{digest}  {name}\n" for name, digest in sums.items()).encode()]))


def read(folder: Path) -> dict[str, bytes]:
    volumes = VolumesIn(random.sample(sorted(folder.iterdir()), len(list(folder.iterdir()))))
    names = [line.split("  ")[1] for line in b"".join(volumes.read(SUMS)).decode().splitlines()]
    return {name: b"".join(volumes.read(name)) for name in names}


def made(sizes: list[int]) -> dict[str, bytes]:
    return {
        f"blobs/{number % 3}/file-{number}.age": random.Random(number).randbytes(size)
        for number, size in enumerate(sizes)
    }


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.one_of(st.integers(0, 5000), st.integers(50_000, 200_000), st.integers(MEGA - 2, 2 * MEGA)), max_size=6
    ),
    st.integers(LEAST, 3 * MEGA),
)
def test_what_goes_in_comes_out_and_no_medium_is_too_full(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], size: int
) -> None:
    folder = tmp_path_factory.mktemp("media")
    files = made(sizes)
    write(VolumesOut(folder, size), files)
    assert read(folder) == files
    for volume in folder.iterdir():
        assert sum(one.stat().st_size for one in volume.rglob("*") if one.is_file()) <= size
    shutil.rmtree(folder)


def test_stock_tools_check_a_medium_and_join_a_file(tmp_path: Path) -> None:
    files = made([3 * MEGA, 100, 2000])
    write(VolumesOut(tmp_path, MEGA), files)
    volumes = sorted(tmp_path.iterdir())
    assert len(volumes) == 4
    for volume in volumes:
        subprocess.run(["sha256sum", "--quiet", "--check", SUMS], cwd=volume, check=True)
    parts = sorted(tmp_path.rglob("file-0.age.part-*"), key=lambda part: part.name)
    joined = subprocess.run(["cat", *parts], capture_output=True, check=True).stdout
    assert joined == files["blobs/0/file-0.age"]
    assert len(list(tmp_path.rglob("file-1.age"))) == 1


def test_a_run_that_was_cut_off_goes_on_and_keeps_what_is_right(tmp_path: Path) -> None:
    files = made([2 * MEGA, 100, 3 * MEGA, 5000])
    cut = VolumesOut(tmp_path, MEGA)
    cut.write("blobs/0/file-0.age", iter([files["blobs/0/file-0.age"]]))
    cut.write("blobs/1/file-1.age", iter([b"of before"]))

    def breaks() -> object:
        yield files["blobs/2/file-2.age"][: 2 * MEGA]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cut.write("blobs/2/file-2.age", breaks())  # type: ignore[arg-type]
    with pytest.raises(Mistake):
        VolumesIn(sorted(tmp_path.iterdir()))
    kept = {one: one.stat().st_mtime_ns for one in tmp_path.rglob("file-0*")}
    again = VolumesOut(tmp_path, MEGA)
    assert again.digest("blobs/0/file-0.age") == hashlib.sha256(files["blobs/0/file-0.age"]).hexdigest()
    del files["blobs/0/file-0.age"]
    write(again, files)
    assert {one: one.stat().st_mtime_ns for one in tmp_path.rglob("file-0*")} == kept
    found = read(tmp_path)
    assert found == files


def test_a_part_that_is_missing_or_altered_is_told_by_name(tmp_path: Path) -> None:
    write(VolumesOut(tmp_path, MEGA), made([3 * MEGA]))
    volumes = sorted(tmp_path.iterdir())
    part = volumes[1] / "blobs/0/file-0.age.part-0002"
    whole = part.read_bytes()
    part.write_bytes(whole[:-1] + b"x")
    with pytest.raises(Damaged, match="part-0002"):
        VolumesIn(volumes)
    part.unlink()
    with pytest.raises(NotFound, match="part-0002"):
        VolumesIn(volumes)
    part.write_bytes(whole)
    with pytest.raises(NotFound, match="missing: 1"):
        VolumesIn(volumes[1:])
    (volumes[0] / SUMS).write_text(f"{'0' * 64}  ../../secret\n")
    with pytest.raises(Mistake):
        VolumesIn(volumes)


@pytest.mark.parametrize(
    ("text", "size"),
    [("4GB", 4 * 10**9), ("4.7 gb", 4_700_000_000), ("650MiB", 650 * MEGA), ("700m", 700 * 10**6), ("65536", LEAST)],
)
def test_sizes(text: str, size: int) -> None:
    assert read_size(text) == size


@pytest.mark.parametrize("text", ["", "4 floppies", "-4GB", "64kB", "1e9", "4,7GB"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(Mistake):
        read_size(text)

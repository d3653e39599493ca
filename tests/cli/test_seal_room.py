"""Room asked for beforehand: never more file than was written, whatever happens between."""

import os
import threading
from pathlib import Path

import pytest

from zegel.doors.cli import seal_room
from zegel.doors.cli.seal_room import Room

pytestmark = pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="no posix_fallocate on this system")
LARGE = 65 << 20


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Large, and all hole: it takes no room itself."""
    path = tmp_path / "source"
    with path.open("wb") as file:
        file.truncate(LARGE)
    return path


@pytest.fixture(autouse=True)
def _two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)


def test_what_was_not_needed_is_given_back(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grown = threading.Event()
    real = os.posix_fallocate

    def reserve(fd: int, at: int, length: int) -> None:
        real(fd, at, length)
        grown.set()

    with (
        source.open("rb") as read,
        (tmp_path / "out").open("wb", buffering=0) as write,
        pytest.MonkeyPatch.context() as m,
    ):
        m.setattr(os, "posix_fallocate", reserve)
        with Room(read.fileno(), write.fileno()) as room:
            assert grown.wait(60)
            room.enough()
            assert os.fstat(write.fileno()).st_size > 0
            write.write(b"sealed")
    assert (tmp_path / "out").read_bytes() == b"sealed"


def test_nothing_touches_the_file_once_enough_is_said(source: Path, tmp_path: Path) -> None:
    with source.open("rb") as read, (tmp_path / "out").open("wb", buffering=0) as write:
        room = Room(read.fileno(), write.fileno())
        room.enough()
        size = os.fstat(write.fileno()).st_size
        assert {thread.name for thread in threading.enumerate()}.isdisjoint({seal_room.NAME})
        assert os.fstat(write.fileno()).st_size == size


def test_a_file_system_that_cannot_reserve_is_left_alone(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(fd: int, at: int, length: int) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    with (
        source.open("rb") as read,
        (tmp_path / "out").open("wb", buffering=0) as write,
        Room(read.fileno(), write.fileno()) as room,
    ):
        room.enough()
        write.write(b"sealed")
    assert (tmp_path / "out").read_bytes() == b"sealed"


@pytest.mark.parametrize("kind", ["small", "pipe", "not-empty"])
def test_no_room_is_asked_for_where_it_would_not_help(kind: str, source: Path, tmp_path: Path) -> None:
    if kind == "small":
        os.truncate(source, 1000)
    target = tmp_path / "out"
    target.write_bytes(b"there" if kind == "not-empty" else b"")
    reading, writing = os.pipe()
    with (
        source.open("rb") as read,
        target.open("r+b") as write,
        Room(read.fileno(), writing if kind == "pipe" else write.fileno()) as room,
    ):
        room.enough()
    os.close(reading)
    os.close(writing)
    assert target.read_bytes() == (b"there" if kind == "not-empty" else b"")

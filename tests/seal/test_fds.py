"""The descriptor forms: every combination of files and pipes, damage, failing disks, and memory."""

import os
import select
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from zegel.errors import Unavailable
from zegel.seal import (
    ArmorFailure,
    HeaderFailure,
    HybridIdentity,
    NoMatch,
    PayloadFailure,
    X25519Identity,
    armor,
    find_header,
    open_,
    open_fd,
    seal,
    seal_fd,
    sealed_size,
)
from zegel.seal.batch import CHUNKS, Batch
from zegel.seal.stream import CHUNK, SEALED_CHUNK, payload_cipher

IDENTITY = X25519Identity.generate()
BATCH = CHUNKS * CHUNK
SIZES = [0, 1, 16, CHUNK - 1, CHUNK, CHUNK + 1, BATCH - 1, BATCH, BATCH + 1, 3 * BATCH, 5_000_001]
Run = Callable[[int, int], int]


def turn(work: Run, data: bytes, way: str, folder: Path) -> bytes:
    """Run *work* from and to the kinds of descriptors that *way* names, and give what came out."""
    source, target = way.split("-")
    (folder / "in").write_bytes(data)
    (folder / "out").write_bytes(b"")
    append = os.O_APPEND if target == "append" else 0
    out = os.open(folder / "out", os.O_RDWR | append)
    fd_in, feeder = _feed(data) if source == "pipe" else (os.open(folder / "in", os.O_RDONLY), None)
    if target == "pipe":
        read_end, fd_out = os.pipe()
        drainer = threading.Thread(target=_drain, args=(read_end, out))
        drainer.start()
    else:
        fd_out, drainer = out, None
    try:
        written = work(fd_in, fd_out)
        assert written == (os.lseek(out, 0, os.SEEK_CUR) if drainer is None else written)
    finally:
        os.close(fd_in)
        if drainer is not None:
            os.close(fd_out)
            drainer.join()
        if feeder is not None:
            feeder.join()
        os.close(out)
    return (folder / "out").read_bytes()


def _feed(data: bytes) -> tuple[int, threading.Thread]:
    read_end, write_end = os.pipe()

    def feed() -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(write_end, view[:70_001]) :]
        except BrokenPipeError:
            pass
        finally:
            os.close(write_end)

    thread = threading.Thread(target=feed)
    thread.start()
    return read_end, thread


def _drain(fd: int, out: int) -> None:
    while data := os.read(fd, 1 << 16):
        os.write(out, data)
    os.close(fd)


WAYS = ["file-file", "file-pipe", "pipe-file", "pipe-pipe", "file-append"]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("way", WAYS)
def test_round_trips(way: str, size: int, tmp_path: Path) -> None:
    plain = os.urandom(size)
    sealed = turn(lambda i, o: seal_fd(i, o, [IDENTITY.recipient]), plain, way, tmp_path)
    assert len(sealed) == sealed_size(size, [IDENTITY.recipient])
    assert open_(sealed, IDENTITY) == plain
    assert turn(lambda i, o: open_fd(i, o, [IDENTITY]), sealed, way, tmp_path) == plain


@pytest.mark.parametrize("size", [0, 47, 48, BATCH + 1])
@pytest.mark.parametrize("way", ["file-file", "pipe-pipe"])
def test_armor_is_written_and_recognised(way: str, size: int, tmp_path: Path) -> None:
    plain = os.urandom(size)
    text = turn(lambda i, o: seal_fd(i, o, [IDENTITY.recipient], armored=True), plain, way, tmp_path)
    assert text.startswith(b"-----BEGIN AGE ENCRYPTED FILE-----\n")
    assert turn(lambda i, o: open_fd(i, o, [IDENTITY]), b" \n" + text, way, tmp_path) == plain
    with pytest.raises(ArmorFailure):
        turn(lambda i, o: open_fd(i, o, [IDENTITY]), text[:-20], way, tmp_path)


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_any_number_of_threads(threads: int, tmp_path: Path) -> None:
    plain = os.urandom(9 * BATCH + 5)
    seen: list[int] = []
    sealed = turn(
        lambda i, o: seal_fd(i, o, [IDENTITY.recipient], threads=threads, progress=seen.append),
        plain,
        "file-file",
        tmp_path,
    )
    assert turn(lambda i, o: open_fd(i, o, [IDENTITY], threads=threads), sealed, "file-file", tmp_path) == plain
    assert seen == sorted(seen)


def test_descriptors_are_taken_where_they_stand(tmp_path: Path) -> None:
    plain = os.urandom(BATCH + 10)
    (tmp_path / "in").write_bytes(b"skipped" + plain)
    with (tmp_path / "in").open("rb", buffering=0) as source, (tmp_path / "out").open("w+b", buffering=0) as target:
        source.seek(7)
        target.write(b"before")
        seal_fd(source.fileno(), target.fileno(), [IDENTITY.recipient])
        assert source.tell() == 7 + len(plain)
        target.write(b"after")
        end = target.tell() - 5
        target.seek(6)
        sealed = target.read(end - 6)
    assert open_(sealed, IDENTITY) == plain
    assert (tmp_path / "out").read_bytes().startswith(b"before")
    assert (tmp_path / "out").read_bytes().endswith(b"after")


def damaged_file(chunks: int, damaged: int) -> tuple[bytes, bytes]:
    plain = os.urandom(chunks * CHUNK)
    sealed = bytearray(seal(plain, IDENTITY.recipient))
    start = (find_header(sealed) or 0) + 16
    sealed[start + damaged * SEALED_CHUNK + 9] ^= 0x80
    return plain, bytes(sealed)


@pytest.mark.parametrize("damaged", [0, 1, 15, 16, 17, 39])
@pytest.mark.parametrize("way", WAYS)
def test_only_what_came_before_the_damage_is_written(way: str, damaged: int, tmp_path: Path) -> None:
    plain, sealed = damaged_file(40, damaged)
    with pytest.raises(PayloadFailure, match=f"Chunk {damaged} "):
        turn(lambda i, o: open_fd(i, o, [IDENTITY]), sealed, way, tmp_path)
    assert (tmp_path / "out").read_bytes() == plain[: damaged * CHUNK]


def test_of_two_damages_the_first_counts(tmp_path: Path) -> None:
    plain, sealed = damaged_file(64, 20)
    twice = bytearray(sealed)
    twice[-SEALED_CHUNK * 10] ^= 1
    with pytest.raises(PayloadFailure, match="Chunk 20 "):
        turn(lambda i, o: open_fd(i, o, [IDENTITY], threads=4), bytes(twice), "file-file", tmp_path)
    assert (tmp_path / "out").read_bytes() == plain[: 20 * CHUNK]


def test_the_buffer_holds_no_unauthenticated_plaintext() -> None:
    """decrypt_into leaves the plaintext in its buffer when the tag is wrong; nobody may find it there."""
    cipher = payload_cipher(bytes(16), bytes(16))
    batch = Batch()
    batch.plain[:] = b"p" * len(batch.plain)
    sealed = batch.seal(cipher, 0, BATCH, last=True)
    batch.plain[:] = bytes(len(batch.plain))
    batch.sealed[3 * SEALED_CHUNK + CHUNK] ^= 1
    with pytest.raises(PayloadFailure):
        batch.open(cipher, 0, sealed, last=True)
    assert bytes(batch.plain[: 3 * CHUNK]) == b"p" * (3 * CHUNK)
    assert not any(batch.plain[3 * CHUNK :])
    batch.wipe()
    assert not any(batch.plain)


@pytest.mark.parametrize("way", WAYS)
def test_cut_and_lengthened_files_are_refused(way: str, tmp_path: Path) -> None:
    sealed = seal(os.urandom(20 * CHUNK), IDENTITY.recipient)
    start = (find_header(sealed) or 0) + 16
    for end in (start, start + 5, start + 16, start + SEALED_CHUNK, start + 19 * SEALED_CHUNK, len(sealed) - 1):
        with pytest.raises(PayloadFailure):
            turn(lambda i, o: open_fd(i, o, [IDENTITY]), sealed[:end], way, tmp_path)
    for more in (b"x", bytes(16), bytes(17), bytes(SEALED_CHUNK)):
        with pytest.raises(PayloadFailure):
            turn(lambda i, o: open_fd(i, o, [IDENTITY]), sealed + more, way, tmp_path)
    for end in (0, 10, start - 17, start - 1):
        with pytest.raises(HeaderFailure):
            turn(lambda i, o: open_fd(i, o, [IDENTITY]), sealed[:end], way, tmp_path)


@pytest.mark.parametrize("way", WAYS)
def test_the_wrong_key_writes_nothing(way: str, tmp_path: Path) -> None:
    sealed = seal(b"text", IDENTITY.recipient)
    with pytest.raises(NoMatch):
        turn(lambda i, o: open_fd(i, o, [HybridIdentity.generate()]), sealed, way, tmp_path)
    assert (tmp_path / "out").read_bytes() == b""


def test_a_file_that_shrinks_is_said_to_shrink(tmp_path: Path) -> None:
    path = tmp_path / "in"
    path.write_bytes(bytes(40 * BATCH))

    def shrink(done: int) -> None:
        os.truncate(path, BATCH)

    with path.open("rb") as source, (tmp_path / "out").open("wb") as target, pytest.raises(Unavailable):
        seal_fd(source.fileno(), target.fileno(), [IDENTITY.recipient], progress=shrink)


def test_a_file_of_proc_is_read_to_its_end(tmp_path: Path) -> None:
    """/proc says that its files are regular and empty."""
    with open("/proc/self/cmdline", "rb") as source, (tmp_path / "out").open("wb") as target:
        seal_fd(source.fileno(), target.fileno(), [IDENTITY.recipient])
    assert open_((tmp_path / "out").read_bytes(), IDENTITY) == Path("/proc/self/cmdline").read_bytes()


def test_a_full_disk_is_an_error() -> None:
    """Both for the parallel way and the pipe way; /dev/full takes nothing."""
    full = os.open("/dev/full", os.O_WRONLY)
    read_end, feeder = _feed(bytes(3 * BATCH))
    with pytest.raises(OSError, match="No space"):
        seal_fd(read_end, full, [IDENTITY.recipient])
    os.close(read_end)
    feeder.join()
    os.close(full)


def test_a_reader_that_goes_away_ends_the_sealing_though_no_input_comes() -> None:
    """The writer fails, and the reader, waiting for input that will not come, must hear of it."""
    idle_read, idle_write = os.pipe()
    os.write(idle_write, bytes(1000))
    gone_read, gone_write = os.pipe()
    failures: list[BaseException] = []
    first = threading.Event()

    def work() -> None:
        try:
            seal_fd(idle_read, gone_write, [IDENTITY.recipient], progress=lambda done: first.set())
        except BaseException as failure:  # noqa: BLE001
            failures.append(failure)

    thread = threading.Thread(target=work)
    thread.start()
    assert os.read(gone_read, 10) == b"age-encryp"
    os.close(gone_read)
    # Enough for two batches, so that the writer has something to fail at; once it failed nobody empties this pipe.
    os.set_blocking(idle_write, False)
    for _ in range(40):
        while thread.is_alive():
            try:
                os.write(idle_write, bytes(60_000))
                break
            except BlockingIOError:
                select.select([], [idle_write], [], 0.05)
    thread.join(60)
    assert not thread.is_alive()
    assert isinstance(failures[0], BrokenPipeError)
    for fd in (idle_read, idle_write, gone_write):
        os.close(fd)


def test_no_descriptor_or_thread_is_left_behind(tmp_path: Path) -> None:
    turn(lambda i, o: seal_fd(i, o, [IDENTITY.recipient]), bytes(100), "pipe-pipe", tmp_path)
    fds, threads = set(os.listdir("/proc/self/fd")), set(threading.enumerate())
    plain, sealed = damaged_file(40, 20)
    for way in WAYS:
        turn(lambda i, o: seal_fd(i, o, [IDENTITY.recipient]), plain, way, tmp_path)
        with pytest.raises(PayloadFailure):
            turn(lambda i, o: open_fd(i, o, [IDENTITY]), sealed, way, tmp_path)
    # Only what is new: whatever former tests left may end meanwhile.
    assert set(os.listdir("/proc/self/fd")) <= fds
    assert set(threading.enumerate()) <= threads


_CHILD = """
import os, sys
from zegel.seal import X25519Identity, open_fd, seal_fd
identity = X25519Identity.from_seed(bytes(range(32)))
folder, way = sys.argv[1:]
for step, (source, target) in enumerate((("big", "sealed"), ("sealed", "opened"))):
    fd_in = os.open(f"{folder}/{source}", os.O_RDONLY)
    flags = os.O_APPEND if way == "pipes" else 0
    fd_out = os.open(f"{folder}/{target}", os.O_WRONLY | os.O_CREAT | flags)
    seal_fd(fd_in, fd_out, [identity.recipient]) if step == 0 else open_fd(fd_in, fd_out, [identity])
# Not ru_maxrss: that begins with what the parent had when it forked.
print(*(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.slow
@pytest.mark.parametrize("way", ["files", "pipes"])
def test_memory_is_flat(way: str, tmp_path: Path) -> None:
    """256 MiB goes through less than 64 MiB of memory, interpreter included."""
    with (tmp_path / "big").open("wb") as file:
        file.truncate(256 << 20)
    ran = subprocess.run([sys.executable, "-c", _CHILD, str(tmp_path), way], capture_output=True, check=True, text=True)
    assert int(ran.stdout) < 64 * 1024
    assert (tmp_path / "opened").stat().st_size == 256 << 20


def test_armor_of_the_library_is_armor_of_the_descriptors(tmp_path: Path) -> None:
    sealed = seal(b"text", IDENTITY.recipient)
    assert turn(lambda i, o: open_fd(i, o, [IDENTITY]), armor(sealed), "pipe-file", tmp_path) == b"text"

"""The command line as a shell meets it: flags of age, terminals, pipes, and what is left when it's killed."""

import contextlib
import os
import pty
import resource
import select
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from tests.seal import peers

from zegel.seal import HybridIdentity, ScryptRecipient, X25519Identity, armor, open_, parse_identity, seal

IDENTITY = X25519Identity.generate()
TO = str(IDENTITY.recipient)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "zegel", *arguments]


def zegel(*arguments: str, data: bytes = b"", cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command(*arguments), input=data, capture_output=True, cwd=cwd, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "key").write_text(f"# mine\n{IDENTITY}\n")
    (tmp_path / "plain").write_bytes(b"text\n" * 50_000)
    return tmp_path


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"key", "plain"}


def test_files_both_ways(folder: Path) -> None:
    assert zegel("seal", "-r", TO, "-o", "sealed", "plain", cwd=folder).returncode == 0
    assert open_((folder / "sealed").read_bytes(), IDENTITY) == (folder / "plain").read_bytes()
    ran = zegel("open", "-i", "key", "-o", "opened", "sealed", cwd=folder)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"", b"")
    assert (folder / "opened").read_bytes() == (folder / "plain").read_bytes()
    assert names(folder) == {"sealed", "opened"}


def test_pipes_armor_and_long_flags(folder: Path) -> None:
    sealed = zegel("seal", "--encrypt", "--armor", "--recipient", TO, "-", data=b"text")
    assert sealed.stdout.startswith(b"-----BEGIN AGE")
    for flags in (("open",), ("open", "-d"), ("seal", "-d"), ("seal", "--decrypt")):
        assert zegel(*flags, "--identity", "key", data=sealed.stdout, cwd=folder).stdout == b"text"


def test_recipients_file_identity_as_recipient_and_standard_input(folder: Path) -> None:
    other = X25519Identity.generate()
    (folder / "others").write_text(f"# they\n\n{other.recipient}\n")
    ran = zegel("seal", "-e", "-i", "key", "-R", "others", "plain", cwd=folder)
    for identity in (IDENTITY, other):
        assert open_(ran.stdout, identity) == (folder / "plain").read_bytes()
    (folder / "sealed").write_bytes(ran.stdout)
    ran = zegel("open", "-i", "-", "sealed", data=str(other).encode(), cwd=folder)
    assert ran.stdout == (folder / "plain").read_bytes()


@pytest.mark.slow
def test_passphrase_file_both_ways(folder: Path) -> None:
    (folder / "pass").write_text("correct horse\nsecond line is not part of it\n")
    sealed = zegel("seal", "--passphrase-file", "pass", "plain", cwd=folder).stdout
    assert zegel("open", "--passphrase-file", "pass", data=sealed, cwd=folder).stdout == (folder / "plain").read_bytes()
    (folder / "pass").write_text("wrong")
    ran = zegel("open", "--passphrase-file", "pass", data=sealed, cwd=folder)
    assert (ran.returncode, ran.stdout) == (1, b"")
    assert b"passphrase is not right" in ran.stderr
    assert b"wrong" not in ran.stderr
    ran = zegel("open", "-i", "key", data=sealed, cwd=folder)
    assert ran.returncode == 1
    assert b"locked with a passphrase" in ran.stderr


def test_work_factor_limit_can_be_moved(folder: Path) -> None:
    (folder / "pass").write_text("pass")
    sealed = seal(b"text", ScryptRecipient("pass", 8))
    low = zegel("open", "--max-work-factor", "7", "--passphrase-file", "pass", data=sealed, cwd=folder)
    assert low.returncode == 1
    assert b"over the limit of 7" in low.stderr
    assert (
        zegel("open", "--max-work-factor", "8", "--passphrase-file", "pass", data=sealed, cwd=folder).stdout == b"text"
    )


def test_identity_files_may_be_sealed_themselves(folder: Path) -> None:
    (folder / "pass").write_text("pass")
    for locked in (seal(str(IDENTITY).encode(), ScryptRecipient("pass", 8)),):
        for form in (locked, armor(locked)):
            (folder / "locked").write_bytes(form)
            sealed = seal(b"text", IDENTITY.recipient)
            ran = zegel("open", "-i", "locked", "--passphrase-file", "pass", data=sealed, cwd=folder)
            assert ran.stdout == b"text"


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (("seal",), 1, b"no recipient"),
        (("seal", "-r", "age1nonsense"), 1, b"typing error"),
        (("seal", "-r", "AGE-SECRET-KEY-1ABC"), 1, b"secret key"),
        (("seal", "-r", TO, "-p"), 2, b"cannot be combined"),
        (("seal", "-d", "-a"), 2, b"cannot be combined"),
        (("seal", "-r", TO, "absent"), 1, b"absent: No such file"),
        (("seal", "-r", TO, "-o", "absent/sealed", "plain"), 1, b"No such file"),
        (("seal", "-r", TO, "-o", "plain", "plain"), 1, b"same file"),
        (("seal", "-R", "plain"), 1, b"plain: Line 1"),
        (("open", "-i", "plain", "plain"), 1, b"plain: Line 1"),
        (("open", "-i", "key", "plain"), 1, b"not an age v1 file"),
        (("open", "plain"), 1, b"not an age v1 file"),
        (("keygen", "plain"), 2, b"only read with -y"),
        (("keygen", "-o", "key"), 1, b"File exists"),
        (("inspect", "plain"), 1, b"not an age v1 file"),
    ],
)
def test_refusals_are_one_sentence(folder: Path, arguments: tuple[str, ...], status: int, says: bytes) -> None:
    ran = zegel(*arguments, cwd=folder)
    assert ran.returncode == status
    assert says in ran.stderr
    assert b"Traceback" not in ran.stderr
    assert names(folder) == set()


def test_opening_without_a_key_says_what_is_missing(folder: Path) -> None:
    ran = zegel("open", data=seal(b"text", IDENTITY.recipient))
    assert (ran.returncode, ran.stdout) == (1, b"")
    assert b"say with -i" in ran.stderr


def test_a_mix_of_quantum_and_classic_is_refused(folder: Path) -> None:
    ran = zegel("seal", "-r", TO, "-r", str(HybridIdentity.generate().recipient), "plain", cwd=folder)
    assert (ran.returncode, ran.stdout) == (1, b"")
    assert b"cannot be combined" in ran.stderr


def test_a_damaged_file_leaves_the_old_output_alone(folder: Path) -> None:
    sealed = bytearray(seal(bytes(300_000), IDENTITY.recipient))
    sealed[-1] ^= 1
    (folder / "sealed").write_bytes(sealed)
    (folder / "opened").write_bytes(b"old")
    ran = zegel("open", "-i", "key", "-o", "opened", "sealed", cwd=folder)
    assert ran.returncode == 1
    assert b"damaged" in ran.stderr
    assert (folder / "opened").read_bytes() == b"old"
    assert names(folder) == {"sealed", "opened"}


def test_an_overwritten_file_keeps_its_mode_and_its_links_point_to_it(folder: Path) -> None:
    (folder / "target").write_bytes(b"old")
    (folder / "target").chmod(0o640)
    (folder / "link").symlink_to("target")
    assert zegel("seal", "-r", TO, "-o", "link", "plain", cwd=folder).returncode == 0
    assert (folder / "link").is_symlink()
    assert stat.S_IMODE((folder / "target").stat().st_mode) == 0o640
    assert open_((folder / "target").read_bytes(), IDENTITY) == (folder / "plain").read_bytes()


def test_a_device_or_pipe_as_output_is_written_to_not_replaced(folder: Path) -> None:
    assert zegel("seal", "-r", TO, "-o", "/dev/null", "plain", cwd=folder).returncode == 0
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    ran = zegel("seal", "-r", TO, "-o", "/dev/full", "plain", cwd=folder)
    assert ran.returncode == 1
    assert b"No space left" in ran.stderr


WITHOUT_NAMELESS = "import os; del os.O_TMPFILE; from zegel.__main__ import main; main()"
"""The command on a system whose files all have names, as macOS."""


def started(
    folder: Path, prepare: Callable[[], None] | None = None, *, program: Sequence[str] = ("-m", "zegel")
) -> subprocess.Popen[bytes]:
    """Start sealing an input that doesn't end, and come back when some of it was written."""
    child = subprocess.Popen(
        [sys.executable, *program, "seal", "-r", TO, "-o", "target"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        preexec_fn=prepare,  # noqa: PLW1509 - only sets a limit or a signal
    )
    assert child.stdin is not None
    for _ in range(64):
        child.stdin.write(bytes(1 << 16))
    child.stdin.flush()
    return child


def heed_interrupts() -> None:
    """A shell has what it starts in the background ignore SIGINT, and children inherit that from the tests."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_killed_half_way_leaves_the_old_file_and_no_litter(folder: Path, sent: signal.Signals) -> None:
    (folder / "target").write_bytes(b"old")
    child = started(folder, heed_interrupts)
    child.send_signal(sent)
    child.wait(60)
    assert child.returncode != 0
    assert (folder / "target").read_bytes() == b"old"
    assert names(folder) == {"target"}
    child.communicate()


def threads_asleep(child: subprocess.Popen[bytes]) -> list[int]:
    """Wait until all threads of *child* wait for something; give their numbers, the main one first."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        states = {}
        for number in os.listdir(f"/proc/{child.pid}/task"):
            with contextlib.suppress(FileNotFoundError):
                stat_line = Path(f"/proc/{child.pid}/task/{number}/stat").read_text()
                states[int(number)] = stat_line.rpartition(")")[2].split()[0]
        if len(states) > 1 and set(states.values()) == {"S"}:
            return sorted(states, key=lambda number: number != child.pid)
    raise AssertionError("the threads never rest")


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="the threads of a process are seen in Linux's /proc")
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("program", [("-m", "zegel"), ("-c", WITHOUT_NAMELESS)], ids=["nameless", "named"])
def test_a_signal_that_the_main_thread_does_not_get_ends_it_too(
    folder: Path, sent: signal.Signals, program: Sequence[str]
) -> None:
    """CI once met a SIGTERM that came just before the main thread began to wait: it waited on, for its silent pipe."""
    (folder / "target").write_bytes(b"old")
    child = started(folder, heed_interrupts, program=program)
    os.kill(threads_asleep(child)[-1], sent)  # Linux gives it to that thread if it can
    assert child.wait(60) == 128 + sent
    assert (folder / "target").read_bytes() == b"old"
    assert names(folder) == {"target"}
    child.communicate()


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="the threads of a process are seen in Linux's /proc")
@pytest.mark.parametrize("taken", [1 << 20, 2 << 20, 3 << 20])
def test_killed_while_its_reader_sleeps(folder: Path, taken: int) -> None:
    """A thread that writes to a full pipe can't be called back; which one that is depends on how much was taken."""
    (folder / "plain").write_bytes(bytes(16 << 20))
    read, write = os.pipe()
    child = subprocess.Popen(command("seal", "-r", TO, "plain"), stdout=write, cwd=folder)
    os.close(write)
    while taken > 0:
        taken -= len(os.read(read, min(taken, 1 << 16)))
    threads_asleep(child)
    child.terminate()
    assert child.wait(60) == 128 + signal.SIGTERM
    os.close(read)


def test_a_full_disk_half_way_leaves_the_old_file_and_no_litter(folder: Path) -> None:
    (folder / "target").write_bytes(b"old")
    (folder / "plain").write_bytes(bytes(4 << 20))
    ran = subprocess.run(
        command("seal", "-r", TO, "-o", "target", "plain"),
        capture_output=True,
        cwd=folder,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)),
    )
    assert ran.returncode == 1
    assert b"File too large" in ran.stderr
    assert (folder / "target").read_bytes() == b"old"
    assert names(folder) == {"target"}


def test_a_reader_that_had_enough_is_no_error_to_talk_about(folder: Path) -> None:
    (folder / "plain").write_bytes(bytes(8 << 20))
    with subprocess.Popen(
        command("seal", "-r", TO, "plain"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.read(10)
        child.stdout.close()
        assert child.stderr.read() == b""
    assert child.returncode == 128 + signal.SIGPIPE


def on_terminal(folder: Path, *arguments: str, answers: tuple[str, ...] = ()) -> tuple[int, str]:
    """Run a command on a terminal; type the answers, one at each prompt; give status and all that was shown."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execv(sys.executable, command(*arguments))
    shown, left = b"", list(answers)
    while select.select([terminal], [], [], 20)[0]:
        try:
            piece = os.read(terminal, 10_000)
        except OSError:
            break
        shown += piece
        if left and piece.endswith(b": "):  # only this piece: an answer that comes before its prompt is thrown away
            os.write(terminal, left.pop(0).encode() + b"\n")
    else:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), shown.decode("utf-8", "replace").replace("\r\n", "\n")


def test_binary_is_not_sent_to_a_terminal(folder: Path) -> None:
    status, shown = on_terminal(folder, "seal", "-r", TO, "key")
    assert status == 1
    assert "Binary does not go to the terminal" in shown
    assert "age-encryption.org" not in shown
    assert on_terminal(folder, "seal", "-r", TO, "-a", "key")[1].startswith("-----BEGIN AGE")
    assert "age-encryption.org/v1" in on_terminal(folder, "seal", "-r", TO, "-o", "-", "key")[1]


def test_only_text_is_opened_to_a_terminal(folder: Path) -> None:
    for plain, fine in ((b"h\xc3\xa9 \t\n", True), (b"\x1b]0;owned\x07", False), (b"\xff\xfe", False), (b"\0", False)):
        (folder / "sealed").write_bytes(seal(plain, IDENTITY.recipient))
        status, shown = on_terminal(folder, "open", "-i", "key", "sealed")
        assert (status == 0) == fine
        assert ("This is not text" in shown) != fine
        assert "\x1b" not in shown


@pytest.mark.slow
def test_passphrases_are_asked_twice_and_not_shown(folder: Path) -> None:
    arguments = ("seal", "-p", "-o", "sealed", "plain")
    status, shown = on_terminal(folder, *arguments, answers=("correct horse", "correct horse"))
    assert status == 0
    assert "correct horse" not in shown
    status, shown = on_terminal(folder, "open", "-o", "opened", "sealed", answers=("correct horse",))
    assert status == 0
    assert (folder / "opened").read_bytes() == (folder / "plain").read_bytes()
    status, shown = on_terminal(folder, *arguments, answers=("one", "two"))
    assert status == 1
    assert "not the same" in shown


def test_an_empty_answer_gets_a_passphrase_made(folder: Path) -> None:
    status, shown = on_terminal(folder, "seal", "-p", "-o", "sealed", "plain", answers=("",))
    assert status == 0
    (folder / "pass").write_text(shown.split("autogenerated passphrase: ")[1].split("\n")[0])
    ran = zegel("open", "--passphrase-file", "pass", "sealed", cwd=folder)
    assert ran.stdout == (folder / "plain").read_bytes()


def test_keygen_writes_what_age_keygen_writes(folder: Path) -> None:
    for flags, prefix in ((("--classic",), "age1"), ((), "age1pq1"), (("-pq",), "age1pq1")):
        ran = zegel("keygen", *flags)
        created, public, secret = ran.stdout.decode().splitlines()
        assert created.startswith("# created: 20")
        identity = parse_identity(secret)
        assert public == f"# public key: {getattr(identity, 'recipient')}"  # noqa: B009
        assert public.split()[-1].startswith(prefix)
        assert ran.stderr.decode() == f"Public key: {public.split()[-1]}\n"
    assert zegel("keygen", "-o", "new", cwd=folder).returncode == 0
    assert stat.S_IMODE((folder / "new").stat().st_mode) == 0o600
    shown = zegel("keygen", "-y", "new", cwd=folder).stdout.decode()
    assert shown in zegel("keygen", "-y", data=(folder / "new").read_bytes()).stdout.decode()


def test_inspect_agrees_with_age_inspect(folder: Path) -> None:
    inspect = peers.stock_age(hybrid=True)[-1].with_name("age-inspect")
    pq = HybridIdentity.generate().recipient
    for sealed in (seal(b"text", pq), seal(bytes(200_000), IDENTITY.recipient), seal(b"", ScryptRecipient("x", 4))):
        for form in (sealed, armor(sealed)):
            ours = zegel("inspect", "--json", data=form).stdout
            theirs = subprocess.run([inspect, "--json"], input=form, capture_output=True, check=True).stdout
            assert ours == theirs
    (folder / "sealed").write_bytes(sealed)
    assert "sealed is an age file" in zegel("inspect", "sealed", cwd=folder).stdout.decode()


def test_no_bar_for_a_script_and_nothing_heavy_at_the_start(folder: Path) -> None:
    (folder / "sealed").write_bytes(seal(b"text", IDENTITY.recipient))
    code = [sys.executable, "-X", "importtime", "-m", "zegel", "open", "-i", "key", "sealed"]
    ran = subprocess.run(code, capture_output=True, text=True, cwd=folder, check=True)
    assert ran.stdout == "text"
    assert all(line.startswith("import time:") for line in ran.stderr.splitlines())
    loaded = {line.rpartition("|")[2].strip() for line in ran.stderr.splitlines()}
    assert "zegel.seal" in loaded
    heavy = {"rich", "typer", "click", "django", "asyncio", "httpx", "dns", "ssl", "multiprocessing"}
    heavy |= {"shutil", "dataclasses", "bz2", "lzma"}
    assert not loaded & heavy
    assert not any(name.endswith("serialization.ssh") for name in loaded)


@pytest.mark.parametrize("columns", ["60", "many", None])
def test_help_fits_the_screen(columns: str | None) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    environment |= {"COLUMNS": columns} if columns else {}
    ran = subprocess.run(command("seal", "--help"), capture_output=True, text=True, env=environment, check=True)
    assert max(map(len, ran.stdout.splitlines())) <= (60 if columns == "60" else 80)


def test_what_is_said_arrives_when_nobody_listens_any_more(folder: Path) -> None:
    assert zegel("seal", "-r", TO, "-o", "sealed", "plain", cwd=folder).returncode == 0
    with open("/dev/full", "wb") as full:
        ran = subprocess.run(command("inspect", "sealed"), stdout=full, stderr=subprocess.PIPE, cwd=folder, check=False)
    assert ran.returncode == 1
    assert b"No space left" in ran.stderr

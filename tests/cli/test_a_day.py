"""The day of an administrator, a sender and a reader, on the command line, against running processes."""

import hashlib
import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import COMMAND, SENDER, Zegel, make_zegel, wait_for
from tests.ground.ports import listens

pytestmark = pytest.mark.slow


def send(zegel: Zegel, *more: str, local: bool = False) -> str:
    arguments = ["send", "--to", "j.dejong@example.net", "--subject", "Beschikking", "--body", "Geachte mevrouw", *more]
    done = zegel.run(*arguments, "--from", SENDER) if local else zegel.at_server(*arguments)
    assert done.code == 0, done.err
    return done.out.strip()


@pytest.mark.parametrize("local", [True, False], ids=["data-folder", "server"])
def test_sent_and_collected(zegel: Zegel, tmp_path: Path, local: bool) -> None:
    attachment = tmp_path / "groot.bin"
    attachment.write_bytes(os.urandom(40 * 1024 * 1024 + 7))
    before = len(zegel.mails())
    parcel = send(zegel, "--proof", "code:Klant 12", "--attach", str(attachment), "--attach", __file__, local=local)
    got = zegel.run("collect", zegel.link(before), "--code", "klant12", "-o", str(tmp_path / "got"))
    assert got.code == 0, got.err
    assert "signed by Gemeente Voorbeeld" in got.err
    for original in (attachment, Path(__file__)):
        assert digest(tmp_path / "got" / original.name) == digest(original)
    status = zegel.at_server("status", parcel)
    assert "downloaded" in status.out


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_code_by_sms_is_asked_for(zegel: Zegel, tmp_path: Path) -> None:
    before, codes = len(zegel.mails()), len(zegel.codes())
    send(zegel, "--proof", "sms:+31612345642")
    command = [*COMMAND, "collect", zegel.link(before), "-o", str(tmp_path)]
    reader = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: len(zegel.codes()) > codes)
    out, err = reader.communicate(zegel.codes()[-1] + "\n", timeout=120)
    assert reader.returncode == 0, err
    assert "ends in 42" in err
    assert "Geachte mevrouw" in Path(out.splitlines()[0]).read_text()


def test_a_wrong_code_and_a_broken_link(zegel: Zegel, tmp_path: Path) -> None:
    before = len(zegel.mails())
    send(zegel, "--proof", "code:geheim")
    link = zegel.link(before)
    wrong = zegel.run("collect", link, "--code", "gehein", "-o", str(tmp_path))
    assert (wrong.code, wrong.out) == (3, "")
    assert "not right" in wrong.err
    cut = zegel.run("collect", link[:-1], "--code", "geheim", "-o", str(tmp_path))
    assert cut.code == 1
    assert "not complete" in cut.err
    other = zegel.run("collect", link[:-8] + "AAAAAAAA", "--code", "geheim", "-o", str(tmp_path))
    assert other.code in (1, 3)
    gone = zegel.run("collect", re.sub("/o/.{26}", "/o/" + "a" * 26, link), "-o", str(tmp_path))
    assert gone.code == 4
    assert not list(tmp_path.iterdir())
    assert link.partition("#")[2] not in wrong.err + cut.err + other.err + gone.err


def test_files_are_never_overwritten(zegel: Zegel, tmp_path: Path) -> None:
    before = len(zegel.mails())
    (tmp_path / "message.txt").write_text("mine")
    send(zegel, "--proof", "mail")
    assert zegel.run("collect", zegel.link(before), "-o", str(tmp_path)).code == 0
    assert (tmp_path / "message.txt").read_text() == "mine"
    assert "Geachte" in (tmp_path / "message (2).txt").read_text()


def test_revoked_for_one_and_for_all(zegel: Zegel, tmp_path: Path) -> None:
    before = len(zegel.mails())
    parcel = send(zegel, "--proof", "mail", "--cc", "b@example.net")
    wait_for(lambda: len(zegel.mails()) == before + 2)
    assert zegel.at_server("revoke", parcel, "--reader", "b@example.net").code == 0
    opened = [zegel.run("collect", zegel.link(before + i), "-o", str(tmp_path / str(i))).code for i in range(2)]
    assert sorted(opened) == [0, 4]
    assert zegel.at_server("expiry", parcel, "60d").code == 0
    assert zegel.at_server("revoke", parcel).code == 0
    assert zegel.at_server("expiry", parcel, "60d").code == 1
    assert "revoked" in zegel.at_server("status", parcel).out


def test_an_export_opens_with_the_claim(zegel: Zegel, tmp_path: Path) -> None:
    before = len(zegel.mails())
    parcel = send(zegel, "--proof", "mail", "--attach", __file__)
    link, folder = zegel.link(before), tmp_path / "export"
    done = zegel.run("export", "--parcel", parcel, "--for", "j.dejong@example.net", str(folder))
    assert done.code == 0, done.err
    key = zegel.run("claim", link, "--share", str(folder / "release-share.txt")).out
    (tmp_path / "key.txt").write_text(key)
    parcel_key = str(tmp_path / "parcel.txt")
    slip = zegel.run("open", "-i", str(tmp_path / "key.txt"), "-o", parcel_key, str(folder / "slip.age"))
    assert slip.code == 0, slip.err
    blobs = json.loads((folder / "parcel.json").read_text())["blobs"]
    opened = zegel.run("open", "-i", parcel_key, str(folder / "blobs" / f"{blobs[1]}.age"))
    assert opened.out == Path(__file__).read_text()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--proof", "digid"], "unknown"),
        (["--proof", "sms:0612"], "telephone"),
        ([], "--proof"),
        (["--proof", "mail", "--proof", "mail"], "one for each"),
        (["--proof", "mail", "--expires", "2020-01-01"], "past"),
        (["--proof", "mail", "--expires", "gisteren"], "period"),
        (["--proof", "mail", "--attach", "/does/not/exist"], "no file"),
        (["--proof", "mail", "--to", "geen adres"], "not a mail address"),
        (["--proof", "mail", "--language", "fr"], "language"),
    ],
)
def test_nonsense_gets_one_clear_line(zegel: Zegel, arguments: list[str], says: str) -> None:
    done = zegel.at_server("send", "--to", "a@example.net", "--subject", "x", *arguments)
    assert (done.code, done.out) == (1, "")
    assert says in done.err
    assert len(done.err.splitlines()) == 1


def test_errors_come_in_the_language_of_the_terminal(zegel: Zegel) -> None:
    done = zegel.run("collect", "https://x.example/", env={"LANGUAGE": "nl"})
    assert done.code == 1
    assert "link" in done.err
    assert done.err != zegel.run("collect", "https://x.example/").err


def test_a_bad_token_is_denied(zegel: Zegel) -> None:
    done = zegel.run("status", "--server", zegel.url, env={"ZEGEL_TOKEN": "zgl_niets"})
    assert done.code == 3


def test_a_server_that_is_away_is_said_so(zegel: Zegel) -> None:
    done = zegel.run("status", "--server", "http://127.0.0.1:9", env={"ZEGEL_TOKEN": zegel.token})
    assert done.code == 5
    assert "does not answer" in done.err


def test_the_audit_log_is_whole_and_tells_of_everything(zegel: Zegel) -> None:
    parcel = send(zegel, "--proof", "mail", local=True)
    verified = zegel.run("audit", "verify")
    assert verified.code == 0
    shown = [json.loads(line) for line in zegel.run("audit", "show", "--subject", parcel).out.splitlines()]
    assert [entry["event"] for entry in shown] == ["parcel:deposited"]
    assert zegel.run("audit", "verify", "--head", verified.out.strip()).code == 0
    number, _, _ = verified.out.partition(":")
    assert zegel.run("audit", "verify", "--head", f"{number}:{'0' * 64}").code == 6


def test_no_secret_stands_in_the_arguments_of_any_process(zegel: Zegel) -> None:
    for line in subprocess.run(["ps", "-wweo", "args"], capture_output=True, text=True, check=True).stdout.splitlines():
        assert zegel.token not in line


def test_two_zegels_do_not_share_a_folder(zegel: Zegel) -> None:
    done = zegel.run("init", "--organisation", "X", "--url", "https://x.example", "--mail-from", "a@x.example")
    assert done.code == 1
    assert "not empty" in done.err


def test_a_role_that_dies_is_started_again_and_all_end_together(tmp_path: Path) -> None:
    zegel = make_zegel(tmp_path)
    zegel.start()
    assert zegel.process is not None
    children = subprocess.run(
        ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(zegel.process.pid)], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    roles = {line.rsplit(maxsplit=1)[1]: int(line.split(maxsplit=1)[0]) for line in children}
    assert set(roles) == {"outside", "tidy", "inside", "smtp", "courier"}
    os.kill(roles["courier"], signal.SIGKILL)
    send(zegel, "--proof", "mail")
    assert zegel.link()
    assert zegel.stop() == 0
    assert not any(listens(zegel.port + offset) for offset in range(3))


def test_roles_end_when_their_watcher_is_killed(tmp_path: Path) -> None:
    zegel = make_zegel(tmp_path)
    zegel.start()
    assert zegel.process is not None
    zegel.process.kill()
    zegel.process.wait()
    wait_for(lambda: not any(listens(zegel.port + offset) for offset in range(3)))


def test_the_outside_needs_no_private_key(tmp_path: Path) -> None:
    zegel = make_zegel(tmp_path)
    (zegel.data / "keys").rename(tmp_path / "elsewhere")
    command = [*COMMAND, "serve", "--data", str(zegel.data), "--role", "outside"]
    outside = subprocess.Popen(command, start_new_session=True)
    try:
        wait_for(lambda: listens(zegel.port))
        assert zegel.at_server("status").code == 0
        assert zegel.run("send", "--from", SENDER, "--to", "a@x.example", "--subject", "x", "--proof", "mail").code == 4
    finally:
        outside.terminate()
        outside.wait(60)

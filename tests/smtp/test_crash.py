"""Killed at every step between the first byte of DATA and the 250: what was acknowledged is there, whole."""

import contextlib
import json
import signal
import subprocess
import sys
from email import policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.smtp.ground import PASSWORD, READER, SENDER
from tests.smtp.wire import Wire

_ROOT = Path(__file__).resolve().parents[2]
_LOOK = """
import json, sys
from pathlib import Path
from zegel.wiring.build import build
from zegel.wiring.ground import configure_django, open_ground
ground = open_ground(Path(sys.argv[1]))
configure_django(ground, "outside")
house = build(ground, "outside")
found = {}
for parcel in house.records.parcels_of(sys.argv[2], limit=1000):
    blobs = house.records.blobs_of(parcel.parcel)
    found[parcel.parcel] = [[blob.size, house.store.size(blob.blob)] for blob in blobs]
print(json.dumps([found, house.records.count_outbox()["waiting"]]))
"""


def _python(*arguments: object, **more: object) -> str:
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=_ROOT, check=False, **more)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "zegel"
    _python(
        "-m", "zegel", "init", "--organisation", "Gemeente Voorbeeld", "--url", "http://127.0.0.1:8025",
        "--mail-from", "post@voorbeeld.example", "--data", folder,
    )  # fmt: skip
    secret = tmp_path / "password"
    secret.write_text(PASSWORD)
    _python("-m", "zegel", "user", "add", SENDER, "--name", "Zorg", "--password-file", secret, "--data", folder)
    return folder


def _mail(message_id: str = "") -> bytes:
    mail = EmailMessage()
    if message_id:
        mail["Message-ID"] = message_id
    mail["From"] = SENDER
    mail["To"] = READER
    mail["Subject"] = "Beschikking"
    mail.set_content("tekst")
    mail.add_attachment(bytes(range(256)) * 2000, maintype="application", subtype="pdf", filename="a.pdf")
    return mail.as_bytes(policy=policy.SMTP)


def _send_to_child(data: Path, step: str, count: int, mails: int, raw: bytes = b"") -> list[str]:
    """Send until the child dies, as it must; returns the parcels it acknowledged."""
    command = [sys.executable, "-m", "tests.smtp.crash_child", str(data), step, str(count)]
    acknowledged = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=_ROOT) as child:
        try:
            assert child.stdout is not None
            port = int(child.stdout.readline())
            with contextlib.suppress(ConnectionError), Wire(port) as wire:
                wire.login()
                for _ in range(mails):
                    reply = wire.deliver(raw or _mail())
                    if not reply.startswith("250 "):
                        break
                    acknowledged.append(reply.split()[-1])
            assert child.wait(60) == -signal.SIGKILL
        finally:
            child.kill()
    return acknowledged


def _look(data: Path) -> dict[str, list[list[int]]]:
    """All parcels, each with [recorded size, size in the store] of its blobs."""
    parcels, waiting = json.loads(_python("-c", _LOOK, data, SENDER))
    assert waiting == len(parcels)
    for blobs in parcels.values():
        assert len(blobs) == 2
        assert all(recorded == stored for recorded, stored in blobs)
    return dict(parcels)


@pytest.mark.slow
def test_a_kill_at_every_step_leaves_a_whole_parcel_or_none(data: Path) -> None:
    before = ["write", "write-done", "commit", "commit-done", "deposit"]
    for step in before:
        assert not _send_to_child(data, step, 2 if step.startswith(("write", "commit")) else 1, 1)
    assert not _look(data)
    # From here on it is durable, though the client does not know it: it will send the mail again (RFC 1047).
    for step in ("deposit-done", "reply"):
        assert not _send_to_child(data, step, 1, 1)
    assert len(_look(data)) == 2


@pytest.mark.slow
def test_a_mail_that_is_sent_again_is_the_first_parcel(data: Path) -> None:
    raw = _mail("<beschikking-1@voorbeeld.example>")
    assert not _send_to_child(data, "reply", 1, 1, raw)
    (parcel,) = _look(data)
    assert _send_to_child(data, "reply", 3, 3, raw) == [parcel, parcel]
    assert list(_look(data)) == [parcel]
    # What was stored for the repeats is gone.
    assert len([path for path in (data / "store" / "blobs").rglob("*") if path.is_file()]) == 2


@pytest.mark.slow
def test_a_kill_in_a_row_of_mails_loses_none_that_was_acknowledged(data: Path) -> None:
    acknowledged = _send_to_child(data, "write", 30, 50) + _send_to_child(data, "deposit-done", 9, 50)
    parcels = _look(data)
    assert len(acknowledged) >= 10
    assert set(acknowledged) <= set(parcels)
    assert len(parcels) - len(acknowledged) <= 2

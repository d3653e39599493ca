"""What comes back about a notice reaches its sender: ``zegel serve`` between real mail servers, nothing called by hand.

``bench/told.py`` measures how long that takes.
"""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import SENDER, Zegel, wait_for
from tests.ground.databases import missing
from tests.ground.ports import free_port
from tests.ground.sending_postfix import sending_postfix
from tests.ground.served import make_served, served
from tests.outbox.sink import sink

pytestmark = pytest.mark.slow

READER = "wie@example.net"
AWAY = """\
From: Wie <{reader}>
To: <{to}>
Subject: Automatisch antwoord: Beveiligd bericht
Auto-Submitted: auto-replied (vacation)
Message-ID: <weg@example.net>

Ik ben er tot maandag niet.
"""


def _send(zegel: Zegel) -> str:
    done = zegel.at_server("send", "--to", READER, "--subject", "Geheim-XYZZY", "--body", "x", "--proof", "mail")
    assert done.code == 0, done.err
    return done.out.strip()


def _events(zegel: Zegel) -> list[str]:
    return [json.loads(line)["event"] for line in zegel.run("audit", "show").out.splitlines()]


def _swaks(port: int, *more: str) -> None:
    program = shutil.which("swaks")
    if program is None:
        missing("swaks")
    command = [program, "--server", f"127.0.0.1:{port}", "--helo", "mx.example.net", *more]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_bounce_by_postfix_makes_her_unreached_and_tells_the_sender(tmp_path: Path) -> None:
    incoming = free_port()
    with sink() as away, sink() as desk:
        away.rcpt = "550 5.1.1 no such user: private words"
        # The sender has a mailbox; what else is for our domain is for Zegel's listener for strangers.
        ways = {SENDER: desk.port, "voorbeeld.example": incoming}
        transport = ", ".join(f"{name}=smtp:[localhost]:{port}" for name, port in ways.items())
        with sending_postfix(away.port, transport_maps=f"inline:{{ {transport} }}") as postfix:
            zegel = make_served(tmp_path, postfix.port, incoming)
            with served(zegel, incoming):
                parcel = _send(zegel)
                wait_for(lambda: desk.mails)
                assert "unreached" in zegel.at_server("status", parcel).out
                assert _events(zegel).count("reader:unreached") == 1
    ((sender, (to,), report),) = desk.mails
    assert (sender, to) == ("<>", SENDER)
    assert f"Final-Recipient: rfc822; {READER}".encode() in report
    assert b"Action: failed" in report
    assert b"Status: 5.1.1" in report
    assert b"XYZZY" not in report
    assert b"private words" not in report


def test_an_answer_by_a_machine_is_known_as_hers_and_told(tmp_path: Path) -> None:
    incoming = free_port()
    with sink() as server:
        zegel = make_served(tmp_path, server.port, incoming)
        with served(zegel, incoming):
            parcel = _send(zegel)
            wait_for(lambda: server.mails)
            ((address, _, _),) = server.mails
            path = tmp_path / "away.eml"
            path.write_text(AWAY.format(reader=READER, to=address))
            _swaks(incoming, "--from", "<>", "--to", address, "--data", f"@{path}")
            # The 250 came after it was recorded.
            assert _events(zegel).count("reader:autoreplied") == 1
            assert "announced" in zegel.at_server("status", parcel).out
            wait_for(lambda: len(server.mails) == 2)
    _, (to,), told = server.mails[1]
    assert to == SENDER
    assert f"Automatisch antwoord: {READER}".encode() in told
    assert b"maandag" not in told

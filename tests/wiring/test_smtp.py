"""``[smtp]`` and ``[[smtp.listener]]``: what the door is told, what is refused, and two processes on one port."""

import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from tests.ground.ports import free_port
from tests.smtp.ground import READER, SENDER
from tests.smtp.test_crash import _ROOT, data
from tests.smtp.wire import Wire
from tests.wiring.test_patches import REST
from zegel.errors import Mistake
from zegel.parcels.limits import Limits
from zegel.wiring.config.file import check_config
from zegel.wiring.ground import Ground
from zegel.wiring.smtp import door_config

__all__ = ["data"]


def _config(text: str, folder: Path = Path("/srv/zegel")):
    ground = Ground(folder, check_config(tomllib.loads(REST + text), folder / "zegel.toml"))
    return door_config(ground, Limits().readers)


def test_without_listeners_there_is_one_for_submission() -> None:
    config = _config("")
    (listener,) = config.listeners
    assert (listener.kind, listener.host, listener.port, listener.tls) == ("submission", "127.0.0.1", 8587, "none")
    assert not config.share_ports


def test_listeners_of_every_kind() -> None:
    config = _config("""
[smtp]
listen = "[::]:587"
certificate = "mail.pem"
key = "mail.key"
processes = 2
[[smtp.listener]]
kind = "submission"
listen = "0.0.0.0:465"
tls = "implicit"
[[smtp.listener]]
kind = "relay"
listen = "10.0.0.5:25"
networks = ["10.0.0.0/8", "2001:db8::/32"]
client_ca = "ca.pem"
client_names = ["mx.voorbeeld.example"]
client_mails = 600
[[smtp.listener]]
kind = "incoming"
listen = "0.0.0.0:25"
""")
    first, second, relay, incoming = config.listeners
    assert (first.host, first.port, first.tls) == ("::", 587, "starttls")
    assert first.certificate == second.certificate == Path("/srv/zegel/mail.pem")
    assert (second.port, second.tls) == (465, "implicit")
    assert [str(network) for network in relay.networks] == ["10.0.0.0/8", "2001:db8::/32"]
    assert relay.client_ca == Path("/srv/zegel/ca.pem")
    assert relay.limits
    assert relay.limits.client_mails == 600
    assert incoming.limits
    assert incoming.limits.recipients == 20
    assert config.share_ports


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('[[smtp.listener]]\nkind = "relay"\nlisten = "127.0.0.1:25"', "open-relay"),
        ('[smtp]\nlisten = "0.0.0.0:587"', "smtp-needs-tls"),
        (
            '[[smtp.listener]]\nkind = "relay"\nlisten = "10.0.0.5:25"\nnetworks = ["10.0.0.0/8"]',
            "smtp-needs-tls",
        ),
        (
            '[[smtp.listener]]\nkind = "relay"\nlisten = "127.0.0.1:25"\nnetworks = ["10.0.0.1/8"]',
            "bad-config",
        ),
        ('[[smtp.listener]]\nkind = "relay"\nlisten = "127.0.0.1"\nnetworks = ["10.0.0.0/8"]', "bad-config"),
        ('[[smtp.listener]]\nkind = "open"\nlisten = "127.0.0.1:25"', "bad-config"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(text: str, kind: str) -> None:
    with pytest.raises(Mistake) as refused:
        _config(text)
    assert refused.value.kind == kind


@pytest.mark.slow
def test_two_processes_share_a_port_and_one_that_dies_is_started_again(data: Path) -> None:
    toml = data / "zegel.toml"
    text = toml.read_text()
    port = next(line for line in text.splitlines() if line.startswith("listen") and ":8027" in line)
    free = free_port()
    toml.write_text(text.replace(port, f'listen = "127.0.0.1:{free}"\nprocesses = 2\ndefault_proof = "mail"'))
    command = [sys.executable, "-m", "zegel", "serve", "--role", "smtp", "--data", str(data)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, cwd=_ROOT) as group:
        try:
            doors = _wait_for_doors(group.pid, free)
            assert _send(free).startswith("250")
            victim = min(doors)
            os.kill(victim, signal.SIGKILL)
            while victim in _wait_for_doors(group.pid, free):
                pass
            assert _send(free).startswith("250")
        finally:
            group.terminate()
        assert group.wait(120) == 0


def _send(port: int) -> str:
    with Wire(port) as wire:
        return wire.login().deliver(f"From: {SENDER}\r\nTo: {READER}\r\n\r\nx\r\n".encode())


def _children(pid: int) -> set[int]:
    return {int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def _wait_for_doors(pid: int, port: int) -> set[int]:
    """Until two children of the group listen on the port."""
    wanted = f"0100007F:{port:04X}"
    while True:
        sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
        inodes = {line[9] for line in sockets if line[1] == wanted and line[3] == "0A"}
        found = {child for child in _children(pid) if inodes & _inodes(child)}
        if len(found) == 2:
            return found
        time.sleep(0.05)


def _inodes(pid: int) -> set[str]:
    try:
        links = [os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return set()
    return {link[8:-1] for link in links if link.startswith("socket:[")}

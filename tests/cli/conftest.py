"""A whole Zegel as an administrator starts one: ``zegel init``, ``zegel user add``, ``zegel serve``."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from pathlib import Path

import httpx
import pytest

from tests.ground.ports import free_ports, listens

SENDER = "zorg@voorbeeld.example"
PATIENCE = 120
COMMAND = (sys.executable, "-m", "zegel")


@dataclass
class Ran:
    """What a command said."""

    code: int
    out: str
    err: str


@dataclass
class Zegel:
    """A data folder, the command, and (once started) its processes."""

    data: Path
    port: int
    token: str = field(default="", repr=False)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def run(self, *arguments: str, stdin: str = "", env: dict[str, str] | None = None) -> Ran:
        """Run ``zegel`` with these arguments in this data folder, in English."""
        environment = {**os.environ, "ZEGEL_DATA": str(self.data), "LANGUAGE": "en", **(env or {})}
        command = [*COMMAND, *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, input=stdin, env=environment, timeout=120, check=False
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def at_server(self, *arguments: str, stdin: str = "") -> Ran:
        """The same from a machine that has only a URL and a token."""
        environment = {name: value for name, value in os.environ.items() if name != "ZEGEL_DATA"}
        environment |= {"ZEGEL_SERVER": self.url, "ZEGEL_TOKEN": self.token, "LANGUAGE": "en"}
        command = [*COMMAND, *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, input=stdin, env=environment, timeout=120, check=False
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def start(self) -> None:
        """``zegel serve``, and wait until its doors answer."""
        command = [*COMMAND, "serve", "--data", str(self.data)]
        self.process = subprocess.Popen(command, start_new_session=True)
        wait_for(lambda: answers(f"{self.url}/healthz") and listens(self.port + 1) and listens(self.port + 2))

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)

    def mails(self) -> list[str]:
        """The text of the notices so far, oldest first."""
        folder = self.data / "mail" / "new"
        paths = sorted(folder.iterdir(), key=lambda path: path.name) if folder.exists() else []
        mails = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in paths]
        return [mail.get_body(("plain",)).get_content() for mail in mails]  # type: ignore[union-attr]

    def link(self, number: int = -1) -> str:
        """The link in a notice; waits until it is there."""
        wanted = number + 1 if number >= 0 else 1
        wait_for(lambda: len(self.mails()) >= wanted)
        found = re.search(r"http\S+/o/\S+#\S+", self.mails()[number])
        assert found
        return found[0]

    def codes(self) -> list[str]:
        path = self.data / "sms.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [re.findall(r"\b\d{6}\b", json.loads(line)["text"])[0] for line in lines]


def ran(command: list[str], environment: dict[str, str], stdin: str) -> Ran:
    done = subprocess.run(
        command, capture_output=True, text=True, input=stdin, env=environment, timeout=120, check=False
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def wait_for(happened):  # type: ignore[no-untyped-def]
    """Poll a condition that other processes make true."""
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=30).status_code == 200
    except httpx.HTTPError:
        return False


def make_zegel(folder: Path, *more: str) -> Zegel:
    """``more`` are further arguments of ``zegel init``."""
    zegel = Zegel(folder / "zegel", free_ports(3))
    made = zegel.run(
        "init",
        "--organisation",
        "Gemeente Voorbeeld",
        "--url",
        zegel.url,
        "--mail-from",
        "post@voorbeeld.example",
        "--port",
        str(zegel.port),
        *more,
    )
    assert made.code == 0, made.err
    added = zegel.run("user", "add", SENDER, "--name", "Afdeling Zorg", stdin="niet-raden-123\n")
    assert added.code == 0, added.err
    zegel.token = added.out.strip()
    return zegel


@pytest.fixture(scope="module")
def zegel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zegel]:
    """A running Zegel, shared by the tests of a module."""
    made = make_zegel(tmp_path_factory.mktemp("running"))
    made.start()
    yield made
    made.stop()

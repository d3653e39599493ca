"""Numbered mails through restarts: ``python bench/mail_count.py --mails 20000 --database postgres``.

Two SMTP doors on one port take mails from several clients while one door after the other is killed with SIGKILL and
started again by its group. Clients send a mail again until they have a 250 for it, as mail servers do. In the end every
number has exactly one parcel: none is lost, none is there twice. ``tests/smtp/test_count.py`` does the same with fewer.
"""

import argparse
import asyncio
import base64
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.ground import COMMAND, READER, ROOT, SENDER, make_zegel, postgres, zegel
from tests.ground.ports import free_port

_LOOK = """
import json, sys
from pathlib import Path
from zegel.wiring.build import build
from zegel.wiring.ground import configure_django, open_ground
ground = open_ground(Path(sys.argv[1]))
configure_django(ground, "outside")
house = build(ground, "outside")
found, last = [], ""
while page := house.records.parcels_of(sys.argv[2], before=last, limit=1000):
    last = page[-1].parcel
    found += [[one.parcel, all(house.store.size(blob.blob) == blob.size for blob in house.records.blobs_of(one.parcel))]
              for one in page]
print(json.dumps([found, house.records.count_outbox()["waiting"], house.audit.verify(None).number]))
"""


@dataclass
class Found:
    """What came of it."""

    parcels: dict[int, str] = field(default_factory=dict)
    """Which parcel each number was acknowledged as."""
    kills: int = 0
    sent: int = 0
    """How often a mail was sent; more than there are numbers, by as many as had to be sent again."""
    seconds: float = 0


@dataclass(frozen=True)
class Doors:
    """A running group of doors; its children are the doors."""

    pid: int
    port: int
    token: str

    def kill_one(self) -> bool:
        """Kill the door that has lived longest, if there is one."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        if not children:
            return False
        os.kill(min(map(int, children)), signal.SIGKILL)
        return True


def make(data: Path, database: str) -> str:
    """Make a Zegel with one account; returns its token."""
    make_zegel(data, database)
    return zegel(data, "user", "add", SENDER, "--no-password").split()[-1]


@contextmanager
def doors(data: Path, token: str, processes: int = 2) -> Iterator[Doors]:
    """As many doors as asked for, on one port."""
    port = free_port()
    text = (data / "zegel.toml").read_text()
    part = f'[smtp]\nprocesses = {processes}\ndefault_proof = "mail"\nlisten = "127.0.0.1:{port}"\n#'
    (data / "zegel.toml").write_text(text.replace("[smtp]\n", part))
    command = [*COMMAND, "serve", "--role", "smtp", "--data", data]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, cwd=ROOT) as group:
        try:
            yield Doors(group.pid, port, token)
        finally:
            group.terminate()
            group.wait(60)


async def _send_all(doors: Doors, mails: int, sessions: int, every: int, found: Found) -> None:
    numbers = iter(range(mails))

    async def client() -> None:
        session: _Session | None = None
        for number in numbers:
            while number not in found.parcels:
                try:
                    if session is None:
                        session = await _Session.begin(doors)
                    found.sent += 1
                    parcel = await session.send(number)
                except (OSError, EOFError, asyncio.IncompleteReadError):
                    session = None
                    await asyncio.sleep(0.02)
                    continue
                if parcel:
                    found.parcels[number] = parcel
                    if len(found.parcels) % every == 0 and doors.kill_one():
                        found.kills += 1

    await asyncio.gather(*(client() for _ in range(sessions)))


class _Session:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self._reader, self._writer = reader, writer

    @classmethod
    async def begin(cls, doors: Doors) -> "_Session":
        made = cls(*await asyncio.open_connection("127.0.0.1", doors.port))
        await made._expect("220")
        secret = base64.b64encode(f"\0{SENDER}\0{doors.token}".encode()).decode()
        for line, code in (("EHLO client.example", "250"), (f"AUTH PLAIN {secret}", "235")):
            made._writer.write(f"{line}\r\n".encode())
            await made._expect(code)
        return made

    async def send(self, number: int) -> str:
        """Send one mail; returns its parcel, or nothing when it must be sent again."""
        self._writer.write(f"MAIL FROM:<{SENDER}>\r\nRCPT TO:<{READER}>\r\nDATA\r\n".encode())
        for code in ("250", "250", "354"):
            await self._expect(code)
        head = (
            f"From: {SENDER}\r\nTo: {READER}\r\nMessage-ID: <{number}@voorbeeld.example>\r\nSubject: {number}\r\n\r\n"
        )
        self._writer.write(head.encode() + b"Geachte mevrouw,\r\n" * 20 + b".\r\n")
        line = await self._reply()
        return line.split()[-1] if line.startswith("250 ") else ""

    async def _expect(self, code: str) -> None:
        line = await self._reply()
        if not line.startswith(code):
            raise EOFError(line)

    async def _reply(self) -> str:
        while True:
            line = (await self._reader.readuntil(b"\n")).decode()
            if line[3:4] != "-":
                return line


def count(data: Path, database: str, mails: int, every: int, sessions: int = 8) -> Found:
    """Send, kill, and compare what was acknowledged with what is there; raises AssertionError."""
    token = make(data, database)
    found = Found()
    with doors(data, token) as running:
        began = time.perf_counter()
        asyncio.run(_send_all(running, mails, sessions, every, found))
        found.seconds = time.perf_counter() - began
    done = subprocess.run(
        [sys.executable, "-c", _LOOK, data, SENDER], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    there, waiting, entries = json.loads(done.stdout)
    parcels = {parcel for parcel, _ in there}
    assert len(there) == len(parcels)
    assert set(found.parcels) == set(range(mails))
    assert set(found.parcels.values()) == parcels, "an acknowledged mail is lost, or one is there twice"
    assert len(parcels) == mails, "two mails became one parcel"
    assert all(whole for _, whole in there), "a parcel's blob is not there"
    assert waiting == mails, "a notice is missing, or there twice"
    assert entries >= mails
    return found


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--mails", type=int, default=20_000)
    asked.add_argument("--every", type=int, default=500, help="Kill a door each time so many were acknowledged.")
    asked.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        url = stack.enter_context(postgres()) if given.database == "postgres" else ""
        found = count(Path(folder) / "zegel", url, given.mails, given.every)
    print(f"{given.database}: {given.mails} mails, {found.kills} doors killed, {found.sent} sendings,", end=" ")
    print(f"{found.seconds:.0f} s: each number is there once")


if __name__ == "__main__":
    main()

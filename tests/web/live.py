"""The real processes, as ``zegel serve`` runs them, for what needs a server: sockets, threads, memory and logs."""

import mailbox
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from tests.ground.ports import free_ports
from zegel.journeys.read import Read
from zegel.journeys.submit import Message, Packing, ReaderWish, Submit
from zegel.parcels.claim import Link, read_link
from zegel.parcels.proofs import parse_proof
from zegel.peers.server import PeerServer, RemoteActor
from zegel.wiring.ground import utc_now

SENDER = "zorg@voorbeeld.example"
PASSWORD = "niet-te-raden-123"
_FOUND = """
import sys
from pathlib import Path
from zegel.wiring.build import build
from zegel.wiring.ground import open_ground
from zegel.wiring.founding import found
data, port, database, threads, sender, password = sys.argv[1:]
found(Path(data), organisation="Gemeente Voorbeeld", url=f"http://127.0.0.1:{port}", sender="post@voorbeeld.example",
      database=database, port=int(port))
file = Path(data) / "zegel.toml"
file.write_text(file.read_text().replace("[web]\\n", f"[web]\\nthreads = {threads}\\n"))
house = build(open_ground(Path(data)), "outside")
house.welcome.add(sender, "Afdeling Zorg", password)
print(house.welcome.new_token(sender, "test"))
"""


def wait_for(there: Callable[[], object], seconds: float = 120) -> None:
    """Return when it is there; looks often."""
    deadline = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)


@dataclass(repr=False)
class Live:
    """Running processes over one data folder."""

    data: Path
    url: str
    token: str
    processes: dict[str, "subprocess.Popen[bytes]"]

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    @property
    def inside(self) -> str:
        parts = urlsplit(self.url)
        return f"http://127.0.0.1:{(parts.port or 0) + 1}/inside/v1"

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", urlsplit(self.url).port or 0), timeout=60)

    def peer(self) -> PeerServer:
        return PeerServer(self.url, self.token)

    def packing(self) -> Packing:
        peer = self.peer()
        facts = peer.profile()
        submit = Submit(peer, peer, peer, facts.organisation, facts.courier, facts.archive, facts.limits, utc_now)
        return submit.begin(RemoteActor(*peer.me()))

    def send(self, proof: str = "mail", text: str = "Geachte", attachment: bytes = b"%PDF") -> Link:
        """Seal here, deposit there, and wait for the notice."""
        before = len(self.links())
        packing = self.packing()
        writer = packing.attachment("brief.pdf")
        writer.write(attachment)
        writer.close()
        wishes = (ReaderWish("j.dejong@example.net", parse_proof(proof)),)
        packing.finish(Message("Beschikking", text, wishes))
        wait_for(lambda: len(self.links()) > before)
        return self.links()[-1]

    def reading(self) -> Read:
        return Read(PeerServer(self.url))

    def links(self) -> list[Link]:
        """The links in the notices so far, oldest first."""
        if not (self.data / "mail" / "new").is_dir():
            return []
        paths = sorted((self.data / "mail" / "new").iterdir(), key=lambda path: path.name)
        found = []
        for path in paths:
            with path.open("rb") as file:
                body = mailbox.MaildirMessage(file).get_payload(0, decode=False)
            text = body.get_payload(decode=True).decode()  # type: ignore[union-attr]
            found.append(read_link(re.findall(r"https?://\S+/o/\S+#\S+", text)[0]))
        return found

    def codes(self) -> list[str]:
        file = self.data / "sms.jsonl"
        return re.findall(r"\b\d{6}\b", file.read_text()) if file.exists() else []

    def peak(self, role: str) -> int:
        """The most memory that the role's busiest process ever had, in MiB."""
        return max(_status(pid, "VmHWM") for pid in self._tree(self.processes[role].pid)) // 1024

    def _tree(self, pid: int) -> list[int]:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *(deeper for child in children for deeper in self._tree(int(child)))]

    def log(self, role: str) -> str:
        return (self.data / f"{role}.log").read_text()


def _status(pid: int, name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), flags=re.M)
    return int(found[1]) if found else 0


@contextmanager
def serving(folder: Path, database: str = "", threads: int = 16) -> Iterator[Live]:
    """Found a Zegel and run its outside, inside and courier."""
    port, data = free_ports(3), folder / "live"
    command = [sys.executable, "-c", _FOUND, data, port, database, threads, SENDER, PASSWORD]
    done = subprocess.run([str(part) for part in command], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    live = Live(data, f"http://127.0.0.1:{port}", done.stdout.strip(), {})
    try:
        for role in ("outside", "inside", "courier"):
            log = (data / f"{role}.log").open("wb")
            serve = [sys.executable, "-m", "zegel", "serve", "--data", str(data), "--role", role]
            live.processes[role] = subprocess.Popen(serve, stdout=log, stderr=log, start_new_session=True)
        for number in (port, port + 1):
            wait_for(lambda number=number: _answers(f"http://127.0.0.1:{number}/healthz"))  # type: ignore[misc]
        yield live
    finally:
        for process in live.processes.values():
            process.send_signal(signal.SIGTERM)
        for process in live.processes.values():
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=30).status_code == 200
    except httpx.TransportError:
        return False

"""Another organisation's Zegel, in processes of its own, behind a proxy that ends TLS; and what it sees of ours."""

import json
import re
import select
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from tests.ground.delivery import Certificates
from tests.ground.dovecot import Mailboxes
from tests.ground.ports import free_port
from zegel.keys.custody import PublicKeys

LMTP, PORTAL = "ander.test", "loket.test"
"""Mail domains of the other organisation: mailboxes at Dovecot, and in its portal."""
HOST = "post.ander.test"
PASSWORD = "niet-raden-456"
ADDRESS = "127.0.0.62"

_CONFIG = """
[smtp]
listen = ""

[direct]
enabled = true
resolvers = ["{resolver}"]
authorities = "root.pem"

[peers]
hour_bytes = 50000000

[[mailbox]]
domains = ["{lmtp}"]
deliver = "lmtp"
host = "127.0.0.1"
port = {port}
authorities = "root.pem"
name = "box.{lmtp}"

[[mailbox]]
domains = ["{portal}"]
deliver = "portal"
"""


_FOUND = """
import sys
from pathlib import Path
from zegel.wiring.build import build
from zegel.wiring.ground import open_ground
from zegel.wiring.founding import found
data, url, sender, account, password = sys.argv[1:]
found(Path(data), organisation="Gemeente Ander", url=url, sender=sender)
build(open_ground(Path(data)), "outside").welcome.add(account, "Balie", password)
"""


@dataclass
class Front:
    """A proxy that ends TLS and notes every octet that passed inside it; ``cut`` ends connections instead."""

    port: int
    seen: list[bytes] = field(default_factory=list)
    cut: bool = False


@contextmanager
def tls_front(address: str, port: int, certificates: Certificates, target: int) -> Iterator[Front]:
    """Listen on ``address:port``, pass everything on to a port of this machine."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.chain, certificates.key)
    front, threads = Front(port), []
    ending = threading.Event()

    def serve(raw: socket.socket) -> None:
        with suppress(OSError), raw:
            raw.settimeout(30)
            with closing(context.wrap_socket(raw, server_side=True)) as near:
                if front.cut:
                    return
                with socket.create_connection(("127.0.0.1", target), timeout=30) as far:
                    _pump(near, far, front, ending)

    with socket.create_server((address, port)) as listener:
        listener.settimeout(0.1)

        def accept() -> None:
            while not ending.is_set():
                with suppress(TimeoutError):
                    raw, _ = listener.accept()
                    thread = threading.Thread(target=serve, args=(raw,))
                    thread.start()
                    threads.append(thread)

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield front
        finally:
            ending.set()
            accepting.join()
            for thread in threads:
                thread.join()


def _pump(near: ssl.SSLSocket, far: socket.socket, front: Front, ending: threading.Event) -> None:
    while not ending.is_set():
        # What TLS has decrypted already is not seen by select.
        ready = [near] if near.pending() else select.select([near, far], [], [], 0.1)[0]
        for one in ready:
            data = one.recv(65536)
            if not data:
                return
            if one is near:
                front.seen.append(data)
                far.sendall(data)
            else:
                near.sendall(data)


@contextmanager
def published(address: str, port: int, certificates: Certificates, said: dict[str, bytes]) -> Iterator[None]:
    """A server that has one file, ``/.well-known/zegel``: what ``said["profile"]`` is at the moment."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = said["profile"] if self.path == "/.well-known/zegel" else b""
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            with tls_front(address, port, certificates, server.server_address[1]):
                yield
        finally:
            server.shutdown()
            thread.join()


@dataclass
class OtherZegel:
    """``port`` is where it is reached over TLS."""

    data: Path
    port: int
    web: int
    inside: int
    dovecot: Mailboxes
    front: Front

    @property
    def fingerprint(self) -> str:
        return PublicKeys.read(self.data / "public.json").signing[0].fingerprint

    def stored(self) -> dict[str, bytes]:
        """Every sealed blob that it keeps, by name."""
        return {path.name: path.read_bytes() for path in (self.data / "store").rglob("*") if len(path.name) == 26}

    def await_text(self, address: str, words: bytes) -> int:
        """How many mails in a mailbox at Dovecot have these words, once one does."""
        end = time.monotonic() + 120
        while True:
            if found := [mail for mail in self.dovecot.mails(address) if words in mail]:
                return len(found)
            assert time.monotonic() < end, (self.data / "out").read_text()[-4000:]
            time.sleep(0.05)

    def await_told(self, words: str) -> list[bytes]:
        """Mails that it sent with these words in them, once there are any."""
        end = time.monotonic() + 120
        while True:
            folder = self.data / "mail" / "new"
            mails = [path.read_bytes() for path in folder.iterdir()] if folder.exists() else []
            if found := [mail for mail in mails if words.encode() in mail]:
                return found
            assert time.monotonic() < end, (self.data / "out").read_text()[-4000:]
            time.sleep(0.05)


def found_zegel(data: Path, port: int) -> tuple[str, int, int]:
    """Make its folder; returns its fingerprint, and the ports of its outside and inside."""
    web = free_port()
    subprocess.run(
        [sys.executable, "-c", _FOUND, data, f"https://{HOST}:{port}", f"post@{LMTP}", f"balie@{PORTAL}", PASSWORD],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    inside = free_port()
    config = data / "zegel.toml"
    text = config.read_text().replace('"127.0.0.1:8025"', f'"127.0.0.1:{web}"').replace("8026", str(inside))
    config.write_text(text)
    return PublicKeys.read(data / "public.json").signing[0].fingerprint, web, inside


@contextmanager
def inside(other: OtherZegel, address: str) -> Iterator[httpx.Client]:
    """A browser that has logged in at its inside web door."""
    with httpx.Client(base_url=f"http://127.0.0.1:{other.inside}", timeout=60, follow_redirects=True) as client:
        page = client.get("/login").text
        token = page.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
        form = {"csrfmiddlewaretoken": token, "address": address, "password": PASSWORD}
        done = client.post("/login", data=form, headers={"Origin": str(client.base_url)})
        assert done.status_code == 200, done.text
        yield client


def await_message(client: httpx.Client, parcel: str) -> dict[str, Any]:
    """Open the message of a parcel, once it is in the list; with its slip."""
    end, others = time.monotonic() + 120, set[str]()
    while True:
        for slip in set(re.findall(r'href="/received/([a-z2-7]{26})"', client.get("/received").text)) - others:
            page = client.get(f"/received/{slip}").text
            token = page.partition('data-token="')[2].partition('"')[0]
            headers = {"X-CSRFToken": token, "Origin": str(client.base_url)}
            opened = client.post(f"/inside/received/{slip}/open", headers=headers).json()
            if opened["parcel"] == parcel:
                return {"slip": slip, **opened}
            others.add(slip)
        assert time.monotonic() < end, client.get("/received").text
        time.sleep(0.1)


@contextmanager
def other_zegel(
    data: Path, port: int, web: int, inside: int, certificates: Certificates, dovecot: Mailboxes, resolver: str
) -> Iterator[OtherZegel]:
    """Run it: outside, courier and inside."""
    shutil.copy(certificates.authorities, data / "root.pem")
    config = data / "zegel.toml"
    told = [part for part in config.read_text().split("\n[") if not part.startswith("smtp]")]
    more = _CONFIG.format(port=dovecot.port, resolver=resolver, lmtp=LMTP, portal=PORTAL)
    config.write_text("\n[".join(told) + more)
    with ExitStack() as stack:
        out = stack.enter_context((data / "out").open("wb"))
        for role in ("outside", "courier", "inside"):
            command = [sys.executable, "-m", "zegel", "serve", "--data", data, "--role", role]
            process = subprocess.Popen(command, stdout=out, stderr=out)
            stack.callback(process.wait, 60)
            stack.callback(process.terminate)
        front = stack.enter_context(tls_front(ADDRESS, port, certificates, web))
        _await_reception(web, data / "out")
        yield OtherZegel(data, port, web, inside, dovecot, front)


def _await_reception(web: int, log: Path) -> None:
    end, url = time.monotonic() + 120, f"http://127.0.0.1:{web}/.well-known/zegel"
    while True:
        with suppress(httpx.HTTPError, json.JSONDecodeError):
            if "arrivals" in httpx.get(url, headers={"Host": HOST}, timeout=10).json():
                return
        assert time.monotonic() < end, log.read_text()[-4000:]
        time.sleep(0.1)

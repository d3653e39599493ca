"""A peer that is not what it should be: whatever it answers, it is tried again, or the reader gets a link."""

import gzip
import hashlib
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.ground.delivery import Certificates, make_certificates
from zegel.errors import Mistake, Unavailable
from zegel.parcels.addresses import Person
from zegel.parcels.arrivals import Arrival, Peer, Place, Said, Signed, spell_arrival
from zegel.parcels.deposit import Blob
from zegel.parcels.identifiers import to_text
from zegel.peers.arrivals import ArrivalPost

HOST = "post.ander.test"
DATA = b"age-encryption.org/v1\n" + b"x" * 1000
NOW = datetime(2026, 11, 25, tzinfo=UTC)


@dataclass
class Answering:
    """A server whose answers to the requests so far and the next are ``answers``, the last one again and again."""

    port: int
    answers: list[tuple[int, bytes]] = field(default_factory=list)
    location: str = ""
    packed: bool = False
    drips: bool = False
    """Whether it answers an octet at a time, for ever."""
    asked: list[str] = field(default_factory=list)


@contextmanager
def answering(certificates: Certificates) -> Iterator[Answering]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, body = found.answers[min(len(found.asked), len(found.answers) - 1)]
            found.asked.append(f"{self.command} {self.headers['Host']}{self.path}")
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            if found.packed:
                self.send_header("Content-Encoding", "gzip")
            if found.location:
                self.send_header("Location", found.location)
            self.end_headers()
            with suppress(OSError):
                while found.drips and not ending.wait(0.05):
                    self.wfile.write(b" ")
                self.wfile.write(body)

        do_PUT = do_GET = do_POST

        def log_message(self, *_: object) -> None:
            """Nothing."""

    ending = threading.Event()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.chain, certificates.key)

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A handshake that fails is the client's to tell."""

    with Server(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        found = Answering(server.server_port)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield found
        finally:
            ending.set()
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"), HOST)


@pytest.fixture
def server(certificates: Certificates) -> Iterator[Answering]:
    with answering(certificates) as found:
        yield found


BLOB = Blob(to_text(b"b" * 16), len(DATA), hashlib.sha256(DATA).hexdigest())
ARRIVAL = Arrival(
    to_text(b"p" * 16), to_text(b"s" * 16), "a@ander.test", Person("", "b@wij.test"), "b@wij.test", "post.wij.test",
    HOST, "mail", "7bit", 2, "nl", NOW, (BLOB,), b"age-encryption.org/v1\n",
)  # fmt: skip
OTHER = to_text(b"o" * 16).encode()
SAID = Said(spell_arrival(ARRIVAL), Signed("key", NOW, b"x" * 64, b"y" * 3309))


def hand_over(server: Answering, authorities: Path, host: str = HOST, *addresses: str, whole: float = 600) -> str:
    place = Place(Peer("x", HOST, (), None), host, server.port, ("key",), addresses or ("127.0.0.1",))
    try:
        ArrivalPost(authorities, 120, whole).deliver(place, ARRIVAL, SAID, lambda _: iter([DATA]))
    except (Unavailable, Mistake) as error:
        return f"later: {error.kind}" if isinstance(error, Unavailable) else error.kind
    return "taken"


def missing(**facts: Any) -> bytes:
    return json.dumps({"missing": {BLOB.blob: "a.b"}, "part_bytes": 65536, **facts}).encode()


STORED = json.dumps({"blob": BLOB.blob, "size": BLOB.size, "sha256": BLOB.sha256, "receipt": "c.d"}).encode()
NONE = missing(missing={})


def told(code: str) -> bytes:
    return json.dumps({"detail": "x", "code": code}).encode()


@pytest.mark.parametrize(
    ("answers", "becomes"),
    [
        ([(201, NONE)], "taken"),
        ([(202, missing()), (201, STORED), (201, NONE)], "taken"),
        ([(202, missing()), (201, STORED), (202, missing())], "later: peer-away"),
        ([(202, missing()), (201, STORED.replace(b'"size": 1022', b'"size": 1'))], "later: peer-away"),
        (
            [(202, missing()), (201, STORED.replace(BLOB.blob.encode(), OTHER))],
            "later: peer-away",
        ),
        ([(202, missing()), (403, told("not-announced"))], "peer-refused"),
        ([(202, missing(part_bytes=0))], "later: peer-away"),
        ([(202, missing(part_bytes=10**12))], "later: peer-away"),
        ([(202, missing(part_bytes="x"))], "later: peer-away"),
        ([(202, missing(missing={to_text(b"o" * 16): "a.b"}))], "later: peer-away"),
        ([(202, missing(missing={"../x": "a.b"}))], "later: peer-away"),
        ([(202, missing(missing=[1]))], "later: peer-away"),
        ([(202, missing(missing={BLOB.blob: 7}))], "later: peer-away"),
        # What would be an error of ours: a header or a body that cannot be spelled, brackets without end.
        ([(202, missing(missing={BLOB.blob: "a.\u00eb"}))], "later: peer-away"),
        ([(202, missing(missing={BLOB.blob: "a.\ud800"}))], "later: peer-away"),
        ([(202, missing(missing={BLOB.blob: "a\r\nX: b"}))], "later: peer-away"),
        ([(202, missing()), (201, STORED.replace(b"c.d", rb"\ud800"))], "later: peer-away"),
        ([(202, missing()), (201, STORED.replace(b'"c.d"', b"7"))], "later: peer-away"),
        ([(201, b"[" * 1_000_000)], "later: peer-away"),
        ([(400, b"[" * 1_000_000)], "peer-refused"),
        ([(202, missing(part_bytes=1))], "later: peer-away"),
        ([(201, b"")], "later: peer-away"),
        ([(201, b"<html>")], "later: peer-away"),
        ([(201, b"[]")], "later: peer-away"),
        ([(201, b" " * 5_000_000)], "later: peer-away"),
        ([(403, told("unknown-mailbox"))], "mail-refused"),
        ([(403, told("revoked"))], "peer-refused"),
        ([(410, told("expired"))], "peer-refused"),
        ([(404, b"<html>")], "peer-refused"),
        ([(429, told("too-many"))], "later: peer-away"),
        ([(500, told("unknown-mailbox"))], "later: peer-away"),
        ([(503, b"")], "later: peer-away"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_every_answer_means_one_of_four(
    server: Answering, certificates: Certificates, answers: list[tuple[int, bytes]], becomes: str
) -> None:
    server.answers = answers
    assert hand_over(server, certificates.authorities) == becomes


def test_nobody_is_sent_elsewhere(server: Answering, certificates: Certificates) -> None:
    with answering(certificates) as elsewhere:
        elsewhere.answers = [(201, NONE)]
        server.answers, server.location = [(307, b"")], f"https://{HOST}:{elsewhere.port}/api/v1/arrivals"
        assert hand_over(server, certificates.authorities) == "peer-refused"
        assert elsewhere.asked == []


def test_requests_go_to_the_address_and_name_the_host(server: Answering, certificates: Certificates) -> None:
    server.answers = [(202, missing()), (201, STORED), (201, NONE)]
    # Nothing listens at the first address.
    assert hand_over(server, certificates.authorities, HOST, "127.0.0.77", "127.0.0.1") == "taken"
    at = f"{HOST}:{server.port}/api/v1"
    assert server.asked == [f"POST {at}/arrivals", f"PUT {at}/blobs/{BLOB.blob}", f"POST {at}/arrivals"]


def test_a_certificate_for_another_name_is_nobodys(server: Answering, certificates: Certificates) -> None:
    server.answers = [(201, NONE)]
    assert hand_over(server, certificates.authorities, "post.elders.test") == "later: peer-away"
    assert server.asked == []


def test_who_answers_an_octet_at_a_time_holds_nobody_for_ever(server: Answering, certificates: Certificates) -> None:
    """The attack: each octet comes well within the patience of one octet, and the courier waits for years."""
    server.answers, server.drips = [(201, b" " * 4_000_000 + NONE)], True
    assert hand_over(server, certificates.authorities, whole=1) == "later: peer-away"


def test_what_is_packed_is_not_unpacked(server: Answering, certificates: Certificates) -> None:
    """A few octets could be as many as memory holds."""
    server.answers, server.packed = [(201, gzip.compress(NONE))], True
    assert hand_over(server, certificates.authorities) == "later: peer-away"

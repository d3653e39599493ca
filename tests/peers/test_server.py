"""A server that answers nonsense, too much, late or not at all: the client stays small and says what is wrong."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from zegel.errors import Damaged, Denied, Mistake, NotFound, Unavailable, ZegelError
from zegel.parcels.identifiers import new_identifier
from zegel.peers.server import PeerServer

SLIP = new_identifier()
GOOD_LOOK = {
    "organisation": {"name": "Gemeente Voorbeeld", "host": "post.voorbeeld.example"},
    "sender": {"name": "Afdeling Zorg", "address": "zorg@voorbeeld.example"},
    "proof": {"kind": "mail", "hint": ""},
    "created": "2026-11-20T09:14:00Z",
    "expires": "2026-12-20T09:14:00Z",
    "language": "nl",
}


class Scripted(BaseHTTPRequestHandler):
    """Answers whatever the test put in ``answer``."""

    answer: tuple[int, dict[str, str], bytes]

    def do_GET(self) -> None:
        status, headers, body = type(self).answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PUT = do_GET

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Scripted) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def answer(body: bytes | dict[str, Any], status: int = 200, **headers: str) -> None:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    Scripted.answer = (status, {"Content-Length": str(len(data)), **headers}, data)


def test_a_good_answer_is_read(url: str) -> None:
    answer(GOOD_LOOK)
    assert PeerServer(url).look(SLIP).sender.address == "zorg@voorbeeld.example"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{",
        b'{"organisation":3}',
        json.dumps(GOOD_LOOK | {"expires": "ooit"}).encode(),
    ],
)
def test_nonsense_is_damaged(url: str, body: bytes) -> None:
    answer(body)
    with pytest.raises((Damaged, Mistake)):
        PeerServer(url).look(SLIP)


def test_an_endless_answer_is_cut_off(url: str) -> None:
    answer(b" " * (5 * 1024 * 1024))
    with pytest.raises(Damaged, match="too large"):
        PeerServer(url).look(SLIP)


def test_a_short_answer_is_unavailable(url: str) -> None:
    Scripted.answer = (200, {"Content-Length": "1000"}, b"{")
    with pytest.raises(Unavailable):
        PeerServer(url).look(SLIP)


def test_a_redirect_is_not_followed(url: str) -> None:
    """It could lead a token or a code to somebody else."""
    answer(b"", 302, Location="http://127.0.0.1:9/")
    with pytest.raises(ZegelError):
        PeerServer(url, "zgl_secret").me()


@pytest.mark.parametrize(
    ("status", "family"),
    [(400, Mistake), (401, Denied), (403, Denied), (404, NotFound), (410, NotFound), (413, Mistake), (418, Mistake),
     (429, Denied), (500, Unavailable), (503, Unavailable)],
)  # fmt: skip
def test_each_status_is_its_family(url: str, status: int, family: type[ZegelError]) -> None:
    answer({"detail": "Dit kan niet {zo}.", "code": "zo-niet"}, status, **{"Retry-After": "7"})
    with pytest.raises(family, match="Dit kan niet") as refused:
        PeerServer(url).look(SLIP)
    assert (refused.value.kind, refused.value.retry_after) == ("zo-niet", 7)


def test_nobody_there_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="does not answer"):
        PeerServer("http://127.0.0.1:9").look(SLIP)


def test_an_impossible_url_is_no_traceback() -> None:
    with pytest.raises(ZegelError):
        PeerServer("http://[").look(SLIP)

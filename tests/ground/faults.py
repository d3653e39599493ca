"""A proxy in front of an S3 server that can be told to fail in the ways that providers do.

``mood``: well · dead (drops every connection) · erring (500) · refusing (403: expired credentials, a changed lock) ·
full (507 to writes) · keeping (will not delete) · altering (one bit of every object) · cutting (half of every object,
then the connection drops) · stalling (no answer until the mood changes) · losing (does it, and drops the answer) ·
choking (drops the connection when more than 20 names are to be deleted)

``next``: moods for the next requests, one each; after them it is ``mood`` again.
"""

import http.client
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

_CODES = {"erring": (500, "InternalError"), "refusing": (403, "AccessDenied"), "full": (507, "InsufficientStorage")}
_PIECE = 64 * 1024


class FaultProxy:
    """Forwards to ``upstream`` (host:port) unless its mood says otherwise; ``endpoint`` is where to find it."""

    def __init__(self, upstream: str):
        self.upstream = upstream
        self.requests = 0
        self.next: deque[str] = deque()
        self._mood = "well"
        self.changed = threading.Event()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _any(self) -> None:
                _serve(proxy, self)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _any

            def log_message(self, *_: Any) -> None:
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def mood(self) -> str:
        return self._mood

    @mood.setter
    def mood(self, mood: str) -> None:
        self._mood = mood
        self.changed.set()
        self.changed = threading.Event()

    def close(self) -> None:
        self.mood = "dead"
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: Any) -> None:
        """Connections that break are what this is for."""


@contextmanager
def faulty(endpoint: str) -> Iterator[FaultProxy]:
    """A proxy in front of an endpoint."""
    proxy = FaultProxy(urlsplit(endpoint).netloc)
    try:
        yield proxy
    finally:
        proxy.close()


def _serve(proxy: FaultProxy, request: BaseHTTPRequestHandler) -> None:
    proxy.requests += 1
    mood, command = proxy.next.popleft() if proxy.next else proxy.mood, request.command
    if mood == "stalling":
        proxy.changed.wait(60)
        mood = proxy.mood
    if mood == "dead":
        request.close_connection = True
        return
    body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
    deletes = command == "DELETE" or (command == "POST" and request.path.endswith("?delete"))
    if mood in ("erring", "refusing") or (mood == "full" and command in ("PUT", "POST")):
        _refuse(request, *_CODES[mood])
    elif mood == "choking" and body.count(b"<Key>") > 20:
        request.close_connection = True
    elif mood == "keeping" and deletes:
        _refuse(request, 403, "AccessDenied")
    else:
        _forward(proxy, request, body, mood)


def _refuse(request: BaseHTTPRequestHandler, status: int, code: str) -> None:
    text = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()
    request.send_response(status)
    request.send_header("Content-Type", "application/xml")
    request.send_header("Content-Length", str(len(text)))
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(text)


def _forward(proxy: FaultProxy, request: BaseHTTPRequestHandler, body: bytes, mood: str) -> None:
    upstream = http.client.HTTPConnection(proxy.upstream, timeout=60)
    try:
        # As it came, Host too: the signature is over it.
        upstream.putrequest(request.command, request.path, skip_host=True, skip_accept_encoding=True)
        for name, value in request.headers.items():
            if name.lower() not in ("expect", "connection"):
                upstream.putheader(name, value)
        upstream.endheaders(body or None)
        answer = upstream.getresponse()
        if mood == "losing":
            answer.read()
            request.close_connection = True
            return
        _pass_on(request, answer, mood)
    except (OSError, http.client.HTTPException):
        request.close_connection = True
    finally:
        upstream.close()


def _pass_on(request: BaseHTTPRequestHandler, answer: http.client.HTTPResponse, mood: str) -> None:
    request.send_response_only(answer.status)
    size = answer.headers.get("Content-Length")
    for name, value in answer.headers.items():
        if name.lower() not in ("transfer-encoding", "connection"):
            request.send_header(name, value)
    if size is None and request.command != "HEAD" and answer.status not in (204, 304):
        data = answer.read()
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)
        return
    request.end_headers()
    is_object = request.command == "GET" and "/blobs/" in request.path and answer.status < 300
    left = int(size or 0) // 2 if mood == "cutting" and is_object else int(size or 0)
    first = True
    while request.command != "HEAD" and left and (piece := answer.read(min(_PIECE, left))):
        if first and mood == "altering" and is_object:
            piece = bytes([piece[0] ^ 1]) + piece[1:]
        request.wfile.write(piece)
        left, first = left - len(piece), False
    if mood == "cutting" and is_object:
        request.close_connection = True

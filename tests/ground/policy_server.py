"""An HTTPS server for MTA-STS policies, that misbehaves on request. Real TLS under an authority of the tests' own."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class PolicyHost:
    """``policies`` by host; ``status``, ``kind`` and ``trickle`` spoil answers; ``asked`` tells who asked for what."""

    port: int = 0
    policies: dict[str, str | bytes] = field(default_factory=dict)
    status: int = 200
    kind: str = "text/plain; charset=utf-8"
    location: str = ""
    trickle: str = ""
    """``headers`` or ``body``: one byte now and then for ever."""
    raw: bytes = b""
    """Said in place of anything that HTTP would say."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)


@contextmanager
def policy_server(chain: Path, key: Path) -> Iterator[PolicyHost]:
    """Serves ``/.well-known/mta-sts.txt`` on 127.0.0.1."""
    host = PolicyHost()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle(self) -> None:
            if host.raw:
                with suppress(OSError):
                    self.request.recv(4096)
                    self.wfile.write(host.raw)
                return
            super().handle()

        def do_GET(self) -> None:
            name = (self.headers.get("Host") or "").partition(":")[0]
            host.asked.append((name, self.path))
            body = host.policies.get(name, b"")
            body = body.encode() if isinstance(body, str) else body
            if host.trickle == "headers":
                self._drip(b"HTTP/1.1 200 OK\r\nX: ")
                return
            self.send_response(host.status if body else 404)
            self.send_header("Content-Type", host.kind)
            if host.location:
                self.send_header("Location", host.location)
            if host.trickle == "body":
                self.send_header("Content-Length", "100000")
                self.end_headers()
                self._drip(b"version: STSv1\n")
                return
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _drip(self, first: bytes) -> None:
            with suppress(OSError):
                self.wfile.write(first)
                while not host.over.wait(0.02):
                    self.wfile.write(b"x")
                    self.wfile.flush()

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    host.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield host
    finally:
        host.over.set()
        server.shutdown()
        thread.join()
        server.server_close()

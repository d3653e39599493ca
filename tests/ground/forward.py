"""What stands between a server and a storage in some networks: a forward proxy that asks who you are, and TLS.

The proxy finds names under ``localhost`` on this machine, which not every resolver does.
"""

import base64
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.ground.delivery import Certificates

_PIECE = 64 * 1024
_MOST = 64 * 1024


@dataclass
class Forward:
    """A running proxy; ``asked`` is what each request line asked for, in order."""

    port: int
    user: str = ""
    password: str = ""
    asked: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        who = f"{self.user}:{self.password}@" if self.user else ""
        return f"http://{who}127.0.0.1:{self.port}"

    def allows(self, head: bytes) -> bool:
        proof = base64.b64encode(f"{self.user}:{self.password}".encode())
        return not self.user or b"proxy-authorization: basic " + proof.lower() in head.lower()


@contextmanager
def forwarding(user: str = "", password: str = "") -> Iterator[Forward]:
    """A forward proxy for one bucket's requests: absolute addresses, and CONNECT."""
    with _listening(lambda client: _forward(proxy, client)) as port:
        proxy = Forward(port, user, password)
        yield proxy


@contextmanager
def under_tls(endpoint: str, certificates: Certificates) -> Iterator[int]:
    """TLS before an endpoint that has none; yields the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.chain, certificates.key)
    port = urlsplit(endpoint).port or 80

    def serve(client: socket.socket) -> None:
        with context.wrap_socket(client, server_side=True) as inner, _reach(port) as upstream:
            _both_ways(inner, upstream)

    with _listening(serve) as own:
        yield own


@contextmanager
def _listening(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """Serve every connection in a thread; all connections end with this."""
    listener = socket.create_server(("127.0.0.1", 0))
    open_: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def one(client: socket.socket) -> None:
        with client, suppress(OSError):
            serve(client)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                # TLS takes the socket over, so what is ended at the end is a second handle on it.
                open_.append(client.dup())
                threads.append(threading.Thread(target=one, args=(client,), daemon=True))
                threads[-1].start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield listener.getsockname()[1]
    finally:
        _end(listener)
        accepting.join()
        for client in open_:
            _end(client)
        for thread in threads:
            thread.join()


def _end(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


def _forward(proxy: Forward, client: socket.socket) -> None:
    head = _head(client)
    method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
    proxy.asked.append(f"{method} {target}")
    if not proxy.allows(head):
        client.sendall(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        return
    parts = urlsplit(target if "://" in target else f"//{target}")
    with _reach(parts.port or 80) as upstream:
        if method == "CONNECT":
            client.sendall(b"HTTP/1.1 200 Go on\r\n\r\n")
        else:
            # One request per connection: whatever comes next on it may be for another server.
            lines = head.replace(target.encode(), f"{parts.path}?{parts.query}".rstrip("?").encode(), 1).split(b"\r\n")
            lines = [line for line in lines if not line.lower().startswith((b"connection:", b"proxy-"))]
            upstream.sendall(b"\r\n".join([lines[0], b"Connection: close", *lines[1:]]))
        _both_ways(client, upstream)


def _head(client: socket.socket) -> bytes:
    """Up to the empty line, byte by byte: what follows belongs to somebody else."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = client.recv(1)
        if not byte or len(head) > _MOST:
            raise ConnectionError
        head += byte
    return head


def _reach(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port))


def _both_ways(client: socket.socket, upstream: socket.socket) -> None:
    back = threading.Thread(target=_pump, args=(upstream, client), daemon=True)
    back.start()
    _pump(client, upstream)
    back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    """Until one side ends; then both end."""
    with suppress(OSError):
        while piece := source.recv(_PIECE):
            target.sendall(piece)
    for one in (source, target):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)

"""One small file over HTTPS: verified, no redirect, bounded, within a deadline.

``httpcore`` (the engine of httpx) and not httpx itself: it lets us say to which addresses to connect, so that the same
resolver answers for everything, and hold the whole exchange to one deadline, not each byte to its own.
"""

import socket
import ssl
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpcore

from zegel.errors import Unavailable

_HTTPS = 443


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file at ``host``, of this media type and at most ``most`` bytes."""

    host: str
    port: int
    path: str
    kind: str
    most: int


def fetch(wanted: Wanted, addresses: Sequence[str], deadline: float, authorities: Path | None = None) -> bytes:
    """Fetch from one of the addresses until ``deadline`` (``time.monotonic``); ``authorities`` replaces the system's.

    Raises Unavailable ``fetch-failed``: no connection, no trust, not 200 and of this type, too large, too slow.
    """
    backend = _Backend(addresses, deadline)
    host, port = wanted.host, wanted.port
    url = httpcore.URL(scheme="https", host=host, port=port, target=wanted.path)
    headers = [("Host", host if port == _HTTPS else f"{host}:{port}"), ("Accept", wanted.kind)]
    try:
        context = ssl.create_default_context(cafile=str(authorities) if authorities else None)
        with (
            httpcore.ConnectionPool(ssl_context=context, network_backend=backend) as pool,
            pool.stream("GET", url, headers=headers, extensions={"timeout": backend.timeouts()}) as response,
        ):
            return _read(response, wanted)
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError):
        raise _failed() from None


def _read(response: httpcore.Response, wanted: Wanted) -> bytes:
    types = [value for name, value in response.headers if name.lower() == b"content-type"]
    kind = types[0].split(b";")[0].strip().lower() if len(types) == 1 else b""
    if response.status != 200 or kind != wanted.kind.encode():
        raise _failed()
    content = bytearray()
    for piece in response.iter_stream():
        content += piece
        if len(content) > wanted.most:
            raise _failed()
    return bytes(content)


def _failed() -> Unavailable:
    return Unavailable("A file of another domain cannot be fetched.", code="fetch-failed")


class _Stream(httpcore.NetworkStream):
    """A stream whose every wait ends at the deadline."""

    def __init__(self, inner: httpcore.NetworkStream, backend: "_Backend"):
        self._inner = inner
        self._backend = backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._backend.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._backend.left())

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, self._backend.left()), self._backend)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    """Connects to the addresses that were looked up, whatever the URL names; the certificate is for that name."""

    def __init__(self, addresses: Sequence[str], deadline: float):
        self._addresses = addresses
        self._deadline = deadline
        self._inner = httpcore.SyncBackend()

    def left(self) -> float:
        """Seconds; raises when there are none."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout
        return left

    def timeouts(self) -> dict[str, float]:
        return {"connect": self.left(), "read": self.left(), "write": self.left(), "pool": self.left()}

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        for address in self._addresses:
            try:
                stream = self._inner.connect_tcp(address, port, min(5.0, self.left()), local_address, socket_options)
                return _Stream(stream, self)
            except (httpcore.ConnectError, httpcore.ConnectTimeout, socket.gaierror):
                continue
        raise httpcore.ConnectError

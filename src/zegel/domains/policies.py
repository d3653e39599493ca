"""Fetches the MTA-STS policy of a domain over HTTPS (RFC 8461 §3.3): verified, no redirect, small, within a deadline.

``httpcore`` (the engine of httpx) and not httpx itself: it lets us say to which addresses to connect, so that the same
resolver answers for everything, and hold the whole exchange to one deadline, not each byte to its own.
"""

import socket
import ssl
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import httpcore

from zegel.errors import Mistake, Unavailable
from zegel.transport.mta_sts import MOST_POLICY, Policy, parse_policy

_PATH = "/.well-known/mta-sts.txt"


class PolicyServers:
    """``authorities`` replaces the system's; ``port`` is 443 everywhere but in tests. Threads may share one."""

    def __init__(self, authorities: Path | None = None, port: int = 443):
        self._authorities = authorities
        self._port = port

    def fetch(self, host: str, addresses: Sequence[str], deadline: float) -> Policy:
        """Fetch from ``host`` at one of its addresses until ``deadline`` (``time.monotonic``).

        Raises Unavailable ``policy-away`` (no connection, no trust, not 200 and text/plain, too large, too slow),
        Mistake ``bad-mta-sts``.
        """
        backend = _Backend(addresses, deadline)
        url = httpcore.URL(scheme="https", host=host, port=self._port, target=_PATH)
        headers = [("Host", host if self._port == 443 else f"{host}:{self._port}"), ("Accept", "text/plain")]
        try:
            context = ssl.create_default_context(cafile=str(self._authorities) if self._authorities else None)
            with (
                httpcore.ConnectionPool(ssl_context=context, network_backend=backend) as pool,
                pool.stream("GET", url, headers=headers, extensions={"timeout": backend.timeouts()}) as response,
            ):
                return parse_policy(_read(response))
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError):
            raise _away() from None


def _read(response: httpcore.Response) -> str:
    types = [value for name, value in response.headers if name.lower() == b"content-type"]
    kind = types[0].split(b";")[0].strip().lower() if len(types) == 1 else b""
    if response.status != 200 or kind != b"text/plain":
        raise _away()
    content = bytearray()
    for piece in response.iter_stream():
        content += piece
        if len(content) > MOST_POLICY:
            raise _away()
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise Mistake("The MTA-STS policy is not right: {field}.", code="bad-mta-sts", field="encoding") from None


def _away() -> Unavailable:
    return Unavailable("The MTA-STS policy cannot be fetched.", code="policy-away")


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

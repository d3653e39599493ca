"""One connection to a mail server: in the clear at first, then TLS, with a deadline for everything that it does.

pyOpenSSL and not ``ssl`` (docs/decisions/0011-pyopenssl-for-direct-delivery.md): it shows the chain that a server sent
on every Python, brings an OpenSSL that knows the hybrid post-quantum key exchange, and tells which was used. Nothing is
verified here.
"""

import select
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Self, TypeVar

from OpenSSL import SSL, crypto

TLS12 = (
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"
)
TLS13 = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"
"""What NCSC calls good (ICT-beveiligingsrichtlijnen voor TLS): forward secrecy and authenticated encryption only."""

_MOST_REPLY = 64 * 1024
_PIECE = 64 * 1024


_T = TypeVar("_T")


class LineLost(OSError):
    """The connection was cut, or the deadline passed."""


class TlsFailed(OSError):
    """The two sides could not agree on TLS, or something was said in the clear that should have waited."""


def client_context() -> SSL.Context:
    """TLS 1.3, or else 1.2, with NCSC's ciphers. The key exchange is OpenSSL's order: hybrid first where it has it."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_cipher_list(TLS12.encode())
    context.set_tls13_ciphersuites(TLS13.encode())
    context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    # The handshake may end with any certificate: who proves itself how is decided afterwards, before the envelope.
    context.set_verify(SSL.VERIFY_NONE)
    return context


class Line:
    """Enough of a socket for ``smtplib``. One thread at a time.

    Before each thing to do, :meth:`allow` says how long it may take in all: a server that sends a byte a minute has no
    more time than one that sends none.
    """

    def __init__(self, address: str, port: int, patience: float):
        self._deadline = time.monotonic() + patience
        self._buffer = b""
        self._taken = 0
        self._tls: SSL.Connection | None = None
        self._socket = self._connect(address, port)

    def _connect(self, address: str, port: int) -> socket.socket:
        try:
            if address.startswith("/"):
                found = socket.socket(socket.AF_UNIX)
                found.settimeout(max(0.001, self._left()))
                found.connect(address)
            else:
                found = socket.create_connection((address, port), timeout=max(0.001, self._left()))
                found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            raise LineLost("no connection") from None
        found.setblocking(False)
        return found

    @property
    def address(self) -> str:
        """The other side's address."""
        try:
            return str(self._socket.getpeername()[0])
        except (OSError, IndexError):
            return ""

    def allow(self, seconds: float) -> None:
        """The next thing may take so long, and its answer be so large."""
        self._deadline = time.monotonic() + seconds
        self._taken = 0

    def start_tls(self, context: SSL.Context, name: str) -> tuple[bytes, ...]:
        """Shake hands, asking for ``name`` (empty: no name); returns the chain that the server sent, in DER.

        Raises TlsFailed, LineLost.
        """
        if self._buffer:
            # Bytes in the clear after the answer to STARTTLS: somebody on the way wants to be heard inside TLS.
            raise TlsFailed("words in the clear after STARTTLS")
        tls = SSL.Connection(context, self._socket)
        if name:
            tls.set_tlsext_host_name(name.encode("ascii"))
        tls.set_connect_state()
        try:
            self._patiently(tls.do_handshake, select.POLLIN)
        except (SSL.Error, ValueError):
            raise TlsFailed("no handshake") from None
        self._tls = tls
        chain = tls.get_peer_cert_chain() or []
        return tuple(crypto.dump_certificate(crypto.FILETYPE_ASN1, one) for one in chain)

    @property
    def agreed(self) -> tuple[str, str, str]:
        """TLS version, cipher and key exchange group, as OpenSSL calls them; empty in the clear."""
        if self._tls is None:
            return "", "", ""
        group = self._tls.get_group_name() or ""
        return self._tls.get_protocol_version_name(), self._tls.get_cipher_name() or "", group

    def sendall(self, data: bytes) -> None:
        """Send all of it, within the deadline. An answer that nobody asked for ends the line.

        Else it would be taken for the answer to what is said next, and a mail for delivered that was not.
        """
        if self._buffer:
            raise LineLost("an answer too many")
        rest, send = memoryview(data), self._socket.send if self._tls is None else self._tls.send
        try:
            while rest:
                rest = rest[self._patiently(partial(send, rest[:_PIECE]), select.POLLOUT) :]
        except SSL.Error:
            raise LineLost("cut while sending") from None

    def makefile(self, mode: str) -> Self:
        """``smtplib`` reads answers from here."""
        return self

    def readline(self, limit: int) -> bytes:
        """One line with its end, or ``limit`` bytes of it; empty at the end of the connection."""
        while b"\n" not in self._buffer and len(self._buffer) < limit:
            more = self._receive()
            if not more:
                break
            self._taken += len(more)
            if self._taken > _MOST_REPLY:
                raise LineLost("the answer is too long")
            self._buffer += more
        end = self._buffer.find(b"\n", 0, limit) + 1 or min(limit, len(self._buffer))
        line, self._buffer = self._buffer[:end], self._buffer[end:]
        return line

    def close(self) -> None:
        """Say goodbye if that takes no time, and close; safe to do again."""
        # OpenSSL knows the descriptor by its number, which may be another connection's once the socket is closed.
        tls, self._tls = self._tls, None
        if tls is not None and self._socket.fileno() >= 0:
            with suppress(SSL.Error):
                tls.shutdown()
        self._socket.close()

    def _receive(self) -> bytes:
        receive = self._socket.recv if self._tls is None else self._tls.recv
        try:
            return self._patiently(partial(receive, 8192), select.POLLIN)
        except SSL.ZeroReturnError:
            return b""
        except SSL.Error:
            raise LineLost("cut while reading") from None

    def _patiently(self, act: Callable[[], _T], direction: int) -> _T:
        """Do what may have to wait for the other side; raises LineLost when the deadline has passed."""
        while True:
            try:
                return act()
            except SSL.WantReadError:
                self._wait(select.POLLIN)
            except SSL.WantWriteError:
                self._wait(select.POLLOUT)
            except BlockingIOError:
                self._wait(direction)
            except OSError:
                raise LineLost("cut") from None

    def _wait(self, events: int) -> None:
        poll = select.poll()
        poll.register(self._socket, events)
        left = self._left()
        if left <= 0 or not poll.poll(left * 1000):
            raise LineLost("too slow")

    def _left(self) -> float:
        return self._deadline - time.monotonic()

"""The TLS that a line speaks: what it offers, and what it refuses."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from OpenSSL import SSL

from tests.transport.made import make
from zegel.outbox.line import TLS12, TLS13, Line, LineLost, TlsFailed, client_context


@contextmanager
def server(context: SSL.Context) -> Iterator[int]:
    """Shakes hands with whoever comes, with the OpenSSL that pyOpenSSL brings."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError, SSL.Error):
            while True:
                connection, _ = listener.accept()
                tls = SSL.Connection(context, connection)
                tls.set_accept_state()
                with suppress(SSL.Error):
                    tls.do_handshake()
                    tls.sendall(b"hello\r\n")
                    tls.recv(1)
                connection.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def context(cipher: str = "", newest: int = SSL.TLS1_3_VERSION) -> SSL.Context:
    """A server's, with the kind of key that the cipher wants."""
    rsa_key = rsa.generate_private_key(65537, 2048) if "ECDSA" not in cipher and cipher else None
    made = make(("mx.example.nl",), start=datetime.now(UTC) - timedelta(days=1), key=rsa_key)
    found = SSL.Context(SSL.TLS_SERVER_METHOD)
    found.set_max_proto_version(newest)
    found.use_certificate(made.certificate)
    found.use_privatekey(made.key)  # type: ignore[arg-type]
    if cipher and newest == SSL.TLS1_2_VERSION:
        found.set_cipher_list(cipher.encode())
    elif cipher:
        found.set_tls13_ciphersuites(cipher.encode())
    return found


def shake(servers: SSL.Context, client: SSL.Context | None = None) -> tuple[str, str, str]:
    with server(servers) as port:
        line = Line("127.0.0.1", port, 60)
        try:
            chain = line.start_tls(client or client_context(), "mx.example.nl")
            assert len(chain) == 1
            assert line.readline(100) == b"hello\r\n"
            return line.agreed
        finally:
            line.close()


def test_the_key_exchange_is_hybrid_where_the_other_side_knows_it() -> None:
    assert shake(context()) == ("TLSv1.3", "TLS_AES_256_GCM_SHA384", "X25519MLKEM768")


@pytest.mark.parametrize("cipher", TLS12.split(":"))
def test_the_ciphers_of_tls_1_2(cipher: str) -> None:
    version, agreed, group = shake(context(cipher, SSL.TLS1_2_VERSION))
    assert (version, agreed) == ("TLSv1.2", cipher)
    assert group


@pytest.mark.parametrize("cipher", TLS13.split(":"))
def test_the_ciphers_of_tls_1_3(cipher: str) -> None:
    assert shake(context(cipher))[:2] == ("TLSv1.3", cipher)


@pytest.mark.parametrize("cipher", ["AES256-GCM-SHA384", "ECDHE-ECDSA-AES256-SHA384", "ECDHE-RSA-AES128-SHA256"])
def test_what_ncsc_calls_less_than_good_is_refused(cipher: str) -> None:
    servers = context(cipher, SSL.TLS1_2_VERSION)
    with pytest.raises(TlsFailed):
        shake(servers)
    # Not because it could not: a client that takes anything gets it.
    anything = SSL.Context(SSL.TLS_CLIENT_METHOD)
    anything.set_cipher_list(b"ALL")
    assert shake(servers, anything)[1] == cipher


def test_a_closed_line_touches_no_descriptor() -> None:
    """OpenSSL knows sockets by number, and the number may be another connection's by then."""
    with server(context()) as port:
        line = Line("127.0.0.1", port, 60)
        line.start_tls(client_context(), "")
        line.close()
        other, far = socket.socketpair()
        with other, far:
            with pytest.raises(LineLost):
                line.sendall(b"stray")
            with pytest.raises(LineLost):
                line.readline(10)
            line.close()
            far.setblocking(False)
            with pytest.raises(BlockingIOError):
                far.recv(10)

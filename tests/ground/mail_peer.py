"""A receiving mail server of the tests' own, that misbehaves at any step: real sockets, real TLS (Python's, not ours).

``steps`` says what to do instead of the usual: a reply, ``CUT`` (the connection ends), ``STALL`` (silence until the
test is over) or ``TRICKLE`` (a byte now and then for ever). Steps: connect, ehlo, starttls, handshake, ehlo-again,
mail, rcpt, data, middle (while the mail comes), end, rset, noop.
"""

import socket
import ssl
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

CUT, STALL, TRICKLE = "cut", "stall", "trickle"
EXTENSIONS = ("SIZE 50000000", "8BITMIME", "SMTPUTF8", "DSN", "PIPELINING", "ENHANCEDSTATUSCODES")


@dataclass
class Mail:
    """One mail as it arrived: the commands as they were said, the bytes between DATA and the final dot."""

    mail: str
    rcpt: str
    content: bytes


@dataclass
class MailPeer:
    """What it does, and what came."""

    address: str = "127.0.0.1"
    port: int = 0
    steps: dict[str, str] = field(default_factory=dict)
    extensions: tuple[str, ...] = EXTENSIONS
    starttls: bool = True
    injected: bytes = b""
    """Sent in the clear in one go with the answer to STARTTLS."""
    keep: bool = True
    """Keep the content; without, only its size is counted."""
    mails: list[Mail] = field(default_factory=list)
    size: int = 0
    said: list[str] = field(default_factory=list)
    connections: int = 0
    asked_for: list[str | None] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    talks: list[threading.Thread] = field(default_factory=list)
    """One thread for each connection."""

    def rest(self) -> None:
        """Wait until nobody is talked to any more: a process must not be forked in the middle of another's TLS."""
        for talk in self.talks:
            talk.join(60)


@contextmanager
def mail_peer(
    certificate: Path | None = None,
    key: Path | None = None,
    *,
    address: str = "127.0.0.1",
    port: int = 0,
    implicit: bool = False,
    newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
) -> Iterator[MailPeer]:
    """A listening peer; ``certificate`` is its chain in PEM."""
    peer = MailPeer(address=address, starttls=certificate is not None)
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            context.minimum_version = min(newest, ssl.TLSVersion.TLSv1_2)
            context.maximum_version = newest
        if newest < ssl.TLSVersion.TLSv1_2:
            context.set_ciphers("DEFAULT:@SECLEVEL=0")
        context.load_cert_chain(certificate, key)
        context.sni_callback = lambda _socket, name, _context: peer.asked_for.append(name)
    if address.startswith("/"):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(address)
        listener.listen()
    else:
        listener = socket.create_server((address, port))
        peer.port = listener.getsockname()[1]

    def accept() -> None:
        while not peer.over.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            peer.connections += 1
            thread = threading.Thread(target=_Talk(peer, connection, context, implicit).run, daemon=True)
            thread.start()
            peer.talks.append(thread)

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield peer
    finally:
        peer.over.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join(10)
        for thread in peer.talks:
            thread.join(10)


class _Ended(Exception):
    pass


class _Talk:
    def __init__(self, peer: MailPeer, connection: socket.socket, context: ssl.SSLContext | None, implicit: bool):
        self._peer = peer
        self._socket = connection
        self._context = context
        self._implicit = implicit
        self._buffer = b""
        self._safe = False

    def run(self) -> None:
        try:
            if self._implicit:
                self._secure()
            self._talk()
        except (_Ended, OSError, ValueError):
            pass
        finally:
            self._socket.close()

    def _talk(self) -> None:
        self._answer("connect", "220 peer.test ESMTP")
        mail = rcpt = ""
        while True:
            line = self._line()
            self._peer.said.append(line)
            verb = line.split(" ")[0].upper()
            if verb in ("EHLO", "LHLO"):
                offers = [*self._peer.extensions, *(["STARTTLS"] if self._peer.starttls and not self._safe else [])]
                lines = "".join(f"\r\n250-{offer}" for offer in offers)
                self._answer("ehlo-again" if self._safe else "ehlo", f"250-peer.test{lines}\r\n250 HELP")
            elif verb == "STARTTLS":
                self._answer("starttls", "220 go ahead", self._peer.injected)
                self._secure()
            elif verb == "MAIL":
                mail = line
                self._answer("mail", "250 2.1.0 ok")
            elif verb == "RCPT":
                rcpt = line
                self._answer("rcpt", "250 2.1.5 ok")
            elif verb == "DATA":
                if self._answer("data", "354 go on").startswith("354"):
                    content = self._content()
                    self._peer.mails.append(Mail(mail, rcpt, content))
                    self._answer("end", "250 2.0.0 taken: private words")
            elif verb == "QUIT":
                self._send(b"221 bye\r\n")
                return
            else:
                self._answer(verb.lower(), "250 ok")

    def _secure(self) -> None:
        self._act("handshake")
        assert self._context is not None
        self._socket = self._context.wrap_socket(self._socket, server_side=True)
        self._buffer, self._safe = b"", True

    def _answer(self, step: str, usual: str, more: bytes = b"") -> str:
        self._act(step)
        reply = self._peer.steps.get(step, usual)
        self._send(reply.encode() + b"\r\n" + more)
        return reply

    def _act(self, step: str) -> None:
        act = self._peer.steps.get(step)
        if act == STALL:
            self._peer.over.wait(60)
        if act == TRICKLE:
            while not self._peer.over.wait(0.05):
                self._send(b"2")
        if act in (CUT, STALL, TRICKLE):
            raise _Ended

    def _content(self) -> bytes:
        """Everything up to the final dot, dots undone."""
        self._act("middle")
        if reply := self._peer.steps.get("middle"):
            # Says it, and listens no more.
            self._send(reply.encode() + b"\r\n")
            self._peer.over.wait(60)
            raise _Ended
        content = bytearray()
        while (line := self._line_bytes()) != b".\r\n":
            self._peer.size += len(line)
            if self._peer.keep:
                content += line.removeprefix(b".")
        return bytes(content)

    def _line(self) -> str:
        return self._line_bytes().decode().removesuffix("\r\n")

    def _line_bytes(self) -> bytes:
        # Only CRLF ends a line here: a lone CR or LF that came through would show in the content.
        while (end := self._buffer.find(b"\r\n")) < 0:
            more = self._socket.recv(65536)
            if not more:
                raise _Ended
            self._buffer += more
        line, self._buffer = self._buffer[: end + 2], self._buffer[end + 2 :]
        return line

    def _send(self, data: bytes) -> None:
        self._socket.sendall(data)

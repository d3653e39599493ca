"""A real mail server that takes notices, and misbehaves on request."""

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from tests.transport.made import make


@dataclass
class Sink:
    """What came in, and what to answer: ``rcpt`` and ``data`` are replies, or ``drop`` to cut the connection."""

    port: int = 0
    mails: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    sessions: int = 0
    mail: str = "250 OK"
    rcpt: str = "250 OK"
    data: str = "250 OK"
    hold: threading.Event = field(default_factory=threading.Event)
    """With ``data`` set to ``hold`` or ``keep``: the answer waits for this; with ``keep`` the mail is taken before."""

    def _answer(self, server: SMTP, reply: str) -> str:
        if reply == "drop":
            assert server.transport is not None
            server.transport.abort()  # type: ignore[attr-defined]
        return reply

    async def handle_EHLO(self, server: SMTP, session: Session, envelope: Envelope, name: str, lines: Any) -> Any:
        self.sessions += 1
        session.host_name = name
        return lines

    async def handle_MAIL(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        if self.mail.startswith("250"):
            envelope.mail_from = address
        return self._answer(server, self.mail)

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        if self.rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self._answer(server, self.rcpt)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.data in ("hold", "keep"):
            if self.data == "keep":
                self._keep(envelope)
            while not self.hold.is_set():
                # No thread of a small pool: many connections may wait.
                await asyncio.sleep(0.02)
            return "250 OK"
        if self.data.startswith("250"):
            self._keep(envelope)
        return self._answer(server, self.data)

    def _keep(self, envelope: Envelope) -> None:
        content = envelope.content
        assert isinstance(content, bytes)
        self.mails.append((envelope.mail_from or "", list(envelope.rcpt_tos), content))


@contextmanager
def sink(
    tls: "Certificate | None" = None,
    implicit: bool = False,
    login: tuple[str, str] | None = None,
    utf8: bool = True,
) -> Iterator[Sink]:
    """A listening sink on a free port of 127.0.0.1, in a thread of its own."""
    found = Sink()
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls.certificate, tls.key)
    more: dict[str, Any] = {"enable_SMTPUTF8": utf8}
    if tls and not implicit:
        more |= {"tls_context": context, "require_starttls": True}
    if login:
        wanted = (login[0].encode(), login[1].encode())
        more |= {
            "auth_required": True,
            "authenticator": lambda *facts: AuthResult(success=tuple(facts[4]) == wanted, handled=False),
        }
    stop: list[Callable[[], object]] = []
    listening = threading.Event()

    async def serve() -> None:
        loop, stopped = asyncio.get_running_loop(), asyncio.Event()
        server = await loop.create_server(
            lambda: SMTP(found, loop=loop, **more), "127.0.0.1", 0, ssl=context if implicit else None
        )
        found.port = server.sockets[0].getsockname()[1]
        stop.append(lambda: loop.call_soon_threadsafe(stopped.set))
        listening.set()
        await stopped.wait()
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert listening.wait(30)
    try:
        yield found
    finally:
        found.hold.set()
        stop[0]()
        thread.join()


@dataclass(frozen=True)
class Certificate:
    certificate: Path
    key: Path


def make_certificate(folder: Path, host: str = "localhost") -> Certificate:
    """A self-signed certificate; whoever trusts the file trusts the server."""
    made = make((host,), authority=True, common_name=host, start=datetime.now(UTC) - timedelta(days=1))
    folder.mkdir(parents=True, exist_ok=True)
    paths = Certificate(folder / f"{host}.pem", folder / f"{host}.key")
    paths.certificate.write_bytes(made.pem)
    paths.key.write_bytes(made.key_pem)
    return paths

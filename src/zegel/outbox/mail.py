"""Two ways out for a mail: a server over SMTP, or a Maildir.

``smtplib`` and not the asynchronous library: the courier's threads each say one thing and wait for the answer, so an
event loop would add nothing but a second way to fail. Connections are kept and used again, and a mail's envelope is
said in one breath where the server takes that: two round trips a mail instead of five.
"""

import os
import secrets
import smtplib
import socket
import ssl
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from zegel.errors import Mistake, Unavailable
from zegel.outbox.secret import is_here, read_secret
from zegel.outbox.wire import reply_code
from zegel.post.written import Written

_PATIENCE = 60.0
"""Seconds for one answer; RFC 5321 §4.5.3.2 would have us wait longer, but the outbox comes back by itself."""

Tls = Literal["none", "starttls", "implicit"]


class Route(Protocol):
    """A way out for mail. Raises Mistake when this mail will never be taken, Unavailable when it may be later."""

    def send(self, mail: Written, sender: str, to: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Relay:
    """The mail server that takes our notices. ``tls`` verifies its certificate; ``none`` is for loopback only."""

    host: str
    port: int
    tls: Tls = "starttls"
    user: str = ""
    password_file: Path | None = None
    authorities: Path | None = None
    """Certificates to trust instead of the system's."""

    def check(self) -> None:
        """Raises Mistake for a relay that would carry link secrets over a network in the clear."""
        if self.tls == "none" and not is_here(self.host):
            raise Mistake(
                "The mail server {host} needs TLS: notices carry secrets.", code="mail-needs-tls", host=self.host
            )


class _Stale(Exception):
    """A kept connection that the relay had closed before it heard of this mail."""


class SmtpRoute:
    """Hands mail to a relay. Threads may share one: each takes a connection that is free, or opens another."""

    def __init__(self, relay: Relay, patience: float = _PATIENCE):
        relay.check()
        self._relay = relay
        self._patience = patience
        self._free: deque[smtplib.SMTP] = deque()

    def send(self, mail: Written, sender: str, to: str) -> None:
        """Returns when the relay has said that it has the mail."""
        while (smtp := self._kept()) is not None:
            try:
                self._use(smtp, mail, sender, to)
            except _Stale:
                continue
            return
        try:
            smtp = self._connect()
        except (OSError, smtplib.SMTPException):
            raise _gone() from None
        try:
            self._use(smtp, mail, sender, to)
        except _Stale:
            raise _gone() from None

    def close(self) -> None:
        """Give up the connections that nobody uses now."""
        while (smtp := self._kept()) is not None:
            smtp.close()

    def _kept(self) -> smtplib.SMTP | None:
        try:
            return self._free.pop()
        except IndexError:
            return None

    def _use(self, smtp: smtplib.SMTP, mail: Written, sender: str, to: str) -> None:
        try:
            self._transact(smtp, mail, sender, to)
        except _Stale:
            smtp.close()
            raise
        except (OSError, smtplib.SMTPException):
            # From None: the words of the server stay here, they may quote the notice.
            smtp.close()
            raise _gone() from None
        except (Mistake, Unavailable):
            self._reset(smtp)
            raise
        self._free.append(smtp)

    def _transact(self, smtp: smtplib.SMTP, mail: Written, sender: str, to: str) -> None:
        commands = [f"MAIL FROM:<{sender}>{_options(smtp, mail, sender, to)}", f"RCPT TO:<{to}>", "DATA"]
        replies = self._say(smtp, commands)
        began = len(replies) == len(commands) and replies[-1][0] == 354
        try:
            _check_envelope(replies)
        except (Mistake, Unavailable):
            if began:
                # A server that lets DATA begin without a recipient wants its end (RFC 2920 §3.1); nobody gets it.
                smtp.send(b".\r\n")
                smtp.getreply()
            raise
        # RFC 5321 §4.5.2; the first line is a header's and begins with no dot.
        smtp.send(mail.wire.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        code, text = smtp.getreply()
        if code != 250:
            raise _refusal(code, text)

    def _say(self, smtp: smtplib.SMTP, commands: list[str]) -> list[tuple[int, bytes]]:
        """Say the commands, all at once to a server that takes that (RFC 2920); returns replies up to a refusal."""
        lines = [f"{command}\r\n".encode() for command in commands]
        groups = [lines] if smtp.has_extn("pipelining") else [[line] for line in lines]
        replies: list[tuple[int, bytes]] = []
        for group in groups:
            try:
                smtp.send(b"".join(group))
                replies += [smtp.getreply()]
            except (OSError, smtplib.SMTPException):
                if not replies:
                    raise _Stale from None
                raise
            if replies[0][0] == 421:
                raise _Stale
            replies += [smtp.getreply() for _ in group[1:]]
            if replies[-1][0] >= 400:
                break
        return replies

    def _reset(self, smtp: smtplib.SMTP) -> None:
        try:
            if smtp.rset()[0] == 250:
                self._free.append(smtp)
                return
        except (OSError, smtplib.SMTPException):
            pass
        smtp.close()

    def _connect(self) -> smtplib.SMTP:
        relay = self._relay
        name = socket.gethostname()
        context = ssl.create_default_context(cafile=str(relay.authorities) if relay.authorities else None)
        if relay.tls == "implicit":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                relay.host, relay.port, local_hostname=name, timeout=self._patience, context=context
            )
        else:
            smtp = smtplib.SMTP(relay.host, relay.port, local_hostname=name, timeout=self._patience)
        try:
            smtp.ehlo_or_helo_if_needed()
            if relay.tls == "starttls":
                smtp.starttls(context=context)
                smtp.ehlo()
            if relay.user:
                smtp.login(relay.user, read_secret(relay.password_file))
        except BaseException:
            smtp.close()
            raise
        return smtp


def _options(smtp: smtplib.SMTP, mail: Written, sender: str, to: str) -> str:
    if not mail.utf8 and (sender + to).isascii():
        return ""
    if not smtp.has_extn("smtputf8"):
        raise Mistake("The mail server cannot carry this address.", code="address-refused")
    return " BODY=8BITMIME SMTPUTF8"


def _check_envelope(replies: list[tuple[int, bytes]]) -> None:
    if replies[0][0] != 250:
        # Our own address or our account is refused: that is for the operator to mend, not the reader's fault.
        raise _away(*replies[0])
    if replies[1][0] not in (250, 251):
        raise _refusal(*replies[1])
    if replies[2][0] != 354:
        raise _refusal(*replies[2])


def _gone() -> Unavailable:
    return Unavailable("The mail server cannot be reached.", code="mail-away")


def _refusal(code: int, text: bytes) -> Mistake | Unavailable:
    if 500 <= code <= 599:
        reply = reply_code(code, text)
        return Mistake("The mail server refuses the notice ({reply}).", code="mail-refused", reply=reply)
    return _away(code, text)


def _away(code: int, text: bytes) -> Unavailable:
    reply = reply_code(code, text)
    return Unavailable("The mail server does not take mail now ({reply}).", code="mail-away", reply=reply)


class MaildirRoute:
    """Puts mail into a Maildir, for a trial or for another program to carry on. Durable when it returns."""

    def __init__(self, folder: Path):
        self._folder = folder
        for name in ("tmp", "new", "cur"):
            (folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)

    def send(self, mail: Written, sender: str, to: str) -> None:
        """``sender`` and ``to`` are kept as Return-Path and Delivered-To, as a delivering server would write them."""
        added = f"Return-Path: <{sender}>\r\nDelivered-To: {to}\r\n".encode()
        name = f"{time.time_ns()}.P{os.getpid()}R{secrets.token_hex(6)}.zegel"
        temporary = self._folder / "tmp" / name
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(added + mail.wire)
                file.flush()
                os.fsync(file.fileno())
            temporary.rename(self._folder / "new" / name)
            _sync_folder(self._folder / "new")
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise Unavailable("The mail folder cannot be written.", code="mail-away") from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

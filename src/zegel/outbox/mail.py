"""Two ways out for a mail: a server over SMTP, or a Maildir.

``smtplib`` and not the asynchronous library: the courier says one thing at a time and waits for the answer, so an event
loop would add nothing but a second way to fail. One connection is kept and used again.
"""

import os
import re
import secrets
import smtplib
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, Protocol

from zegel.errors import Mistake, Unavailable
from zegel.post.written import Written

_PATIENCE = 60.0
"""Seconds for one answer; RFC 5321 §4.5.3.2 would have us wait longer, but the outbox comes back by itself."""
_ENHANCED = re.compile(rb"\s*([245]\.\d{1,3}\.\d{1,3})(?!\d)")

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
        if self.tls == "none" and not _is_loopback(self.host):
            raise Mistake(
                "The mail server {host} needs TLS: notices carry secrets.", code="mail-needs-tls", host=self.host
            )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class SmtpRoute:
    """Hands mail to a relay. Threads may share one; they take turns."""

    def __init__(self, relay: Relay, patience: float = _PATIENCE):
        relay.check()
        self._relay = relay
        self._patience = patience
        self._turn = threading.Lock()
        self._kept: smtplib.SMTP | None = None

    def send(self, mail: Written, sender: str, to: str) -> None:
        """Returns when the relay has said that it has the mail."""
        with self._turn:
            try:
                if self._begin_again(mail, sender, to):
                    return
                self._transact(self._connect(), mail, sender, to)
            except (OSError, smtplib.SMTPException):
                # From None: the words of the server stay here, they may quote the notice.
                self.close()
                raise Unavailable("The mail server cannot be reached.", code="mail-away") from None
            except (Mistake, Unavailable):
                self._reset()
                raise

    def close(self) -> None:
        """Give up the connection."""
        kept, self._kept = self._kept, None
        if kept:
            kept.close()

    def _begin_again(self, mail: Written, sender: str, to: str) -> bool:
        """Try the kept connection; False when the relay had closed it meanwhile, before it heard of this mail."""
        if self._kept is None:
            return False
        try:
            code, _ = self._kept.noop()
        except (OSError, smtplib.SMTPException):
            code = 0
        if code != 250:
            self.close()
            return False
        self._transact(self._kept, mail, sender, to)
        return True

    def _transact(self, smtp: smtplib.SMTP, mail: Written, sender: str, to: str) -> None:
        options = []
        if mail.utf8 or not (sender + to).isascii():
            if not smtp.has_extn("smtputf8"):
                raise Mistake("The mail server cannot carry this address.", code="address-refused")
            options = ["SMTPUTF8"]
            smtp.command_encoding = "utf-8"
        code, text = smtp.mail(sender, options)
        if code != 250:
            # Our own address or our account is refused: that is for the operator to mend, not the reader's fault.
            raise _away(code, text)
        code, text = smtp.rcpt(to)
        if code not in (250, 251):
            raise _refusal(code, text)
        try:
            code, text = smtp.data(mail.wire)
        except smtplib.SMTPDataError as error:
            raise _refusal(error.smtp_code, _bytes(error.smtp_error)) from None
        if code != 250:
            raise _refusal(code, text)

    def _reset(self) -> None:
        try:
            if self._kept is None or self._kept.rset()[0] != 250:
                self.close()
        except (OSError, smtplib.SMTPException):
            self.close()

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
        self._kept = smtp
        smtp.ehlo_or_helo_if_needed()
        if relay.tls == "starttls":
            smtp.starttls(context=context)
            smtp.ehlo()
        if relay.user:
            smtp.login(relay.user, _read_secret(relay.password_file))
        return smtp


def _read_secret(path: Path | None) -> str:
    if path is None:
        raise Unavailable("The mail server wants a password, and no file names it.", code="no-password")
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        raise Unavailable("The file with the mail server's password cannot be read.", code="no-password") from None


def _bytes(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "replace")


def _code(code: int, text: bytes) -> str:
    enhanced = _ENHANCED.match(text)
    return f"{code} {enhanced[1].decode()}" if enhanced else str(code)


def _refusal(code: int, text: bytes) -> Mistake | Unavailable:
    if 500 <= code <= 599:
        return Mistake("The mail server refuses the notice ({reply}).", code="mail-refused", reply=_code(code, text))
    return _away(code, text)


def _away(code: int, text: bytes) -> Unavailable:
    return Unavailable("The mail server does not take mail now ({reply}).", code="mail-away", reply=_code(code, text))


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

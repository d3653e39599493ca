"""A conversation with one mail server: SMTP or LMTP, TLS before anything of a mail is said, one recipient at a time."""

import re
import smtplib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from OpenSSL import SSL

from zegel.errors import Mistake, Unavailable
from zegel.outbox.line import Line, LineLost, TlsFailed
from zegel.outbox.secret import read_secret
from zegel.outbox.wire import reply_code, stuffed
from zegel.parcels.notify import SILENT, Notify
from zegel.transport.delivery import RawMail

Tls = Literal["none", "starttls", "implicit"]
Protocol = Literal["smtp", "lmtp"]

FINAL_PATIENCE = 600.0
"""Seconds for the answer to the final dot (RFC 5321 §4.5.3.2.6): asking again too early delivers twice."""
_LAST_PATIENCE = 5.0
_LEAST_RATE = 8 * 1024
"""Bytes per second that a server must take in the long run."""
_XTEXT = re.compile(r"[!-~]{1,600}\Z")
_CONTROL = re.compile(r"[\x00-\x20<>\x7f]")


class NotProven(Exception):
    """The server did not show what its domain promised."""


class Away(Exception):
    """The server takes no mail now; ``reply`` is its code, or empty. Another one of the domain may."""

    def __init__(self, reply: str = ""):
        super().__init__(reply)
        self.reply = reply


Check = Callable[[tuple[bytes, ...]], str]
"""Judges a chain; returns which record or anchor it fits, in a few words; raises NotProven."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How to talk: with whom as what, how safely, and how long to wait for one answer (seconds)."""

    own_name: str
    protocol: Protocol = "smtp"
    tls: Tls = "starttls"
    patience: float = 60.0
    final_patience: float = FINAL_PATIENCE
    user: str = ""
    password_file: Path | None = None


class Session:
    """One connection that has proved itself, ready for mails one after another."""

    def __init__(self, line: Line, manner: Manner, context: SSL.Context, name: str, check: Check):
        """Raises NotProven, TlsFailed, LineLost, Away; the line is closed then."""
        self.fits = ""
        self._broken = False
        self._line = line
        self._manner = manner
        self._smtp = smtplib.SMTP(local_hostname=manner.own_name)
        self._smtp.sock = line  # type: ignore[assignment]
        self._smtp.ehlo_msg = "LHLO" if manner.protocol == "lmtp" else "EHLO"
        try:
            self._begin(context, name, check)
        except smtplib.SMTPException:
            self.close()
            raise LineLost("cut") from None
        except BaseException:
            self.close()
            raise

    @property
    def agreed(self) -> tuple[str, str, str]:
        """TLS version, cipher, key exchange group."""
        return self._line.agreed

    @property
    def address(self) -> str:
        return self._line.address

    def close(self) -> None:
        """Hang up; safe at any time."""
        self._smtp.sock = None
        self._line.close()

    def quit(self) -> None:
        """Say goodbye without waiting for the answer, and hang up."""
        try:
            self._line.allow(1)
            self._line.sendall(b"QUIT\r\n")
        except OSError:
            pass
        finally:
            self.close()

    def alive(self) -> bool:
        """Whether a kept connection still answers."""
        try:
            return self._say("NOOP")[0] == 250
        except (OSError, smtplib.SMTPException):
            return False

    def reset(self) -> bool:
        """Forget the mail that was not taken; False when the connection is of no more use."""
        try:
            return not self._broken and self._say("RSET")[0] == 250
        except (OSError, smtplib.SMTPException):
            return False

    def ask(self, to: str) -> str:
        """Whether the server would take mail for an address; raises as :meth:`deliver`. Sends nothing."""
        try:
            self._envelope(RawMail(lambda: (), eight_bit=False), "", to, SILENT)
        except smtplib.SMTPException:
            raise LineLost("cut") from None
        self.reset()
        return ""

    def deliver(self, mail: RawMail, sender: str, to: str, notify: Notify) -> str:
        """Returns the code with which the server took the mail.

        Raises Mistake (it never will), Away (not now; nothing was delivered), LineLost (cut before the end of the mail;
        nothing was delivered), Unavailable ``mail-uncertain`` (the end was sent and no answer came).
        """
        try:
            self._envelope(mail, sender, to, notify)
            code, text = self._say("DATA")
            if code != 354:
                raise _refusal(code, text)
        except smtplib.SMTPException:
            raise LineLost("cut") from None
        code, text = self._content(mail)
        if code != 250:
            raise _refusal(code, text)
        return reply_code(code, text)

    def _begin(self, context: SSL.Context, name: str, check: Check) -> None:
        tls = self._manner.tls
        if tls == "implicit":
            self._prove(context, name, check)
        self._line.allow(self._manner.patience)
        self._expect(220, *self._smtp.getreply())
        self._greet()
        if tls == "starttls":
            if not self._smtp.has_extn("starttls"):
                raise TlsFailed("no STARTTLS")
            code, _ = self._say("STARTTLS")
            if code != 220:
                raise TlsFailed("STARTTLS refused")
            self._prove(context, name, check)
            # What was said in the clear is forgotten, as RFC 3207 §4.2 has it.
            self._smtp.file = None
            self._smtp.esmtp_features = {}
            self._greet()
        elif tls == "none":
            self.fits = check(())
        if self._manner.user:
            self._line.allow(self._manner.patience)
            try:
                self._smtp.login(self._manner.user, read_secret(self._manner.password_file))
            except (smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError):
                # For the operator to mend: no reader's fault.
                raise Away from None

    def _prove(self, context: SSL.Context, name: str, check: Check) -> None:
        self._line.allow(self._manner.patience)
        self.fits = check(self._line.start_tls(context, name))

    def _greet(self) -> None:
        self._line.allow(self._manner.patience)
        self._expect(250, *self._smtp.ehlo())

    def _expect(self, wanted: int, code: int, text: bytes) -> None:
        if code != wanted:
            raise Away(reply_code(code, text))

    def _say(self, command: str, argument: str = "") -> tuple[int, bytes]:
        self._line.allow(self._manner.patience)
        return self._smtp.docmd(command, argument)

    def _envelope(self, mail: RawMail, sender: str, to: str, notify: Notify) -> None:
        if _CONTROL.search(sender + to) or not to:
            raise Mistake("“{address}” is not a mail address.", code="bad-address", address=to[:100])
        utf8 = mail.utf8 or not (sender + to).isascii()
        options = self._mail_options(mail, utf8, notify)
        self._smtp.command_encoding = "utf-8" if utf8 else "ascii"
        code, text = self._say("MAIL", " ".join([f"FROM:<{sender}>", *options]))
        if code != 250:
            raise _refusal(code, text)
        code, text = self._say("RCPT", " ".join([f"TO:<{to}>", *self._recipient_options(notify)]))
        if code not in (250, 251):
            raise _refusal(code, text)

    def _mail_options(self, mail: RawMail, utf8: bool, notify: Notify) -> list[str]:
        options, smtp = [], self._smtp
        if smtp.has_extn("size"):
            limit = smtp.esmtp_features["size"].strip()
            if limit.isdigit() and 0 < int(limit) < mail.size:
                raise Mistake("The mail is too large for the receiving mail server.", code="mail-too-big")
            if mail.size:
                options.append(f"SIZE={mail.size}")
        if mail.eight_bit or utf8:
            # Rewriting the mail as seven bits would break its signatures, so whoever cannot carry it gets none.
            if not smtp.has_extn("8bitmime"):
                raise Mistake("The receiving mail server carries seven bits only.", code="mail-needs-8bit")
            options.append("BODY=8BITMIME")
        if utf8:
            if not smtp.has_extn("smtputf8"):
                raise Mistake("The receiving mail server cannot carry this address.", code="mail-needs-utf8")
            options.append("SMTPUTF8")
        if smtp.has_extn("dsn"):
            # A failure comes back with headers only: the content has travelled once, and not everything is as safe.
            options.append("RET=HDRS")
            options += [f"ENVID={notify.envid}"] if _XTEXT.match(notify.envid) else []
        return options

    def _recipient_options(self, notify: Notify) -> list[str]:
        if not self._smtp.has_extn("dsn"):
            return []
        words = [word.upper() for word in ("success", "failure", "delay") if getattr(notify, word)]
        options = [f"NOTIFY={','.join(words) or 'NEVER'}"] if notify.asked else []
        return options + ([f"ORCPT={notify.orcpt}"] if _XTEXT.match(notify.orcpt) else [])

    def _content(self, mail: RawMail) -> tuple[int, bytes]:
        started, sent, held = time.monotonic(), 0, b""
        for piece in stuffed(mail.open()):
            # One piece is held back, so that the final dot goes out by itself, where doubt begins.
            if held:
                left = self._manner.patience + sent / _LEAST_RATE - (time.monotonic() - started)
                self._line.allow(min(left, self._manner.patience))
                try:
                    self._line.sendall(held)
                except LineLost:
                    return self._last_words()
                sent += len(held)
            held = piece
        try:
            self._line.allow(self._manner.patience)
            self._line.sendall(held)
            self._line.allow(self._manner.final_patience)
            return self._smtp.getreply()
        except (OSError, smtplib.SMTPException):
            raise Unavailable(
                "The receiving mail server did not say whether it took the mail.", code="mail-uncertain"
            ) from None

    def _last_words(self) -> tuple[int, bytes]:
        """What a server said that stopped listening in the middle: perhaps that the mail is too large.

        Raises LineLost when it said nothing, or what it cannot mean. The connection is of no use afterwards.
        """
        self._broken = True
        try:
            self._line.allow(_LAST_PATIENCE)
            code, text = self._smtp.getreply()
        except (OSError, smtplib.SMTPException):
            raise LineLost("cut while sending") from None
        if not 400 <= code <= 599:
            raise LineLost("cut while sending")
        return code, text


def _refusal(code: int, text: bytes) -> Mistake | Away:
    reply = reply_code(code, text)
    if 500 <= code <= 599:
        return Mistake("The receiving mail server refuses the mail ({reply}).", code="mail-refused", reply=reply)
    return Away(reply)

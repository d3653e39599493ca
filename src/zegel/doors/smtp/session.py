"""One connection to the SMTP door: aiosmtpd's session, hardened (RFC 5321, 2920, 3207, 4954, 6409).

From aiosmtpd come the connection, STARTTLS, HELO, NOOP, RSET, QUIT and HELP. Ours are: the command loop (its replies
say nothing of our inside, its log holds no credentials, only CRLF ends a command), DATA as a stream, AUTH through the
journeys' accounts in a thread, deadlines for the session and for DATA, and a reply to clients that half-close.
"""

import asyncio
import base64
import binascii
import logging
import re
from typing import Any

from aiosmtpd.smtp import SMTP, TLSSetupException

from zegel.doors.smtp.data import DataReader
from zegel.doors.smtp.desk import Desk
from zegel.doors.smtp.intake import Envelope, Recipient
from zegel.doors.smtp.replies import TRY_LATER, reply_to
from zegel.doors.smtp.slot import Slot
from zegel.errors import Denied, Mistake, NotFound, ZegelError
from zegel.journeys.ports import Actor
from zegel.parcels.addresses import checked_address

log = logging.getLogger(__name__)
# aiosmtpd tells five things about every connection; ours tells what became of its mails.
logging.getLogger("mail.log").setLevel(logging.WARNING)

_COMMAND_BYTES = 2048
_AUTH_BYTES = 12288
"""RFC 4954 §4: a base64 response may be this long."""
_REPLY_CODE = re.compile(r"([245])\d\d ")
_ENHANCED = {"500": "5.5.2", "501": "5.5.4", "502": "5.5.1", "503": "5.5.1", "504": "5.5.4", "555": "5.5.4"}
_PATH = re.compile(r"(?P<keyword>FROM|TO):\s*<(?P<address>[^<>\s]*)>(?P<parameters>(?:\s+\S+)*)\s*\Z", re.IGNORECASE)
_FAULTS = {
    "bare-line-end": "554 5.6.0 A line of this mail ends with a bare CR or LF; only CRLF is allowed.",
    "long-line": "554 5.6.0 A line of this mail is longer than {line} bytes.",
    "too-large": "552 5.3.4 A mail has at most {message} bytes.",
}


class Goodbye(Exception):
    """End the session after this reply."""

    def __init__(self, reply: str):
        super().__init__(reply)
        self.reply = reply


class Conversation(SMTP):
    """One client. ``actor`` is set once it has logged in; a STARTTLS forgets it (RFC 3207 §4.2)."""

    line_length_limit = 256 * 1024
    """aiosmtpd's name for the size of the read buffer; the length of lines is checked by us."""

    def __init__(self, desk: Desk):
        self.desk = desk
        self.config = desk.config
        self.limits = desk.config.limits
        self.actor: Actor | None = None
        self._taking = False
        self._finishing = False
        self._ours = bytearray()
        self._client = ""
        self._entered = False
        self._mistakes = 0
        self._failed_logins = 0
        self._deadline: asyncio.TimerHandle | None = None
        super().__init__(
            None,
            data_size_limit=self.limits.message_bytes,
            enable_SMTPUTF8=True,
            hostname=self.config.hostname,
            ident="ESMTP Zegel",
            tls_context=desk.tls_context if self.config.tls == "starttls" else None,
            timeout=self.limits.idle_seconds,
            loop=desk.loop,
        )

    # Connection ----------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        again = self._original_transport is not None
        if again:
            # RFC 3207 §5: what came in before TLS was on is forgotten, credentials included.
            self._ours.clear()
            self.actor = None
        else:
            peer = transport.get_extra_info("peername")
            self._client = peer[0] if isinstance(peer, tuple) else "local"
            self._entered = self.desk.gate.enter(self._client)
            self.desk.conversations.add(self)
            self._deadline = self.loop.call_later(
                self.limits.session_seconds, self.say_goodbye, "the session is too long"
            )
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self._entered:
            self._entered = False
            self.desk.gate.leave(self._client)
        self.desk.conversations.discard(self)
        if self._deadline:
            self._deadline.cancel()
        super().connection_lost(error)

    def eof_received(self) -> bool:
        """A client that sends QUIT and closes its half is still answered; the command loop sees the end by itself."""
        self._reader.feed_eof()
        return self.session is not None and self.session.ssl is None and not self.desk.implicit_tls

    def _timeout_cb(self) -> None:
        self.say_goodbye("too long silent")

    def say_goodbye(self, reason: str) -> None:
        """End the session now, with 421; never in the middle of taking a mail's promise."""
        if self.transport is not None and not self._finishing:
            self._writer.write(f"421 4.4.2 {self.hostname} closes the connection: {reason}.\r\n".encode())
            self.transport.close()
        elif self._finishing:
            self.desk.loop.call_later(1, self.say_goodbye, reason)

    @property
    def idle(self) -> bool:
        """No mail is being taken."""
        return not self._taking

    @property
    def secure(self) -> bool:
        """Whether TLS is on."""
        return self._tls_protocol is not None or self.desk.implicit_tls

    # Reading -------------------------------------------------------------------------------------------------------

    async def _more(self) -> bytes:
        data = await self._reader.read(self.limits.chunk_bytes)
        if not data:
            raise asyncio.IncompleteReadError(b"", None)
        return data

    async def _read_line(self, most: int) -> str | None:
        """One command line without its CRLF; None when it is too long or has a wrong line end."""
        too_long = False
        while (end := self._ours.find(b"\n")) < 0:
            if len(self._ours) > most:
                too_long = True
                self._ours.clear()
            self._ours += await self._more()
        line = bytes(self._ours[: end + 1])
        del self._ours[: end + 1]
        if too_long or len(line) > most or not line.endswith(b"\r\n") or b"\r" in line[:-2] or b"\0" in line:
            return None
        try:
            return line[:-2].decode("utf-8")
        except UnicodeDecodeError:
            return None

    # The command loop ----------------------------------------------------------------------------------------------

    async def _handle_client(self) -> None:
        try:
            await self._converse()
        except Goodbye as goodbye:
            await self.push(goodbye.reply)
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError, TLSSetupException):
            pass
        finally:
            if self.transport is not None:
                self.transport.close()

    async def _converse(self) -> None:
        if not self._entered:
            raise Goodbye("421 4.7.0 Too many sessions; please try again later.")
        if self.desk.stopping:
            raise Goodbye("421 4.3.2 This server is stopping; please try again later.")
        await self.push(f"220 {self.hostname} {self.__ident__}")
        for _ in range(self.limits.commands):
            self._reset_timeout()
            line = await self._read_line(_COMMAND_BYTES if not self._may_authenticate else _AUTH_BYTES)
            if line is None:
                await self.push("500 5.5.2 This is no command: its end, its length or its characters are wrong.")
                continue
            command, _, argument = line.partition(" ")
            await self._run(command.upper(), argument.strip() or None)
            if self.desk.stopping:
                raise Goodbye("421 4.3.2 This server is stopping; please try again later.")
        raise Goodbye("421 4.7.0 Too many commands in one session.")

    @property
    def _may_authenticate(self) -> bool:
        return self.actor is None

    async def _run(self, command: str, argument: str | None) -> None:
        method = self._smtp_methods.get(command) if command.isalpha() and command.isascii() else None
        if method is None:
            # The word is not repeated or logged: it may be a password that came too early.
            await self.push("500 5.5.1 This command is unknown.")
            return
        try:
            await method(argument)
        except ZegelError as error:
            await self.push(reply_to(error))
        except (Goodbye, asyncio.IncompleteReadError, ConnectionError, TimeoutError, TLSSetupException):
            raise
        except Exception:
            log.exception("an SMTP command failed")
            await self.push(TRY_LATER)

    async def push(self, status: Any) -> None:
        """Send one reply; refusals are counted, and every reply that should has an enhanced code (RFC 2034)."""
        text = status.decode() if isinstance(status, bytes) else str(status)
        match = _REPLY_CODE.match(text)
        if match and not re.match(r"\d{3} [245]\.\d", text) and not text.startswith(("220 ", f"250 {self.hostname}")):
            text = f"{text[:3]} {_ENHANCED.get(text[:3], match[1] + '.0.0')} {text[4:]}"
        await super().push(text)
        if text.startswith("5"):
            self._mistakes += 1
            if self._mistakes >= self.limits.mistakes:
                raise Goodbye("421 4.7.0 Too many mistakes in one session.")

    # Commands ------------------------------------------------------------------------------------------------------

    async def smtp_EHLO(self, hostname: str | None) -> None:  # noqa: N802
        if not hostname:
            await self.push("501 5.5.4 Syntax: EHLO hostname")
            return
        assert self.session is not None  # noqa: S101
        self._set_rset_state()  # type: ignore[no-untyped-call]
        self.session.extended_smtp = True
        self.session.host_name = hostname
        lines = [self.hostname, f"SIZE {self.limits.message_bytes}", "8BITMIME", "SMTPUTF8", "PIPELINING"]
        lines.append("ENHANCEDSTATUSCODES")
        if self.tls_context and not self._tls_protocol:
            lines.append("STARTTLS")
        if self._auth_offered:
            lines.append("AUTH PLAIN LOGIN")
        lines.append("HELP")
        text = "\r\n".join(f"250-{line}" for line in lines[:-1])
        await super().push(f"{text}\r\n250 {lines[-1]}")

    @property
    def _auth_offered(self) -> bool:
        return self.secure or self.config.loopback

    async def smtp_STARTTLS(self, arg: str | None) -> None:  # noqa: N802
        if self._ours or self._reader._buffer:  # type: ignore[attr-defined]
            # RFC 3207 §4: nothing may follow STARTTLS in the clear. Whoever sends it tries to inject commands.
            raise Goodbye("554 5.5.1 Nothing may follow STARTTLS before TLS is on.")
        if self.secure:
            await self.push("503 5.5.1 TLS is already on.")
            return
        await super().smtp_STARTTLS(arg)

    async def smtp_VRFY(self, arg: str | None) -> None:  # noqa: N802
        await self.push("252 2.5.0 Send the mail and we shall see.")

    async def smtp_EXPN(self, arg: str | None) -> None:  # noqa: N802
        await self.push("502 5.5.1 EXPN is not offered.")

    async def smtp_AUTH(self, arg: str | None) -> None:  # noqa: N802
        if await self.check_helo_needed("EHLO"):
            return
        if not self._auth_offered:
            await self.push("538 5.7.11 Encryption is required first: use STARTTLS.")
            return
        if self.actor:
            await self.push("503 5.5.1 You have already logged in.")
            return
        mechanism, _, initial = (arg or "").partition(" ")
        try:
            login, secret = await self._credentials(mechanism.upper(), initial.strip())
        except Mistake as error:
            await self.push(f"501 5.5.2 {error}")
            return
        await self._authenticate_as(login, secret)

    async def _credentials(self, mechanism: str, initial: str) -> tuple[str, str]:
        if mechanism == "PLAIN":
            parts = (_decoded(initial) if initial else await self._challenge("")).split("\0")
            if len(parts) != 3 or parts[0] not in ("", parts[1]):
                raise Mistake("The credentials are not as RFC 4616 says.", code="bad-auth")
            return parts[1], parts[2]
        if mechanism == "LOGIN":
            login = _decoded(initial) if initial else await self._challenge("Username:")
            return login, await self._challenge("Password:")
        raise Mistake("Only AUTH PLAIN and AUTH LOGIN are known here.", code="bad-auth")

    async def _challenge(self, text: str) -> str:
        await self.push(f"334 {base64.b64encode(text.encode()).decode()}")
        line = await self._read_line(_AUTH_BYTES)
        if line is None or line == "*":
            raise Mistake("AUTH was broken off.", code="bad-auth")
        return _decoded(line)

    async def _authenticate_as(self, login: str, secret: str) -> None:
        pause = self.desk.gate.pause(self._client)
        if pause:
            raise Goodbye(f"421 4.7.0 Too many wrong logins; try again in {int(pause) + 1} seconds.")
        try:
            self.actor = await self.desk.work(self.desk.authenticate, login, secret)
        except (Denied, Mistake, NotFound) as error:
            self.desk.gate.failed(self._client)
            self._failed_logins += 1
            log.info("login refused for a client at %s", self._client)
            if self._failed_logins >= self.limits.failed_logins:
                raise Goodbye("421 4.7.0 Too many wrong logins.") from error
            wait = error.retry_after
            await self.push("454 4.7.0 Too many tries; wait." if wait else "535 5.7.8 Address or password is wrong.")
            return
        except ZegelError:
            # RFC 4954 §6: a failure of ours must not make the program forget its user's password.
            await self.push("454 4.7.0 We cannot check logins now; please try again later.")
            return
        self.desk.gate.succeeded(self._client)
        await self.push("235 2.7.0 You have logged in.")

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802
        if await self.check_helo_needed():
            return
        if self.actor is None:
            await self.push("530 5.7.0 Log in first.")
            return
        assert self.envelope is not None  # noqa: S101
        if self.envelope.mail_from is not None:
            await self.push("503 5.5.1 One MAIL at a time.")
            return
        match = _PATH.match(arg or "")
        if not match or match["keyword"].upper() != "FROM":
            await self.push("501 5.5.4 Syntax: MAIL FROM:<address> [SP parameters]")
            return
        refusal = self._check_parameters(match["parameters"].split())
        if refusal:
            await self.push(refusal)
            return
        if match["address"].lower() != self.actor.address.lower():
            raise Denied("You may only send as {address}.", code="foreign-sender", address=self.actor.address)
        self.envelope.mail_from = match["address"]
        await self.push("250 2.1.0 Sender accepted.")

    def _check_parameters(self, parameters: list[str]) -> str:
        for parameter in parameters:
            name, _, value = parameter.upper().partition("=")
            if name == "SIZE" and value.isascii() and value.isdigit() and len(value) <= 20:
                if int(value) > self.limits.message_bytes:
                    return f"552 5.3.4 A mail has at most {self.limits.message_bytes} bytes."
            elif name == "BODY" and value in ("7BIT", "8BITMIME"):
                pass
            elif parameter.upper() == "SMTPUTF8" and self.envelope is not None:
                self.envelope.smtp_utf8 = True
            elif name != "AUTH":
                return "555 5.5.4 A parameter of MAIL FROM is unknown."
        return ""

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802
        assert self.envelope is not None  # noqa: S101
        if self.envelope.mail_from is None:
            await self.push("503 5.5.1 Say MAIL first.")
            return
        match = _PATH.match(arg or "")
        if not match or match["keyword"].upper() != "TO":
            await self.push("501 5.5.4 Syntax: RCPT TO:<address>")
            return
        if match["parameters"].strip():
            await self.push("555 5.5.4 RCPT TO takes no parameters here.")
            return
        address = checked_address(match["address"])
        if len(self.envelope.rcpt_tos) >= self.limits.recipients:
            # RFC 5321 §4.5.3.1.10: the client sends the mail again to the others.
            await self.push("452 4.5.3 Too many recipients in one mail.")
            return
        if address not in self.envelope.rcpt_tos:
            self.envelope.rcpt_tos.append(address)
        await self.push("250 2.1.5 Recipient accepted.")

    # DATA ----------------------------------------------------------------------------------------------------------

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802
        assert self.envelope is not None  # noqa: S101
        if arg:
            await self.push("501 5.5.4 Syntax: DATA")
            return
        if self.actor is None or not self.envelope.rcpt_tos:
            await self.push("503 5.5.1 Say MAIL and RCPT first.")
            return
        if self._ours or self._reader._buffer:  # type: ignore[attr-defined]
            # RFC 2920 §3.1: DATA is the last command of a group. What follows would be read as mail by one server
            # and as commands by another.
            raise Goodbye("554 5.5.1 Wait for 354 before you send the mail.")
        envelope = Envelope(self.actor, tuple(Recipient(address) for address in self.envelope.rcpt_tos))
        self._set_post_data_state()  # type: ignore[no-untyped-call]
        self._taking = True
        try:
            await self.push("354 End the mail with CRLF.CRLF")
            await self._take_mail(envelope)
        finally:
            self._taking = False

    async def _take_mail(self, envelope: Envelope) -> None:
        reader = DataReader(self.limits.message_bytes, self.limits.line_bytes)
        slot = Slot(self.desk, envelope)
        try:
            async with asyncio.timeout(self.limits.data_seconds):
                await self._read_mail(reader, slot)
        except TimeoutError:
            slot.break_off()
            raise Goodbye("421 4.4.2 This mail takes too long; please try again later.") from None
        except BaseException:
            slot.break_off()
            raise
        if reader.fault:
            slot.break_off()
            text = _FAULTS[reader.fault].format(line=self.limits.line_bytes, message=self.limits.message_bytes)
            await self.push(text)
            return
        self._finishing = True
        try:
            reply = await slot.finish()
        finally:
            self._finishing = False
        await self.push(reply)

    async def _read_mail(self, reader: DataReader, slot: Slot) -> None:
        pieces: list[bytes] = []
        waiting = 0
        while not reader.done:
            self._reset_timeout()
            piece = reader.feed(await self._more())
            if reader.fault == "too-large" and reader.size > 2 * self.limits.message_bytes:
                raise Goodbye(_FAULTS["too-large"].format(message=self.limits.message_bytes))
            pieces.append(piece)
            waiting += len(piece)
            if waiting >= self.limits.chunk_bytes or reader.fault:
                await slot.feed(b"".join(pieces))
                pieces, waiting = [], 0
        self._ours[:0] = reader.rest
        slot.last = b"".join(pieces)


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text if text != "=" else "", validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise Mistake("This is not base64 of UTF-8 text.", code="bad-auth") from None

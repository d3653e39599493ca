"""What is known of one client, and how it is answered. Commands are in files of their own (``conversation``)."""

import asyncio
import re
from dataclasses import dataclass, field

from zegel.doors.smtp.desk import Desk, Post
from zegel.doors.smtp.intake import Recipient
from zegel.doors.smtp.parameters import MailParameters
from zegel.doors.smtp.stream import Stream
from zegel.doors.smtp.tls import certified_names
from zegel.doors.smtp.trust import may_relay
from zegel.journeys.ports.people import Actor

COMMAND_BYTES = 2048
AUTH_BYTES = 12288
"""RFC 4954 §4: a base64 response may be this long."""


class Goodbye(Exception):
    """End the session after this reply."""

    def __init__(self, reply: str):
        super().__init__(reply)
        self.reply = reply


@dataclass(slots=True)
class Transaction:
    """One mail being announced: MAIL, and the RCPTs that were taken (RFC 5321 §3.3)."""

    mail: MailParameters
    recipients: dict[str, Recipient] = field(default_factory=dict)
    bounce: bool = False
    """To addresses that the courier made, and to nobody else."""


class Session:
    """One client. ``actor`` is set once it has logged in; a STARTTLS forgets everything (RFC 3207 §4.2)."""

    def __init__(self, post: Post, stream: Stream):
        self.post = post
        self.desk: Desk = post.desk
        self.listener = post.listener
        self.limits = post.limits
        self.stream = stream
        self.client = stream.client
        self.actor: Actor | None = None
        self.known_since = 0.0
        """When (by the loop's clock) the actor was last found to be still let in."""
        self.greeted = ""
        """EHLO or HELO, once said."""
        self.transaction: Transaction | None = None
        self.mistakes = 0
        self.failed_logins = 0
        self.taking = False
        """A mail is being taken."""
        self.finishing = False
        """A promise is being written: nothing may end the session now."""

    # Replies ------------------------------------------------------------------------------------------------------

    async def reply(self, text: str) -> None:
        """Send a reply; refusals are counted, and too many of them end the session."""
        await self.stream.write(text.encode() + b"\r\n")
        if text.startswith("5"):
            self.mistakes += 1
            if self.mistakes >= self.limits.mistakes:
                raise Goodbye("421 4.7.0 Too many mistakes in one session.")

    async def command(self) -> str | None:
        """The next line without its CRLF; None when it is too long, or has wrong characters or a wrong line end.

        However it drips in, it must be whole within ``idle_seconds``. Raises Goodbye, Gone.
        """
        try:
            async with asyncio.timeout(self.limits.idle_seconds):
                line = await self.stream.line(AUTH_BYTES if self.actor is None else COMMAND_BYTES)
        except TimeoutError:
            raise Goodbye(f"421 4.4.2 {self.hostname} closes the connection: too long silent.") from None
        if line is None or not line.endswith(b"\r\n") or re.search(rb"[\r\x00]", line[:-2]):
            return None
        try:
            return line[:-2].decode("utf-8")
        except UnicodeDecodeError:
            return None

    def say_goodbye(self, reason: str) -> None:
        """End the session now, with 421; never in the middle of writing a mail's promise."""
        if self.finishing:
            self.desk.loop.call_later(1, self.say_goodbye, reason)
        else:
            self.stream.last_words(f"421 4.4.2 {self.hostname} closes the connection: {reason}.\r\n".encode())

    # What holds now -----------------------------------------------------------------------------------------------

    @property
    def hostname(self) -> str:
        return self.desk.config.hostname

    @property
    def idle(self) -> bool:
        """No mail is being taken."""
        return not self.taking

    @property
    def secure(self) -> bool:
        """TLS is on, or nobody but this machine can listen in."""
        return self.stream.tls is not None or self.listener.loopback

    @property
    def offers_tls(self) -> bool:
        return self.listener.tls == "starttls" and self.stream.tls is None

    @property
    def offers_login(self) -> bool:
        return self.listener.kind == "submission" and self.secure

    @property
    def trusted(self) -> bool:
        """This is one of the organisation's own mail servers."""
        return may_relay(self.listener, self.client, certified_names(self.stream.tls))

    def forget(self) -> None:
        """After STARTTLS: what the client said in the clear may have been said by somebody else."""
        self.actor = None
        self.greeted = ""
        self.transaction = None

"""What all sessions of the SMTP door share (the desk), and what those of one listener share (its post)."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import ParamSpec, Protocol, TypeVar

from zegel.doors.smtp.config import DoorConfig, Listener
from zegel.doors.smtp.gate import Gate
from zegel.doors.smtp.intake import Submit
from zegel.doors.smtp.tls import ServerTls
from zegel.journeys.judge import FindWays
from zegel.journeys.ports.people import Actor

P = ParamSpec("P")
T = TypeVar("T")

Authenticate = Callable[[str, str], Actor]
"""(address, password or token) → actor; raises Denied."""


class Bearer(Protocol):
    """Who has this token of the OpenID provider? (``people.bearer.Bearer``)."""

    @property
    def configuration(self) -> str:
        """Where the provider describes itself."""

    def __call__(self, token: str) -> Actor:
        """Raises Denied; Unavailable when the provider cannot be asked."""


class Authors(Protocol):
    """Who may send as whom (``journeys.authors.Authors``)."""

    def author(self, actor: Actor | None, senders: Sequence[tuple[str, str]]) -> Actor:
        """The actor that a mail with these (name, address) in its From comes from; raises Denied.

        ``actor`` is who logged in; None when one of the organisation's own servers relays.
        """

    def is_current(self, actor: Actor) -> bool:
        """Whether what this actor showed when it logged in would still let it in."""


class Bounces(Protocol):
    """Mail to the courier's return addresses (``journeys.bounce.Bounce``): bounces, out-of-office replies."""

    def is_bounce_address(self, address: str) -> bool:
        """Whether an address has the shape of one; costs no look-up."""

    def check(self, address: str) -> None:
        """Raises Denied ``forged-bounce`` for one that was not made here."""

    def take(self, address: str, sender: str, mail: Iterable[bytes]) -> None:
        """Read a mail and do what follows; durable when it returns. Raises Denied, Unavailable."""


class Incoming(Protocol):
    """Mail from strangers for mailboxes of the organisation (``journeys.incoming.Incoming``)."""

    def is_mailbox(self, address: str) -> bool:
        """Whether an address is in a domain of our mailboxes; costs no look-up."""

    def check(self, address: str) -> None:
        """Raises Denied ``unknown-mailbox``, Unavailable."""

    def author(self, returned: str, senders: Sequence[tuple[str, str]]) -> Actor:
        """Who sends, by return address and From; raises Denied."""


class Closing(Protocol):
    """A session, as far as stopping goes."""

    @property
    def idle(self) -> bool:
        """No mail is being taken."""

    def say_goodbye(self, reason: str) -> None: ...


class Open(Protocol):
    """A connection, as far as stopping goes."""

    def abort(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Journeys:
    """What the door asks of the inside of the house."""

    submit: Submit
    authenticate: Authenticate
    authors: Authors
    clock: Callable[[], datetime]
    bounces: Bounces | None = None
    bearer: Bearer | None = None
    ways: FindWays | None = None
    incoming: Incoming | None = None


class Desk:
    """Made inside the event loop; :meth:`close` waits for what the threads are doing."""

    def __init__(self, config: DoorConfig, journeys: Journeys):
        config.check()
        self.config = config
        self.journeys = journeys
        self.loop = asyncio.get_running_loop()
        self.posts = tuple(Post(self, listener) for listener in config.listeners)
        self.sessions: set[Closing] = set()
        self.streams: set[Open] = set()
        """Every connection that the kernel gave us, also before its session begins and after it ended."""
        self.stopping = False
        self._pool = ThreadPoolExecutor(config.limits.workers, thread_name_prefix="smtp")

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """What AUTH offers."""
        return ("PLAIN", "LOGIN", "OAUTHBEARER") if self.journeys.bearer else ("PLAIN", "LOGIN")

    def work(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> "asyncio.Future[T]":
        """Run something that blocks in the pool."""
        return asyncio.wrap_future(self._pool.submit(call, *args, **kwargs), loop=self.loop)

    def work_later(self, call: Callable[[], None]) -> None:
        """The same, for what nobody waits for; while stopping it is done at once."""
        try:
            self._pool.submit(call)
        except RuntimeError:
            call()

    def close(self) -> None:
        self._pool.shutdown(wait=True)


class Post:
    """One listener: its limits, its gate, its TLS."""

    def __init__(self, desk: Desk, listener: Listener):
        self.desk = desk
        self.listener = listener
        self.limits = listener.limits or desk.config.limits
        self.gate = Gate(self.limits, desk.loop.time)
        self.tls = ServerTls(listener) if listener.tls != "none" else None

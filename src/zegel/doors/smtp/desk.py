"""What all conversations of the SMTP door share: its configuration, its journeys, its threads and its gate."""

import asyncio
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import ParamSpec, Protocol, TypeVar

from zegel.doors.smtp.config import DoorConfig
from zegel.doors.smtp.gate import Gate
from zegel.doors.smtp.intake import Submit
from zegel.journeys.ports import Actor

P = ParamSpec("P")
T = TypeVar("T")

Authenticate = Callable[[str, str], Actor]
"""(address, password or token) → actor; raises Denied."""


class Closing(Protocol):
    """A conversation, as far as stopping goes."""

    @property
    def idle(self) -> bool:
        """No mail is being taken."""

    def say_goodbye(self, reason: str) -> None: ...


class Desk:
    """Made inside the event loop; :meth:`close` waits for what the threads are doing."""

    def __init__(self, config: DoorConfig, submit: Submit, authenticate: Authenticate, clock: Callable[[], datetime]):
        config.check()
        self.config = config
        self.submit = submit
        self.authenticate = authenticate
        self.clock = clock
        self.loop = asyncio.get_running_loop()
        self.gate = Gate(config.limits.sessions, config.limits.client_sessions, self.loop.time)
        self.tls_context = _tls_context(config)
        self.conversations: set[Closing] = set()
        self.stopping = False
        self._pool = ThreadPoolExecutor(config.limits.workers, thread_name_prefix="smtp")

    @property
    def implicit_tls(self) -> bool:
        return self.config.tls == "implicit"

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


def _tls_context(config: DoorConfig) -> ssl.SSLContext | None:
    if config.tls == "none" or config.certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.load_cert_chain(config.certificate, config.private_key)
    return context

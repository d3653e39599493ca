"""Listen for mail until told to stop (``zegel serve --role smtp``)."""

import asyncio
import contextlib
import logging
import signal
import threading
from collections.abc import Callable
from datetime import datetime

from zegel.doors.smtp.config import DoorConfig
from zegel.doors.smtp.desk import Authenticate, Desk
from zegel.doors.smtp.intake import Submit
from zegel.doors.smtp.session import Conversation

log = logging.getLogger(__name__)


def run(
    config: DoorConfig,
    submit: Submit,
    authenticate: Authenticate,
    clock: Callable[[], datetime],
    ready: Callable[[int], None] = lambda port: None,
) -> None:
    """Serve until SIGTERM or SIGINT; returns when every mail that had begun is answered (or ``stop_seconds`` passed).

    ``ready`` is told the port. Off the main thread signals are somebody else's: use :class:`Server` there.
    Raises Mistake for a configuration that cannot be, OSError when the address cannot be had.
    """
    asyncio.run(_run(config, submit, authenticate, clock, ready))


async def _run(
    config: DoorConfig,
    submit: Submit,
    authenticate: Authenticate,
    clock: Callable[[], datetime],
    ready: Callable[[int], None],
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(Desk(config, submit, authenticate, clock), stop, ready)


async def serve(desk: Desk, stop: asyncio.Event, ready: Callable[[int], None]) -> None:
    """Listen until ``stop`` is set, then finish what has begun."""
    config = desk.config
    server = await asyncio.get_running_loop().create_server(
        lambda: Conversation(desk),
        config.host,
        config.port,
        ssl=desk.tls_context if config.tls == "implicit" else None,
        backlog=256,
    )
    ready(server.sockets[0].getsockname()[1])
    await stop.wait()
    server.close()
    await _drain(desk)
    # Off the loop: mails whose client is gone may still be in the pool, and their promise may already be written.
    await asyncio.to_thread(desk.close)


async def _drain(desk: Desk) -> None:
    """Idle clients are told to come back later; those in the middle of a mail get their answer first."""
    desk.stopping = True
    deadline = desk.loop.time() + desk.config.stop_seconds
    while desk.conversations and desk.loop.time() < deadline:
        for conversation in list(desk.conversations):
            if conversation.idle:
                conversation.say_goodbye("this server is stopping")
        await asyncio.sleep(0.05)
    for conversation in list(desk.conversations):
        conversation.say_goodbye("this server is stopping")


class Server:
    """The door in a thread of its own, for a process that serves other things too (``zegel serve``, ``zegel demo``)."""

    def __init__(self, config: DoorConfig, submit: Submit, authenticate: Authenticate, clock: Callable[[], datetime]):
        self._parts = (config, submit, authenticate, clock)
        self._thread = threading.Thread(target=self._serve, name="smtp-door", daemon=True)
        self._listening = threading.Event()
        self._error: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self.port = 0

    def start(self) -> None:
        """Returns when the door listens on ``port``; raises what kept it from that."""
        self._thread.start()
        self._listening.wait()
        if self._error:
            raise self._error

    def stop(self) -> None:
        """Returns when the last mail is answered."""
        if self._thread.is_alive() and self._loop and self._stop:
            with contextlib.suppress(RuntimeError):  # it has just ended by itself
                self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _serve(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:
            if self._listening.is_set():
                log.exception("the SMTP door has ended")
            self._error = error
        finally:
            self._listening.set()

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()

        def ready(port: int) -> None:
            self.port = port
            self._listening.set()

        await serve(Desk(*self._parts), self._stop, ready)

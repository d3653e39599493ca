"""Listen for mail until told to stop (``zegel serve --role smtp``)."""

import asyncio
import signal
from collections.abc import Callable
from functools import partial

from zegel.doors.smtp.config import DoorConfig
from zegel.doors.smtp.conversation import converse
from zegel.doors.smtp.desk import Desk, Journeys, Post
from zegel.doors.smtp.stream import Stream

LAST_WORDS_SECONDS = 1.0
"""So long clients have to take our goodbye once no session is left."""

Ready = Callable[[tuple[int, ...]], None]
"""Told the ports, in the order of the listeners, when all of them listen."""


def run(config: DoorConfig, journeys: Journeys, ready: Ready = lambda ports: None) -> None:
    """Serve until SIGTERM or SIGINT; returns when every mail that had begun is answered (or ``stop_seconds`` passed).

    Raises Mistake for a configuration that cannot be, OSError when an address cannot be had.
    """
    asyncio.run(_run(config, journeys, ready))


async def _run(config: DoorConfig, journeys: Journeys, ready: Ready) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(Desk(config, journeys), stop, ready)


async def serve(desk: Desk, stop: asyncio.Event, ready: Ready) -> None:
    """Listen until ``stop`` is set, then finish what has begun."""
    servers = [await _listen(post) for post in desk.posts]
    ready(tuple(server.sockets[0].getsockname()[1] for server in servers))
    await stop.wait()
    await _stop_listening(servers)
    await _drain(desk)
    # Off the loop: mails whose client is gone may still be in the pool, and their promise may already be written.
    await asyncio.to_thread(desk.close)


async def _listen(post: Post) -> asyncio.Server:
    # TLS begins inside the session, also where it is implicit: so that a client that never shakes hands is counted.
    return await asyncio.get_running_loop().create_server(
        lambda: Stream(partial(converse, post), post.desk.streams),
        post.listener.host,
        post.listener.port,
        backlog=256,
        reuse_port=post.desk.config.share_ports or None,
    )


async def _stop_listening(servers: list[asyncio.Server]) -> None:
    """Close the listeners, and lose no connection that was accepted a moment ago.

    asyncio makes the transport of a connection one turn after it accepted it, and when its server is closed by then it
    drops the socket without closing it: the client waits for its greeting, five minutes by RFC 5321 §4.5.3.2.1, and
    with it a Postfix holds back every other mail for us.
    """
    loop = asyncio.get_running_loop()
    for server in servers:
        for socket in server.sockets:
            loop.remove_reader(socket.fileno())
    await asyncio.sleep(0)
    for server in servers:
        server.close()


async def _drain(desk: Desk) -> None:
    """Idle clients are told to come back later; those in the middle of a mail get their answer first."""
    desk.stopping = True
    deadline = desk.loop.time() + desk.config.stop_seconds
    while desk.streams and desk.loop.time() < deadline:
        for session in list(desk.sessions):
            if session.idle:
                session.say_goodbye("this server is stopping")
        if not desk.sessions:
            deadline = min(deadline, desk.loop.time() + LAST_WORDS_SECONDS)
        await asyncio.sleep(0.05)
    for session in list(desk.sessions):
        session.say_goodbye("this server is stopping")
    for stream in list(desk.streams):
        stream.abort()
    await asyncio.sleep(0)  # an aborted transport closes its socket in the next turn

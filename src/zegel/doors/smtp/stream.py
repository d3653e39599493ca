"""The octets of one connection: lines and pieces in, replies out, TLS under way (RFC 3207).

On asyncio's transports. Nothing is read ahead without end: a client that sends faster than we seal is held back by TCP,
and one that does not read its replies is not read from either.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

_HIGH_WATER = 1024 * 1024
_HELD = 4096
LINGER_SECONDS = 10.0
"""So long a client that does not read has for our last words."""


class Gone(Exception):
    """The client is no longer there."""


class Stream(asyncio.Protocol):
    """``converse`` is run for every connection, and the connection is closed when it returns."""

    def __init__(self, converse: "Callable[[Stream], Coroutine[Any, Any, None]]", among: "set[Any]"):
        """``among`` holds this one from now until its connection is lost."""
        self._converse = converse
        self._among = among
        among.add(self)
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._pieces: deque[bytes] = deque()
        self._waiting = 0
        self._held = bytearray()
        """Replies to a group of commands go out together (RFC 2920 §3.2)."""
        self._arrival: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._ended = False
        self._task: asyncio.Task[None] | None = None
        self._lingering: asyncio.TimerHandle | None = None
        self.client = ""
        """The client's address as text, ``local`` for one that has none."""

    # What asyncio calls ------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  (TCP)
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self.client = peer[0] if isinstance(peer, tuple) else "local"
        self._task = self._loop.create_task(self._run())

    def data_received(self, data: bytes) -> None:
        self._pieces.append(data)
        self._waiting += len(data)
        if self._waiting > _HIGH_WATER and self._transport is not None:
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """A client that sends QUIT and closes its half is still answered; TLS has no half-closed connections."""
        self._ended = True
        self._wake()
        return not self.tls

    def connection_lost(self, error: Exception | None) -> None:
        self._ended = True
        self._transport = None
        self._among.discard(self)
        if self._lingering:
            self._lingering.cancel()
        self._wake()
        self.resume_writing()

    def pause_writing(self) -> None:
        if self._writable is None:
            self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        writable, self._writable = self._writable, None
        if writable and not writable.done():
            writable.set_result(None)

    def _wake(self) -> None:
        if self._arrival and not self._arrival.done():
            self._arrival.set_result(None)

    async def _run(self) -> None:
        try:
            await self._converse(self)
        finally:
            self.close()

    # What conversations call --------------------------------------------------------------------------------------

    @property
    def empty(self) -> bool:
        """Nothing came in that has not been read."""
        return not self._pieces

    async def piece(self) -> bytes:
        """The next octets, as many as the network brought at once; raises Gone."""
        while not self._pieces:
            if self._ended:
                raise Gone
            self._flush()
            self._arrival = self._loop.create_future()
            await self._arrival
        data = self._pieces.popleft()
        self._waiting -= len(data)
        if self._transport is not None and self._waiting <= _HIGH_WATER and not self._transport.is_closing():
            self._transport.resume_reading()
        return data

    def put_back(self, data: bytes) -> None:
        """What was read too far."""
        if data:
            self._pieces.appendleft(data)
            self._waiting += len(data)

    async def line(self, most: int) -> bytes | None:
        """One line with its line end; None for one longer than ``most``, which is dropped. Raises Gone."""
        line = bytearray()
        too_long = False
        while True:
            data = await self.piece()
            end = data.find(b"\n") + 1
            line += data[: end or len(data)]
            if len(line) > most:
                too_long = True
                line.clear()
            if end:
                self.put_back(data[end:])
                return None if too_long else bytes(line)

    async def write(self, data: bytes) -> None:
        """Send, now or with the next reply when more commands have come; waits while the client does not read.

        Raises Gone.
        """
        if self._transport is None or self._transport.is_closing():
            raise Gone
        self._held += data
        if not self._pieces or len(self._held) > _HELD:
            self._flush()
        if self._writable:
            await self._writable

    def _flush(self) -> None:
        if self._held and self._transport is not None and not self._transport.is_closing():
            self._transport.write(bytes(self._held))
        self._held.clear()

    def last_words(self, data: bytes) -> None:
        """Send and close, without waiting for anybody."""
        self._held += data
        self._flush()
        self.close()

    def close(self) -> None:
        """Close once all is sent, or the client has had long enough to read it."""
        if self._transport is not None and self._lingering is None:
            self._flush()
            self._transport.close()
            self._lingering = self._loop.call_later(LINGER_SECONDS, self._transport.abort)

    def abort(self) -> None:
        """Close at once, whatever the client has not read."""
        if self._transport is not None:
            self._transport.abort()

    # TLS ----------------------------------------------------------------------------------------------------------

    @property
    def tls(self) -> ssl.SSLObject | None:
        """TLS as it is on now; None in the clear."""
        found = self._transport.get_extra_info("ssl_object") if self._transport is not None else None
        return found if isinstance(found, ssl.SSLObject) else None

    async def start_tls(self, context: ssl.SSLContext, seconds: float, before: bytes = b"") -> None:
        """Say ``before`` in the clear, then shake hands. Raises Gone when that fails or takes too long.

        Reading stops before the word is given, so that no octet that came in the clear is taken for one under TLS.
        """
        if self._transport is None or self._pieces:
            raise Gone
        self._transport.pause_reading()
        self._held += before
        self._flush()
        try:
            found = await self._loop.start_tls(
                self._transport, self, context, server_side=True, ssl_handshake_timeout=seconds
            )
        except (OSError, ssl.SSLError, EOFError) as error:
            raise Gone from error
        if found is None:
            raise Gone
        self._transport = found

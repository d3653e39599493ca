"""One mail's place in the thread pool: what is fed to it, what went wrong with it, and the reply that it earns."""

import asyncio
import logging
import threading
from abc import ABC, abstractmethod

from zegel.doors.smtp.desk import Desk
from zegel.doors.smtp.intake import Envelope, Intake
from zegel.doors.smtp.replies import TRY_LATER, reply_to
from zegel.errors import ZegelError
from zegel.post.bounce import MOST_BYTES

log = logging.getLogger(__name__)


class Slot(ABC):
    """Feed, then finish or break off. After an error the rest of the mail is dropped, and :meth:`finish` tells it."""

    def __init__(self, desk: Desk):
        self._desk = desk
        self._error: Exception | None = None
        self._lock = threading.Lock()
        self.last = b""
        """What the mail ended with and was not fed: :meth:`finish` takes it along, in one visit to the pool."""

    async def feed(self, data: bytes) -> None:
        """Take a piece."""
        if data and self._error is None:
            await self._desk.work(self._feed, data)

    async def finish(self) -> str:
        """Take the rest and keep it; returns the reply. Once begun it runs to its end, even when the client is gone."""
        return await asyncio.shield(self._desk.work(self._finish))

    def break_off(self) -> None:
        """Forget the mail, after whatever the pool is doing with it now."""
        self._desk.work_later(self._abort)

    def _feed(self, data: bytes) -> None:
        with self._lock:
            try:
                self._take(data)
            except Exception as error:  # noqa: BLE001  (whatever it is, the client gets a reply for it)
                self._error = error

    def _finish(self) -> str:
        self._feed(self.last)
        if self._error is None:
            try:
                return self._keep()
            except Exception as error:  # noqa: BLE001
                self._error = error
        self._abort()
        if isinstance(self._error, ZegelError):
            log.info("a mail was refused: %s", self._error.kind)
        else:
            log.error("a mail could not be taken", exc_info=self._error)
        return reply_to(self._error) if self._error else TRY_LATER

    def _abort(self) -> None:
        with self._lock:
            self._forget()

    @abstractmethod
    def _take(self, data: bytes) -> None: ...

    @abstractmethod
    def _keep(self) -> str:
        """Make it durable; returns the reply."""

    @abstractmethod
    def _forget(self) -> None:
        """Never raises."""


class MailSlot(Slot):
    """A mail that becomes a parcel: parsed and sealed while it arrives."""

    def __init__(self, desk: Desk, envelope: Envelope):
        super().__init__(desk)
        self._intake: Intake | None = None
        self._envelope = envelope

    def _take(self, data: bytes) -> None:
        if self._intake is None:
            journeys = self._desk.journeys
            self._intake = Intake(journeys.submit, self._desk.config, self._envelope, journeys.clock, journeys.ways)
        self._intake.feed(data)

    def _keep(self) -> str:
        if self._intake is None:
            return TRY_LATER
        parcel = self._intake.finish()
        log.info("parcel %s accepted for %d readers", parcel, len(self._envelope.recipients))
        return f"250 2.0.0 Accepted as parcel {parcel}"

    def _forget(self) -> None:
        if self._intake:
            self._intake.abort()


class BounceSlot(Slot):
    """A bounce or an automatic reply: its beginning is kept in memory, and read (RFC 3462: reports stand first)."""

    def __init__(self, desk: Desk, sender: str, recipients: tuple[str, ...]):
        super().__init__(desk)
        self._sender = sender
        self._recipients = recipients
        self._data = bytearray()

    def _take(self, data: bytes) -> None:
        self._data += data[: MOST_BYTES - len(self._data)]

    def _keep(self) -> str:
        if self._desk.journeys.bounces is None:
            return TRY_LATER
        for address in self._recipients:
            self._desk.journeys.bounces.take(address, self._sender, (bytes(self._data),))
        return "250 2.0.0 Thank you"

    def _forget(self) -> None:
        self._data.clear()

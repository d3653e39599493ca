"""One mail's place in the thread pool: what is fed to it, what went wrong with it, and the reply that it earns."""

import asyncio
import logging
import threading

from zegel.doors.smtp.desk import Desk
from zegel.doors.smtp.intake import Envelope, Intake
from zegel.doors.smtp.replies import TRY_LATER, reply_to
from zegel.errors import ZegelError

log = logging.getLogger(__name__)


class Slot:
    """Feed, then finish or break off. After an error the rest of the mail is dropped, and :meth:`finish` tells it."""

    def __init__(self, desk: Desk, envelope: Envelope):
        self._desk = desk
        self._envelope = envelope
        self._intake: Intake | None = None
        self._error: Exception | None = None
        self._lock = threading.Lock()
        self.last = b""
        """What the mail ended with and was not fed: :meth:`finish` takes it along, in one visit to the pool."""

    async def feed(self, data: bytes) -> None:
        """Parse and seal a piece."""
        if data and self._error is None:
            await self._desk.work(self._feed, data)

    async def finish(self) -> str:
        """Seal the rest and deposit; returns the reply. Once begun it runs to its end, even when the client is gone."""
        return await asyncio.shield(self._desk.work(self._finish))

    def break_off(self) -> None:
        """Forget the mail, after whatever the pool is doing with it now."""
        self._desk.work_later(self._abort)

    def _feed(self, data: bytes) -> None:
        with self._lock:
            try:
                if self._intake is None:
                    desk = self._desk
                    self._intake = Intake(desk.submit, desk.config, self._envelope, desk.clock)
                self._intake.feed(data)
            except Exception as error:  # noqa: BLE001  (whatever it is, the client gets a reply for it)
                self._error = error

    def _finish(self) -> str:
        self._feed(self.last)
        if self._error is None and self._intake is not None:
            try:
                parcel = self._intake.finish()
                log.info("parcel %s accepted for %d readers", parcel, len(self._envelope.recipients))
                return f"250 2.0.0 Accepted as parcel {parcel}"
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
            if self._intake:
                self._intake.abort()

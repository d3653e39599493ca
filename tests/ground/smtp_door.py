"""The SMTP door beside the test that drives it."""

import asyncio
import contextlib
import logging
import threading

from zegel.doors.smtp.config import DoorConfig
from zegel.doors.smtp.desk import Desk, Journeys
from zegel.doors.smtp.serve import serve


class Server:
    """The door in a thread of this process."""

    def __init__(self, config: DoorConfig, journeys: Journeys):
        self._parts = (config, journeys)
        self._thread = threading.Thread(target=self._serve, name="smtp-door", daemon=True)
        self._listening = threading.Event()
        self._error: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self.ports: tuple[int, ...] = ()

    def start(self) -> None:
        """Returns when the door listens on ``ports``; raises what kept it from that."""
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
                logging.exception("the SMTP door has ended")
            self._error = error
        finally:
            self._listening.set()

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()

        def ready(ports: tuple[int, ...]) -> None:
            self.ports = ports
            self._listening.set()

        await serve(Desk(*self._parts), self._stop, ready)

"""Ending a sealing command that was told to end, also when its main thread can't hear that.

Python runs the handler of a signal in the main thread, between two instructions of it. If another thread of the process
takes the signal, or the main thread takes it in the instant before it begins to wait, the handler runs after that wait:
at a pipe that stays silent, never. And a thread that writes to a pipe whose reader sleeps can't be called back at all.
What always runs is Python's own handler in C, which writes the signal's number to the wake-up descriptor
(``signal.set_wakeup_fd``): here a thread reads it, leaves the main thread a moment to leave in good order, and then
ends the process.
"""

import os
import signal
import threading
from types import FrameType, TracebackType
from typing import NoReturn

from zegel.doors.cli.seal_output import take_away_unfinished

_MOMENT = 0.5
"""Seconds that the main thread has for leaving through every ``with``."""
_ENDING = (signal.SIGTERM, signal.SIGINT)


class Ending:
    """The time, in a ``with``, in which SIGTERM and Ctrl-C end the command and take its unfinished output away.

    Outside the main thread, where Python hands out no signals, it does nothing.
    """

    def __init__(self) -> None:
        self._over = threading.Event()
        self._heard = -1
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        self._hears, self._heard = os.pipe()
        os.set_blocking(self._heard, False)
        self._thread.start()
        self._fd_before = signal.set_wakeup_fd(self._heard, warn_on_full_buffer=False)
        self._before = signal.signal(signal.SIGTERM, _leave)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._heard < 0:
            return
        self._over.set()
        signal.signal(signal.SIGTERM, self._before)
        signal.set_wakeup_fd(self._fd_before)
        os.close(self._heard)
        self._thread.join()
        os.close(self._hears)

    def _listen(self) -> None:
        while number := os.read(self._hears, 1):
            if number[0] in _ENDING and not self._over.wait(_MOMENT):
                take_away_unfinished()
                os._exit(128 + number[0])


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    """Leave through every ``with``, so that an unfinished output is taken away."""
    raise SystemExit(128 + number)

"""A progress bar for a person who waits; nothing for a pipe, a script or a short job."""

import os
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

_PATIENCE = 0.7
_INTERVAL = 0.1


class Waiting:
    """Told how many bytes are done; draws nothing until somebody has waited a moment."""

    def __init__(self, what: str, total: int | None) -> None:
        self._what = what
        self._total = total
        self._next = time.monotonic() + _PATIENCE
        self._bar: Bar | None = None
        # With the text itself going to the terminal a bar would be in its way.
        self._wanted = sys.stderr.isatty() and not os.isatty(1)

    def __call__(self, done: int) -> None:
        """Draw, at most ten times a second."""
        if not self._wanted or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _INTERVAL
        if self._bar is None:
            self._bar = self._start()
        self._bar.update(self._bar.task_ids[0], completed=done)

    def _start(self) -> "Bar":
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
        from rich.progress import TransferSpeedColumn as Speed

        columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), Speed(), TimeRemainingColumn()
        bar = Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False)
        bar.add_task(self._what, total=self._total)
        bar.start()
        return bar

    def end(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()

"""How a patch behaves as this process sees it: its speed, its failures, and when to leave it alone for a while."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from zegel.errors import Unavailable
from zegel.stores.drivers.driver import is_permanent

_FAILURES = 3
"""In a row, until the breaker opens; a permanent failure opens it at once."""
_FIRST_PAUSE = 2.0
_LONGEST_PAUSE = 120.0
_WEIGHT = 0.2
_UNKNOWN = 0.05
"""Seconds to the first bytes, until something was measured."""


@dataclass(slots=True)
class Health:
    """A circuit breaker and a moving average. Open: it is asked last, if at all."""

    now: Callable[[], float] = time.monotonic
    latency: float = _UNKNOWN
    lagging: bool = False
    """Another copy overtook it, and it has not answered well since."""
    _row: int = 0
    _pause: float = 0.0
    _until: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def open(self) -> bool:
        """Whether to leave it alone for now; when the pause is over it is tried again."""
        return bool(self._pause) and self.now() < self._until

    def good(self, seconds: float | None = None) -> None:
        """A request went well; ``seconds`` to its first bytes."""
        with self._lock:
            self._row, self._pause, self.lagging = 0, 0.0, False
            if seconds is not None:
                self.latency += _WEIGHT * (seconds - self.latency)

    def slow(self) -> None:
        """It has not answered for too long: the next reader asks another one first."""
        with self._lock:
            self.lagging = True

    def bad(self, error: Unavailable) -> None:
        """A request failed in a way that speaks against the patch."""
        with self._lock:
            self._row += 1
            if is_permanent(error) or self._row >= _FAILURES:
                self._pause = min(max(2 * self._pause, _FIRST_PAUSE), _LONGEST_PAUSE)
                self._until = self.now() + self._pause


@contextmanager
def blaming(health: Health) -> Iterator[None]:
    """What fails in here is this patch's fault, and not that of whoever is read from meanwhile."""
    try:
        yield
    except Unavailable as error:
        health.bad(error)
        raise

"""Answers kept for a bounded time and in bounded number; the one that was used longest ago makes room. For threads."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

_T = TypeVar("_T")


class Memory(Generic[_T]):
    """``most`` answers by name; ``clock`` counts seconds."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic):
        self._most = most
        self._clock = clock
        self._kept: OrderedDict[str, tuple[_T, float]] = OrderedDict()
        self._turn = threading.Lock()

    def get(self, name: str) -> _T | None:
        """What was kept, while it is good."""
        with self._turn:
            found = self._kept.get(name)
            if found is None:
                return None
            if found[1] <= self._clock():
                del self._kept[name]
                return None
            self._kept.move_to_end(name)
            return found[0]

    def put(self, name: str, value: _T, seconds: float) -> None:
        """Keep it for so long."""
        with self._turn:
            self._kept[name] = value, self._clock() + seconds
            self._kept.move_to_end(name)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)

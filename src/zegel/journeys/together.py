"""What comes from several threads at once is done together, and each returns when its own part is done.

Nobody waits for company: who comes first is served alone, at once. Who comes meanwhile waits, and the first of those
then does it for all of them. So a busy process commits once for many, and a quiet one answers as fast as ever.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Generic, Literal, TypeVar

from zegel.errors import ZegelError

Item = TypeVar("Item")
Result = TypeVar("Result")

_MOST = 50


class _Part(Generic[Item, Result]):
    """One caller's item, and what its thread is to do when its turn comes."""

    def __init__(self, item: Item):
        self.item = item
        self.turn = threading.Event()
        self.role: Literal["waits", "leads", "alone", "done"] = "waits"
        self.results: list[Result] = []


class Together(Generic[Item, Result]):
    """A queue; threads share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._busy = False
        self._waiting: list[_Part[Item, Result]] = []

    def __call__(
        self, item: Item, alone: Callable[[Item], Result], together: Callable[[Sequence[Item]], Sequence[Result]]
    ) -> Result:
        """Have ``item`` done by ``alone``, or by somebody's ``together``; return its result.

        When ``together`` raises one of our errors, nothing of it counts: everybody does her own item alone, so nobody
        hears of another's failure. It must therefore be all or nothing, and ``alone`` safe to do again.
        """
        part: _Part[Item, Result] = _Part(item)
        with self._lock:
            self._waiting.append(part)
            if not self._busy:
                self._busy = True
                part.role = "leads"
        if part.role == "waits":
            self._await(part)
        if part.role == "leads":
            return self._lead(part, alone, together)
        return part.results[0] if part.role == "done" else alone(item)

    def _await(self, part: _Part[Item, Result]) -> None:
        try:
            part.turn.wait()
        except BaseException:
            # Interrupted: whoever is not there must not be waited for.
            with self._lock:
                if part in self._waiting:
                    self._waiting.remove(part)
                    if part.role == "leads":
                        self._hand_on()
            raise

    def _lead(
        self,
        part: _Part[Item, Result],
        alone: Callable[[Item], Result],
        together: Callable[[Sequence[Item]], Sequence[Result]],
    ) -> Result:
        with self._lock:
            batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
        results: Sequence[Result] = ()
        try:
            if len(batch) == 1:
                return alone(part.item)
            results = together([one.item for one in batch])
        except ZegelError:
            if len(batch) == 1:
                raise
        finally:
            with self._lock:
                self._hand_on()
            for number, one in enumerate(batch):
                one.results = list(results[number : number + 1])
                one.role = "done" if one.results else "alone"
                one.turn.set()
        return part.results[0] if part.results else alone(part.item)

    def _hand_on(self) -> None:
        """The first of those who wait leads the next time. Call with the lock held."""
        if self._waiting:
            self._waiting[0].role = "leads"
            self._waiting[0].turn.set()
        else:
            self._busy = False

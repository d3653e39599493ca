"""How much other organisations may bring in an hour (outside zone). Counted in one process, gone when it restarts."""

import threading
from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from zegel.errors import Denied, Mistake

_MINUTE = timedelta(minutes=1)
_MINUTES = 60
LEAST = 16 * 1024
"""What an arrival counts at least: it is a row or five for us, however small."""


class _Hour:
    """Sums per name over an hour, in minutes: memory is for names, not for requests. A clock set back forgets."""

    def __init__(self) -> None:
        self._minutes: OrderedDict[datetime, Counter[str]] = OrderedDict()

    def of(self, who: str, now: datetime) -> int:
        return sum(sums[who] for sums in self._current(now))

    def add(self, who: str, size: int, now: datetime) -> None:
        self._minutes.setdefault(now.replace(second=0, microsecond=0), Counter())[who] += size

    def _current(self, now: datetime) -> Iterable[Counter[str]]:
        for minute in list(self._minutes):
            if not now - _MINUTES * _MINUTE < minute + _MINUTE or minute > now:
                del self._minutes[minute]
        return self._minutes.values()


@dataclass(slots=True)
class Budget:
    """``each`` is what one organisation may announce, ``all`` what all together may bring, in bytes an hour.

    Announcing costs a stranger nothing, and names are to be had for nothing: were the common part spent by words, five
    requests an hour would keep everybody else out. It is spent by octets that come.
    """

    each: int
    all: int
    _announced: _Hour = field(default_factory=_Hour, repr=False)
    _brought: _Hour = field(default_factory=_Hour, repr=False)
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def announce(self, who: str, size: int, now: datetime) -> None:
        """Count what an organisation says that it will bring; raises Denied ``too-many``, Mistake ``too-large``."""
        if size > self.each:
            # No hour will ever have room for it: waiting is of no use.
            raise Mistake("A parcel has at most {most} bytes.", code="too-large", most=self.each)
        with self._turn:
            if self._announced.of(who, now) + size > self.each or self._brought.of("", now) + size > self.all:
                raise _too_many()
            self._announced.add(who, size, now)

    def bring(self, size: int, now: datetime) -> None:
        """Count what somebody is about to send; raises Denied ``too-many``."""
        size = max(size, LEAST)
        with self._turn:
            if self._brought.of("", now) + size > self.all:
                raise _too_many()
            self._brought.add("", size, now)


def _too_many() -> Denied:
    return Denied("That is too much for now; try again later.", code="too-many", retry_after=600)

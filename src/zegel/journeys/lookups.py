"""Places for what strangers make us ask of others (outside zone): few at a time, and none of them takes all.

Whoever has a domain can name a host that answers as slowly as we have patience. So one domain has two places, and those
that have vouched for something before do not share theirs with those that come for the first time.
"""

import threading
from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from zegel.errors import Unavailable

AT_ONCE, EACH = 8, 2
_MOMENT = 0.2
"""Seconds to wait for a place: most answers are remembered, and come at once."""
_MOST = 10_000


class Lookups:
    """Threads share one."""

    def __init__(self) -> None:
        self._turn = threading.Condition()
        self._taken: Counter[bool] = Counter()
        self._asked: Counter[str] = Counter()
        self._known: OrderedDict[str, None] = OrderedDict()

    @contextmanager
    def of(self, domain: str) -> Iterator[None]:
        """Hold a place while a domain is asked about; who raises did not vouch. Raises Unavailable ``busy``."""
        known, good = self._enter(domain), False
        try:
            yield
            good = True
        finally:
            self._leave(domain, known=known, good=good)

    def _enter(self, domain: str) -> bool:
        with self._turn:
            known = domain in self._known
            if not self._turn.wait_for(
                lambda: self._taken[known] < AT_ONCE and self._asked[domain] < EACH, timeout=_MOMENT
            ):
                raise Unavailable("The server is very busy. Try again in a moment.", code="busy", retry_after=30)
            self._taken[known] += 1
            self._asked[domain] += 1
            return known

    def _leave(self, domain: str, *, known: bool, good: bool) -> None:
        with self._turn:
            self._taken[known] -= 1
            self._asked[domain] -= 1
            if not self._asked[domain]:
                del self._asked[domain]
            self._known.pop(domain, None)
            if good:
                self._known[domain] = None
                while len(self._known) > _MOST:
                    self._known.popitem(last=False)
            self._turn.notify_all()

"""Lanes: no kind of slow caller takes all threads, so that a page can be had while a hundred people download.

The server below us waits without end for a body that was announced, and for somebody who reads slowly, and each wait
holds one of its threads. (Nor can a wait be cut short: answering while a read is going on stops the whole server.) So
each kind of waiting has a lane with so many places; who comes when they are taken is soon told to come back:

``transfers``  half of the threads: whatever accounts send, and downloads of readers who proved themselves
``forms``      a quarter: small bodies of anybody, and of these half per address
the rest       what needs no waiting: pages, files, questions

A proxy in front that reads bodies before it passes them on, with deadlines, makes ``forms`` never wait at all.
"""

import ipaddress
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Condition

from zegel.doors.web.settings import ours
from zegel.errors import Unavailable

_MOMENT = 0.2
"""Seconds to wait for a place: not longer, for this is waiting, too."""


class Lane:
    """So many places, and of these at most ``each`` for one caller."""

    def __init__(self, places: int, each: int):
        self._free = places
        self._each = each
        self._held: Counter[str] = Counter()
        self._left = Condition()

    def enter(self, who: str = "") -> None:
        """Take a place; raises Unavailable ``busy``."""
        with self._left:
            # Most bodies are there at once, so most places are free again in a moment.
            if not self._left.wait_for(lambda: self._has_room(who), _MOMENT):
                raise Unavailable("The server is very busy. Try again in a moment.", code="busy", retry_after=5)
            self._free -= 1
            self._held[who] += 1

    def leave(self, who: str = "") -> None:
        """Give the place back."""
        with self._left:
            self._free += 1
            self._held[who] -= 1
            if not self._held[who]:
                del self._held[who]
            self._left.notify_all()

    def _has_room(self, who: str) -> bool:
        return self._free > 0 and self._held.get(who, 0) < self._each


@cache
def _lanes(threads: int, behind_proxy: bool) -> tuple[Lane, Lane]:
    transfers, forms = max(1, threads // 2), max(1, threads // 4)
    # Behind a proxy everybody has its address, and nobody is slow.
    return Lane(transfers, transfers), Lane(forms, forms if behind_proxy else max(1, forms // 2))


def _lanes_here() -> tuple[Lane, Lane]:
    return _lanes(ours().threads, ours().behind_proxy)


@contextmanager
def transfer() -> Iterator[None]:
    """Hold a place during an upload; raises Unavailable ``busy``."""
    lane, _ = _lanes_here()
    lane.enter()
    try:
        yield
    finally:
        lane.leave()


@contextmanager
def form(address: str) -> Iterator[None]:
    """Hold a place while the small body of somebody at this address comes in; raises Unavailable ``busy``."""
    _, lane = _lanes_here()
    who = _network(address)
    lane.enter(who)
    try:
        yield
    finally:
        lane.leave(who)


def _network(address: str) -> str:
    """Whoever has one IPv6 address has 2^64 of them."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else address


class Outgoing:
    """A place during a download: taken when it is made (raises Unavailable ``busy``), given back by ``close``.

    Django closes it with the response, whether the last piece was sent or the reader went away.
    """

    def __init__(self) -> None:
        lane, _ = _lanes_here()
        lane.enter()
        self._lane: Lane | None = lane
        self._pieces: Iterator[bytes] = iter(())

    def send(self, pieces: Iterator[bytes]) -> "Outgoing":
        """Set what is sent."""
        self._pieces = pieces
        return self

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        """Give the place back; again does nothing."""
        lane, self._lane = self._lane, None
        if lane is not None:
            lane.leave()
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()

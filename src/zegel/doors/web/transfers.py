"""Long transfers, uploads and downloads, never take all threads: a proof can be shown while many people download.

A transfer goes as slowly as the other end likes, and holds a thread all that time. So only three quarters of the
threads are for transfers; whoever comes when those are taken is told to try again in a moment.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import BoundedSemaphore

from zegel.doors.web.settings import ours
from zegel.errors import Unavailable


@cache
def _lane(transfers: int) -> BoundedSemaphore:
    return BoundedSemaphore(transfers)


def _enter() -> BoundedSemaphore:
    lane = _lane(ours().transfers)
    if not lane.acquire(blocking=False):
        raise Unavailable("The server is very busy. Try again in a moment.", code="busy", retry_after=5)
    return lane


@contextmanager
def transfer() -> Iterator[None]:
    """Hold a place during an upload; raises Unavailable ``busy``."""
    lane = _enter()
    try:
        yield
    finally:
        lane.release()


class Outgoing:
    """A place during a download: taken when it is made (raises Unavailable ``busy``), given back by ``close``.

    Django closes it with the response, whether the last piece was sent or the reader went away.
    """

    def __init__(self) -> None:
        self._lane: BoundedSemaphore | None = _enter()
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
            lane.release()
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()

"""Tests of short deadlines on machines that may be slow."""

from collections.abc import Callable


class TooSlow(Exception):
    """The deadline passed before the test had come to where it counts."""


def with_time(attempt: Callable[[float], None], seconds: float) -> None:
    """Run ``attempt`` with a deadline of so many seconds; with four times as many whenever that was :class:`TooSlow`.

    So a deadline can be short on a machine with time, and no test fails for want of it.
    """
    for _ in range(4):
        try:
            attempt(seconds)
        except (TooSlow, ConnectionError):
            seconds *= 4
        else:
            return
    attempt(seconds)

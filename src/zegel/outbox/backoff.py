"""When to try a notice again: soon at first, then ever more seldom, for three days. Pure."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta

FIRST = timedelta(minutes=1)
LONGEST = timedelta(hours=4)
GIVE_UP = timedelta(days=3)


def schedule(
    attempts: int,
    first_try: datetime,
    now: datetime,
    draw: Callable[[], float] = random.random,
) -> datetime | None:
    """Return when to try next after ``attempts`` (1 and more) tries that failed, or None to give up.

    The pause doubles from one minute to four hours, and ``draw`` (0 ≤ x < 1) spreads it between ¾ and 1¼ of that, so
    that what failed together is not tried together. The last try falls at the end of the three days, not before.
    """
    end = first_try + GIVE_UP
    if now >= end:
        return None
    pause = min(LONGEST, FIRST * int(2 ** min(max(attempts - 1, 0), 20)))
    return min(now + pause * (0.75 + 0.5 * draw()), end)

"""How much one client may do: sessions at once, mails and recipients in a minute, tries at logging in."""

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from zegel.doors.smtp.config import DoorLimits

_PAUSE_AFTER = 5
_FIRST_PAUSE = 4.0
_LONGEST_PAUSE = 900.0
_MOST_CLIENTS = 10_000


@dataclass(slots=True)
class _Failures:
    count: int = 0
    until: float = 0.0


class Rate:
    """At most ``most`` in a minute per key, and as many at once after a quiet one (a token bucket). 0 is no limit."""

    def __init__(self, most: int, now: Callable[[], float]):
        self._most = most
        self._now = now
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> bool:
        """Whether one more is allowed now; if so it is counted."""
        if not self._most:
            return True
        now = self._now()
        left, since = self._buckets.pop(key, (float(self._most), now))
        left = min(float(self._most), left + (now - since) * self._most / 60)
        allowed = left >= 1
        if len(self._buckets) >= _MOST_CLIENTS:
            self._buckets.popitem(last=False)
        self._buckets[key] = (left - 1 if allowed else left, now)
        return allowed


class Gate:
    """Counts per client address; ``now`` gives seconds of a clock that never jumps. Used from one event loop only."""

    def __init__(self, limits: DoorLimits, now: Callable[[], float]):
        self._limits = limits
        self._now = now
        self._sessions: Counter[str] = Counter()
        self._failures: dict[str, _Failures] = {}
        self._mails = Rate(limits.client_mails, now)
        self._all_mails = Rate(limits.all_mails, now)
        self._recipients = Rate(limits.client_recipients, now)

    def enter(self, client: str) -> bool:
        """Whether one more session is welcome; if so, :meth:`leave` must follow."""
        if self._sessions.total() >= self._limits.sessions or self._sessions[client] >= self._limits.client_sessions:
            return False
        self._sessions[client] += 1
        return True

    def leave(self, client: str) -> None:
        self._sessions[client] -= 1
        if self._sessions[client] <= 0:
            del self._sessions[client]

    def mail(self, client: str) -> bool:
        """Whether this client may begin one more mail now."""
        return self._mails.take(client) and self._all_mails.take("")

    def recipient(self, client: str) -> bool:
        """Whether this client may name one more recipient now."""
        return self._recipients.take(client)

    def pause(self, client: str) -> float:
        """How many seconds this client must wait before it may try to log in again."""
        failures = self._failures.get(client)
        return max(0.0, failures.until - self._now()) if failures else 0.0

    def failed(self, client: str) -> None:
        """A wrong login; after a few the pause begins, and doubles each time."""
        if client not in self._failures and len(self._failures) >= _MOST_CLIENTS:
            # Forget whoever has been quiet for longest, so that a flood of addresses costs bounded memory.
            del self._failures[next(iter(self._failures))]
        failures = self._failures.pop(client, None) or _Failures()
        failures.count += 1
        if failures.count >= _PAUSE_AFTER:
            pause = _FIRST_PAUSE * 2 ** min(failures.count - _PAUSE_AFTER, 20)
            failures.until = self._now() + min(pause, _LONGEST_PAUSE)
        self._failures[client] = failures

    def succeeded(self, client: str) -> None:
        self._failures.pop(client, None)

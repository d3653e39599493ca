"""How much one client may do at once: sessions, and tries at logging in."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

_PAUSE_AFTER = 5
_FIRST_PAUSE = 4.0
_LONGEST_PAUSE = 900.0
_MOST_CLIENTS = 10_000


@dataclass(slots=True)
class _Failures:
    count: int = 0
    until: float = 0.0


class Gate:
    """Counts per client address; ``now`` gives seconds of a clock that never jumps. Used from one event loop only."""

    def __init__(self, sessions: int, client_sessions: int, now: Callable[[], float]):
        self._most = sessions
        self._most_per_client = client_sessions
        self._now = now
        self._sessions: Counter[str] = Counter()
        self._failures: dict[str, _Failures] = {}

    def enter(self, client: str) -> bool:
        """Whether one more session is welcome; if so, :meth:`leave` must follow."""
        if self._sessions.total() >= self._most or self._sessions[client] >= self._most_per_client:
            return False
        self._sessions[client] += 1
        return True

    def leave(self, client: str) -> None:
        self._sessions[client] -= 1
        if self._sessions[client] <= 0:
            del self._sessions[client]

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

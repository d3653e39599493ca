"""Fetches the MTA-STS policy of a domain over HTTPS (RFC 8461 §3.3)."""

from collections.abc import Sequence
from pathlib import Path

from zegel.domains.fetching import Wanted, fetch
from zegel.errors import Mistake, Unavailable
from zegel.transport.mta_sts import MOST_POLICY, Policy, parse_policy

_PATH = "/.well-known/mta-sts.txt"


class PolicyServers:
    """``authorities`` replaces the system's; ``port`` is 443 everywhere but in tests. Threads may share one."""

    def __init__(self, authorities: Path | None = None, port: int = 443):
        self._authorities = authorities
        self._port = port

    def fetch(self, host: str, addresses: Sequence[str], deadline: float) -> Policy:
        """Fetch from ``host`` at one of its addresses until ``deadline`` (``time.monotonic``).

        Raises Unavailable ``policy-away`` (no connection, no trust, not 200 and text/plain, too large, too slow),
        Mistake ``bad-mta-sts``.
        """
        wanted = Wanted(host, self._port, _PATH, "text/plain", MOST_POLICY)
        try:
            return parse_policy(fetch(wanted, addresses, deadline, self._authorities).decode())
        except Unavailable:
            raise Unavailable("The MTA-STS policy cannot be fetched.", code="policy-away") from None
        except UnicodeDecodeError:
            raise Mistake("The MTA-STS policy is not right: {field}.", code="bad-mta-sts", field="encoding") from None

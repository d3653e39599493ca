"""Whether a mail domain's organisation runs a Zegel: its signed record, and what that Zegel says of itself.

DNSSEC pins a fingerprint, the fingerprint the keys, the keys the recipient that slips are sealed to: an authority that
gives a false certificate, or whoever sits on the network, changes none of it.
"""

import time
from collections.abc import Callable
from pathlib import Path

from zegel.domains.fetching import Wanted, fetch
from zegel.domains.lookup import LONGEST, MOST_ADDRESSES, SHORTEST, ascii_name
from zegel.domains.memory import Memory
from zegel.domains.resolver import Found, Resolver
from zegel.errors import Damaged, Denied, Mistake, NotFound, Unavailable
from zegel.parcels.arrivals import Place, read_peer
from zegel.transport.zegel import LABEL, Promise, ZegelRecord, find_zegel

_PATH = "/.well-known/zegel"
_MOST_PROFILE = 256 * 1024
_PATIENCE = 10.0
_MOST = 10_000
_AGAIN = 30
"""Seconds for which a Zegel that failed is not asked again, and for which a fresh answer is fresh: strangers can make
us ask, and about anybody.
"""


class Zegels:
    """Looks domains up and remembers. Threads may share one; ``authorities`` replaces the system's."""

    def __init__(
        self,
        resolver: Resolver,
        authorities: Path | None = None,
        *,
        patience: float = _PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._resolver = resolver
        self._authorities = authorities
        self._patience = patience
        self._promises: Memory[Promise] = Memory(_MOST, clock)
        self._places: Memory[Place] = Memory(_MOST, clock)
        self._failed: Memory[tuple[ZegelRecord, str]] = Memory(_MOST, clock)
        self._renewed: Memory[bool] = Memory(_MOST, clock)

    def promise(self, domain: str, *, fresh: bool = False) -> Promise:
        """What DNS promises for a mail domain. Raises Mistake ``bad-domain``; what fails outside is in the answer."""
        name = ascii_name(domain)
        known = None if fresh else self._promises.get(name)
        if known is None:
            found = self._resolver.ask(f"{LABEL}.{name}", "TXT", time.monotonic() + self._patience)
            known = _promise(name, found)
            kept = SHORTEST if known.state == "failed" else max(SHORTEST, min(found.ttl, LONGEST))
            self._promises.put(name, known, kept)
        return known

    def place(self, domain: str, *, fresh: bool = False) -> Place:
        """The Zegel of a domain, with the keys that its record pins; ``fresh`` asks anew, but not twice in 30 seconds.

        Raises NotFound ``no-zegel`` (no record that counts), Unavailable ``peer-away``, and ``proof-failed`` when it
        shows other keys than its domain promises: an alarm. Raises Mistake ``bad-domain``.
        """
        fresh = fresh and not self._renewed.get(ascii_name(domain))
        promise = self.promise(domain, fresh=fresh)
        if fresh:
            self._renewed.put(promise.domain, True, _AGAIN)
        if promise.state == "failed":
            raise _away(domain)
        if promise.record is None or promise.state != "found":
            raise NotFound("The domain {domain} has no Zegel that it vouches for.", code="no-zegel", domain=domain)
        known = None if fresh else self._places.get(promise.domain)
        pinned = promise.record
        if known is None or (known.host, known.port, known.pinned) != (pinned.host, pinned.port, pinned.keys):
            known = self._ask(promise.domain, pinned, fresh=fresh)
            self._places.put(promise.domain, known, SHORTEST)
        return known

    def _ask(self, domain: str, record: ZegelRecord, *, fresh: bool) -> Place:
        failed = None if fresh else self._failed.get(domain)
        if failed and failed[0] == record:
            raise _foreign(domain) if failed[1] == "proof-failed" else _away(domain)
        try:
            return self._fetch(domain, record)
        except Unavailable as error:
            self._failed.put(domain, (record, error.kind), _AGAIN)
            raise

    def _fetch(self, domain: str, record: ZegelRecord) -> Place:
        deadline = time.monotonic() + self._patience
        found = [self._resolver.ask(record.host, kind, deadline) for kind in ("A", "AAAA")]
        addresses = tuple(str(value) for one in found for value in one.values)[:MOST_ADDRESSES]
        wanted = Wanted(record.host, record.port, _PATH, "application/json", _MOST_PROFILE)
        try:
            peer = read_peer(fetch(wanted, addresses, deadline, self._authorities), record.keys)
        except (Unavailable, Damaged):
            raise _away(domain) from None
        except Denied as error:
            raise _foreign(domain) from error
        return Place(peer, record.host, record.port, record.keys, addresses)


def _promise(domain: str, found: Found) -> Promise:
    if found.state != "found":
        return Promise(domain, found.state)
    try:
        record = find_zegel(b"".join(one.strings).decode("utf-8", "replace") for one in found.values)
    except Mistake:
        return Promise(domain, "malformed")
    if record is None:
        return Promise(domain, "absent")
    return Promise(domain, "found" if found.secure else "insecure", record)


def _foreign(domain: str) -> Unavailable:
    return Unavailable(
        "The Zegel of {domain} does not have the key that its domain promises.", code="proof-failed", domain=domain
    )


def _away(domain: str) -> Unavailable:
    return Unavailable("The Zegel of {domain} does not answer.", code="peer-away", domain=domain)

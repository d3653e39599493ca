"""From a domain's name to its :class:`~zegel.transport.offer.Offer`: what is asked, in which order, and for how long
an answer is kept."""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import dns.name
import idna

from zegel.domains.memory import Memory
from zegel.domains.policies import PolicyServers
from zegel.domains.resolver import Found, Resolver
from zegel.errors import Mistake, Unavailable
from zegel.transport.mta_sts import Policy, find_record
from zegel.transport.names import is_host, plain_name
from zegel.transport.nta7516 import find_nta
from zegel.transport.offer import Answer, Offer, Server, TlsaAnswer
from zegel.transport.tlsa import Tlsa

MOST_SERVERS = 10
"""The first so many servers of a domain are looked at: a domain cannot make us ask for hundreds."""
MOST_ADDRESSES = 8
MOST_RECORDS = 32
PATIENCE = 20.0
"""Seconds for everything about one domain."""
SHORTEST, LONGEST = 60, 3600
"""Bounds of how long an offer is kept, whatever its records say. One with a failed look-up is kept SHORTEST."""
_MOST_OFFERS = 10_000
_REFRESH = 86_400
_AGAIN = 300
"""After a policy could not be fetched, seconds until it is tried again (RFC 8461 §3.3)."""


@dataclass(slots=True)
class _Asking:
    """One look-up of one domain: its deadline, and the shortest life among its answers."""

    deadline: float
    ttl: int = LONGEST
    failed: bool = False

    def note(self, found: Found) -> Found:
        self.ttl = min(self.ttl, found.ttl)
        self.failed = self.failed or found.state == "failed"
        return found


@dataclass(frozen=True, slots=True)
class _KeptPolicy:
    identifier: str
    policy: Policy
    fetched: float


@dataclass(slots=True)
class _Locks:
    """One look-up of a domain at a time; the others wait for it and find the answer kept."""

    locks: list[threading.Lock] = field(default_factory=lambda: [threading.Lock() for _ in range(1024)])

    def of(self, name: str) -> threading.Lock:
        return self.locks[hash(name) % len(self.locks)]


class Domains:
    """Looks domains up and remembers. Threads may share one.

    ``port`` is where mail servers are asked for (25 everywhere but in tests); ``nta7516`` says whether to look for that
    record at all; ``clock`` counts seconds.
    """

    def __init__(
        self,
        resolver: Resolver,
        policies: PolicyServers,
        *,
        port: int = 25,
        nta7516: bool = True,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._resolver = resolver
        self._policies = policies
        self._port = port
        self._nta7516 = nta7516
        self._patience = patience
        self._clock = clock
        self._offers: Memory[Offer] = Memory(_MOST_OFFERS, clock)
        self._kept: Memory[_KeptPolicy] = Memory(_MOST_OFFERS, clock)
        self._unfetched: Memory[bool] = Memory(_MOST_OFFERS, clock)
        self._locks = _Locks()

    @property
    def believed(self) -> bool:
        """Whether the resolver is one whose word about signatures counts."""
        return self._resolver.believed

    def validates(self) -> bool:
        """Whether the resolver validates at all; asks it."""
        return self._resolver.validates(time.monotonic() + self._patience)

    def offer(self, domain: str, *, fresh: bool = False) -> Offer:
        """What the domain (U- or A-labels) offers; ``fresh`` asks anew. Raises Mistake ``bad-domain``.

        Nothing that fails outside raises: the offer tells what failed. Takes ``patience`` seconds at most.
        """
        name = ascii_name(domain)
        known = None if fresh else self._offers.get(name)
        if known is not None:
            return known
        with self._locks.of(name):
            known = None if fresh else self._offers.get(name)
            if known is not None:
                return known
            asking = _Asking(time.monotonic() + self._patience)
            found = self._look_up(name, asking)
            kept = SHORTEST if asking.failed else max(SHORTEST, min(asking.ttl, LONGEST))
            self._offers.put(name, found, kept)
            return found

    def _ask(self, asking: _Asking, name: str, kind: str) -> Found:
        return asking.note(self._resolver.ask(name, kind, asking.deadline))

    def _look_up(self, domain: str, asking: _Asking) -> Offer:
        mx = self._ask(asking, domain, "MX")
        if mx.state == "failed":
            return Offer(domain, "failed", False)
        if not mx.exists:
            return Offer(domain, "no-domain", mx.secure)
        if mx.values and all(one.exchange == dns.name.root for one in mx.values):
            return Offer(domain, "null", mx.secure)
        names = _mail_servers(mx.values) if mx.values else [(0, domain)]
        servers = tuple(self._server(asking, name, preference) for preference, name in names[:MOST_SERVERS])
        sts, policy = self._policy(asking, domain)
        found = Offer(domain, mx.state, mx.secure, servers, mx.name if mx.secure else "", sts, policy)
        return self._with_nta(asking, found) if self._nta7516 else found

    # Servers ------------------------------------------------------------------------------------------------------

    def _server(self, asking: _Asking, name: str, preference: int) -> Server:
        both = [self._ask(asking, name, kind) for kind in ("A", "AAAA")]
        got = [one for one in both if one.state == "found"]
        if not got:
            failed = any(one.state == "failed" for one in both)
            return Server(name, preference, (), "failed" if failed else "absent", name, "absent")
        # Sorted, as records are: the same facts make the same offer, whatever order a resolver rotates them in.
        addresses = tuple(sorted(str(value) for one in got for value in one.values)[:MOST_ADDRESSES])
        return Server(name, preference, addresses, "found", *self._tlsa(asking, name, got))

    def _tlsa(self, asking: _Asking, name: str, got: list[Found]) -> tuple[str, TlsaAnswer, tuple[Tlsa, ...]]:
        """The base domain, and what is known of its TLSA records (RFC 7672 §2.2.2).

        Servers of unsigned zones are not asked: many of those answer wrongly, and it could prove nothing.
        """
        bases = [name]
        if all(one.secure for one in got):
            bases = list(dict.fromkeys([got[0].name, name]))
        elif not any(one.aliased for one in got):
            return name, "insecure", ()
        else:
            # The alias itself may be signed though the name that it leads to is not.
            alias = self._ask(asking, name, "CNAME")
            if not alias.secure:
                return name, "failed" if alias.state == "failed" else "insecure", ()
        for base in bases:
            found = self._ask(asking, f"_{self._port}._tcp.{base}", "TLSA")
            if found.state == "failed":
                return base, "failed", ()
            if found.state == "found":
                if not found.secure:
                    return base, "insecure", ()
                records = (Tlsa(one.usage, one.selector, one.mtype, one.cert) for one in found.values)
                return base, "found", tuple(sorted(records, key=str)[:MOST_RECORDS])
        return name, "absent", ()

    # MTA-STS ------------------------------------------------------------------------------------------------------

    def _policy(self, asking: _Asking, domain: str) -> tuple[Answer, Policy | None]:
        kept = self._kept.get(domain)
        texts = self._ask(asking, f"_mta-sts.{domain}", "TXT")
        identifier = find_record(_texts(texts)) if texts.state == "found" else None
        if identifier is None:
            # A policy that was seen stays until it ends: that the record is gone proves nothing (RFC 8461 §5.1).
            if kept:
                return "found", kept.policy
            return ("failed" if texts.state == "failed" else "absent"), None
        stale = kept is None or kept.identifier != identifier or self._clock() - kept.fetched > _REFRESH
        if stale and not self._unfetched.get(domain):
            kept = self._fetch(asking, domain, identifier) or kept
        return ("found", kept.policy) if kept else ("failed", None)

    def _fetch(self, asking: _Asking, domain: str, identifier: str) -> _KeptPolicy | None:
        host = f"mta-sts.{domain}"
        found = [self._ask(asking, host, kind) for kind in ("A", "AAAA")]
        addresses = [str(value) for one in found for value in one.values][:MOST_ADDRESSES]
        try:
            policy = self._policies.fetch(host, addresses, min(asking.deadline, time.monotonic() + 10))
        except (Unavailable, Mistake):
            self._unfetched.put(domain, True, _AGAIN)
            asking.ttl = min(asking.ttl, _AGAIN)
            return None
        kept = _KeptPolicy(identifier, policy, self._clock())
        self._kept.put(domain, kept, policy.max_age)
        return kept

    # NTA 7516 -----------------------------------------------------------------------------------------------------

    def _with_nta(self, asking: _Asking, offer: Offer) -> Offer:
        texts = self._ask(asking, offer.domain, "TXT")
        if texts.state == "failed":
            return replace(offer, nta="failed")
        try:
            record = find_nta(_texts(texts))
        except Mistake:
            return replace(offer, nta="malformed")
        if record is None:
            return offer
        if not texts.secure:
            return replace(offer, nta="insecure", nta_record=record)
        servers = tuple(self._server(asking, name, preference) for preference, name in record.hosts[:MOST_SERVERS])
        return replace(offer, nta="found", nta_record=record, nta_servers=servers)


def ascii_name(domain: str) -> str:
    """A-labels in lower case; raises Mistake ``bad-domain``."""
    name = plain_name(domain.strip())
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode()
        except (idna.IDNAError, UnicodeError):
            name = ""
    if not is_host(name) or "." not in name:
        raise Mistake("“{domain}” is not a mail domain.", code="bad-domain", domain=domain[:100])
    return name


def _mail_servers(values: Iterable[object]) -> list[tuple[int, str]]:
    """Preference and name, best first. A null MX among others is a mistake of theirs (RFC 7505 §3) and left out."""
    found = [(int(one.preference), plain_name(one.exchange.to_text())) for one in values]  # type: ignore[attr-defined]
    return sorted((preference, name) for preference, name in found if is_host(name))


def _texts(found: Found) -> list[str]:
    # A record's strings are one text without anything between (RFC 7208 §3.3, RFC 8461 §3.1).
    return [b"".join(one.strings).decode("utf-8", "replace") for one in found.values]

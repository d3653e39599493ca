"""Questions to a validating DNS resolver.

Whether an answer was signed is the AD bit, which anybody between us and the resolver can set: it is believed only from
a resolver on this machine, or from one that the operator trusts by name and reaches safely (RFC 4035 §4.9.3).
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.resolver

from zegel.errors import Mistake
from zegel.transport.names import plain_name
from zegel.transport.offer import Answer

_EDNS_BYTES = 1232
_TRY = 3.0
"""Seconds for one question to one resolver."""
_FAILED_TTL = 30


@dataclass(frozen=True, slots=True)
class Found:
    """An answer. ``secure``: validated, also when it says that there is nothing. ``name`` is where aliases led.

    ``exists`` is False when the name itself does not exist; ``ttl`` seconds; ``values`` are dnspython's records.
    """

    state: Answer
    secure: bool
    values: tuple[Any, ...]
    name: str
    aliased: bool
    exists: bool
    ttl: int


class Resolver:
    """Asks one of ``addresses`` (``address`` or ``address:port``). Threads may share one.

    Raises Mistake ``bad-resolver`` for what is no address.
    """

    def __init__(self, addresses: Sequence[str], trusted: Sequence[str] = ()):
        servers = [_server(text) for text in addresses]
        known = {_server(text) for text in trusted}
        self.believed = all(one in known or ip_address(one[0]).is_loopback for one in servers)
        """Whether the AD bit counts: every one of the resolvers is on this machine, or trusted."""
        self._resolver = dns.resolver.Resolver(configure=False)
        self._resolver.nameservers = [dns.nameserver.Do53Nameserver(address, port) for address, port in servers]
        self._resolver.use_edns(0, dns.flags.DO, _EDNS_BYTES)
        # CD stays off: a resolver that validates then says SERVFAIL for what is bogus, and never hands it out.
        self._resolver.flags = dns.flags.RD | dns.flags.AD
        self._resolver.timeout = _TRY

    def ask(self, name: str, kind: str, deadline: float) -> Found:
        """Ask for the records of one name, until ``deadline`` (``time.monotonic``); never raises: it may fail."""
        failed = Found("failed", False, (), name, False, True, _FAILED_TTL)
        left = deadline - time.monotonic()
        if left <= 0:
            return failed
        try:
            return self._asked(dns.name.from_text(name + "."), kind, left, name)
        except (dns.exception.DNSException, OSError, ValueError):
            return failed

    def _asked(self, qname: dns.name.Name, kind: str, left: float, name: str) -> Found:
        try:
            answer = self._resolver.resolve(qname, kind, raise_on_no_answer=False, search=False, lifetime=left)
        except dns.resolver.NXDOMAIN as error:
            # An alias that leads to a name that does not exist is NXDOMAIN too; then the name that was asked for does.
            found = self._read(error.kwargs["responses"][qname], name)
            return replace(found, state="absent", values=(), exists=found.aliased)
        return self._read(answer.response, name)

    def validates(self, deadline: float) -> bool:
        """Whether it marks the root's own, signed records as validated: a resolver that does not never will."""
        found = self.ask("", "SOA", deadline)
        return found.state == "found" and found.secure

    def _read(self, response: dns.message.Message, name: str) -> Found:
        if not isinstance(response, dns.message.QueryMessage):
            raise dns.exception.FormError
        chain = response.resolve_chaining()
        led = plain_name(chain.canonical_name.to_text())
        return Found(
            state="absent" if chain.answer is None else "found",
            secure=self.believed and bool(response.flags & dns.flags.AD),
            values=tuple(chain.answer or ()),
            name=led,
            aliased=bool(chain.cnames),
            exists=True,
            ttl=chain.minimum_ttl,
        )


def _server(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or (":" in host and not host.startswith("[")):
        host, port = text, "53"
    try:
        address = str(ip_address(host.removeprefix("[").removesuffix("]")))
        number = int(port)
    except ValueError:
        number = 0
    if not 0 < number < 65536:
        raise Mistake("“{address}” is not the address of a resolver.", code="bad-resolver", address=text[:100])
    return address, number

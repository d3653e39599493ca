"""From a domain's offer to a choice: which servers prove themselves, how, in which order; and every reason.

A server with usable DANE records is held to them, and MTA-STS can never stand in for a DANE proof that fails
(RFC 8461 §2). Where a look-up failed that could have told of a proof, nobody may conclude that there is none: the
choice is ``temporary`` unless another server of the domain proves itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from zegel.transport.offer import Offer, Server
from zegel.transport.tlsa import Tlsa, usable

Kind = Literal["dane", "mta-sts", "none", "temporary"]
Proof = Literal["dane", "mta-sts"]

REASONS = {
    "no-domain": "The domain does not exist.",
    "null-mx": "The domain says that it takes no mail (null MX).",
    "mx-failed": "The domain's mail servers could not be looked up safely.",
    "mx-secure": "The list of mail servers is signed (DNSSEC).",
    "mx-insecure": "The list of mail servers is not signed (DNSSEC), so DANE proves nothing.",
    "mx-absent": "The domain has no MX records; it is its own mail server.",
    "no-server": "The domain names no mail server.",
    "address-absent": "{server} has no address.",
    "address-failed": "The address of {server} could not be looked up safely.",
    "dane": "{server} has usable TLSA records (DANE).",
    "tlsa-absent": "{server} has no TLSA records.",
    "tlsa-insecure": "The zone of {server} is not signed, so it can have no TLSA records.",
    "tlsa-unusable": "None of the TLSA records of {server} is usable; they ask for encryption and prove nothing.",
    "tlsa-failed": "The TLSA records of {server} could not be looked up safely; no mail goes there now.",
    "sts-absent": "The domain has no MTA-STS policy.",
    "sts-failed": "The domain has an MTA-STS policy that cannot be fetched or read.",
    "sts-none": "The MTA-STS policy has mode none.",
    "sts-testing": "The MTA-STS policy has mode testing, which is no proof.",
    "sts-enforce": "The MTA-STS policy has mode enforce.",
    "sts-covers": "{server} is named by the MTA-STS policy.",
    "sts-omits": "{server} is not named by the MTA-STS policy.",
    "nta-in-force": "The domain takes part in NTA 7516.",
    "nta-servers": "Its NTA 7516 record names servers of its own for safe mail.",
    "nta-early": "The NTA 7516 record is not in force yet.",
    "nta-ended": "The NTA 7516 record is not in force any more.",
    "nta-insecure": "The NTA 7516 record is not signed (DNSSEC), so it counts for nothing.",
    "nta-malformed": "The NTA 7516 record is not right, so it counts for nothing.",
    "nta-failed": "The NTA 7516 record could not be looked up safely.",
}
"""Every reason there is, as a sentence for people; ``{server}`` where it is about one."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A code of :data:`REASONS`, and the server that it is about, if any."""

    code: str
    server: str = ""

    def __str__(self) -> str:
        return REASONS[self.code].format(server=self.server)


@dataclass(frozen=True, slots=True)
class Proven:
    """One server that a mail may go to, and what it has to show first.

    For ``dane`` the chain must fit one of ``records`` with one of ``names``; for ``mta-sts`` it must lead to a public
    authority and be for one of ``names``. ``sni`` is the name to ask for in the handshake.
    """

    name: str
    preference: int
    addresses: tuple[str, ...]
    proof: Proof
    sni: str
    names: tuple[str, ...]
    records: tuple[Tlsa, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """``kind`` is the weakest proof among ``servers``; without servers it is ``none`` or ``temporary``."""

    domain: str
    kind: Kind
    servers: tuple[Proven, ...]
    reasons: tuple[Reason, ...]


def choose_way(offer: Offer, today: date) -> Choice:
    """Judge the whole offer; the NTA 7516 record is the one thing that depends on the day."""
    refusal = _refusal(offer)
    if refusal:
        return refusal
    reasons, servers, secure = _servers(offer, today)
    reasons += _policy_reasons(offer)
    proven: list[Proven] = []
    failed = offer.nta == "failed"
    for server in servers:
        found, why = _judge(offer, server, secure)
        reasons += why
        if found:
            proven.append(found)
        failed = failed or why[0].code in ("address-failed", "tlsa-failed")
    if offer.nta == "failed":
        # The record may name other servers for safe mail; until it can be read nobody knows where this mail belongs.
        proven = []
    if not servers:
        reasons.append(Reason("no-server"))
    return Choice(offer.domain, _kind(proven, failed), tuple(proven), tuple(reasons))


def _kind(proven: list[Proven], failed: bool) -> Kind:
    if not proven:
        return "temporary" if failed else "none"
    return "dane" if all(one.proof == "dane" for one in proven) else "mta-sts"


def _refusal(offer: Offer) -> Choice | None:
    if offer.mx == "failed":
        return Choice(offer.domain, "temporary", (), (Reason("mx-failed"),))
    if offer.mx == "null":
        return Choice(offer.domain, "none", (), (Reason("null-mx"),))
    if offer.mx == "no-domain":
        return Choice(offer.domain, "none", (), (Reason("no-domain"),))
    return None


def _servers(offer: Offer, today: date) -> tuple[list[Reason], tuple[Server, ...], bool]:
    """The servers that count on this day, in order, and whether the list of them is signed."""
    reasons = [Reason("mx-absent")] if offer.mx == "absent" else []
    nta = _nta_reasons(offer, today)
    if any(one.code == "nta-servers" for one in nta):
        # An NTA 7516 record is only believed when it is signed, and so are the names in it.
        return [*reasons, *nta], _in_order(offer.nta_servers), True
    reasons.append(Reason("mx-secure" if offer.mx_secure else "mx-insecure"))
    return [*reasons, *nta], _in_order(offer.servers), offer.mx_secure


def _in_order(servers: Iterable[Server]) -> tuple[Server, ...]:
    return tuple(sorted(servers, key=lambda one: one.preference))


def _nta_reasons(offer: Offer, today: date) -> list[Reason]:
    if offer.nta == "absent":
        return []
    if offer.nta != "found":
        return [Reason(f"nta-{offer.nta}")]
    if offer.nta_record is None:
        return [Reason("nta-malformed")]
    record = offer.nta_record
    if not record.in_force(today):
        return [Reason("nta-early" if (today.year, today.month) < record.start else "nta-ended")]
    return [Reason("nta-in-force"), *([Reason("nta-servers")] if record.hosts else [])]


def _policy_reasons(offer: Offer) -> list[Reason]:
    if offer.policy is None:
        return [Reason("sts-absent" if offer.sts == "absent" else "sts-failed")]
    return [Reason(f"sts-{offer.policy.mode}")]


def _judge(offer: Offer, server: Server, secure: bool) -> tuple[Proven | None, list[Reason]]:
    """One server: what it has to show, or None; the first reason says why not DANE, or that it is."""
    if server.address != "found":
        return None, [Reason(f"address-{server.address}", server.name)]
    if server.tlsa == "failed":
        # Bogus or no answer: whoever can do that could hide the records (RFC 7672 §2.1.2). Not even MTA-STS helps.
        return None, [Reason("tlsa-failed", server.name)]
    if server.tlsa == "found":
        records = usable(server.records)
        if records and secure:
            return _by_dane(offer, server, records), [Reason("dane", server.name)]
        reasons = [Reason("dane" if records else "tlsa-unusable", server.name)]
    else:
        reasons = [Reason(f"tlsa-{server.tlsa}", server.name)]
    if offer.policy is None or offer.policy.mode != "enforce":
        return None, reasons
    if not offer.policy.covers(server.name):
        return None, [*reasons, Reason("sts-omits", server.name)]
    return _by_policy(server), [*reasons, Reason("sts-covers", server.name)]


def _by_dane(offer: Offer, server: Server, records: tuple[Tlsa, ...]) -> Proven:
    # RFC 7672 §3.2.2: the TLSA base domain, then the domain that was asked for, then where its aliases led.
    names = dict.fromkeys(name for name in (server.base, offer.domain, offer.expanded) if name)
    return Proven(server.name, server.preference, server.addresses, "dane", server.base, tuple(names), records)


def _by_policy(server: Server) -> Proven:
    # RFC 8461 §4.1: the certificate is for the server's name as the MX record spells it.
    return Proven(server.name, server.preference, server.addresses, "mta-sts", server.name, (server.name,))

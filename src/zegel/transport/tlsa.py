"""DANE: what a domain says of its servers' certificates in DNS (RFC 6698, 7671, 7672), and whether a server fits it.

Usages 0 and 1 lean on public authorities and mean nothing for SMTP (RFC 7672 §3.1.3): they are never usable. A domain
whose records are all unusable asks for encryption and proves nothing.
"""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from OpenSSL import crypto

from zegel.errors import Mistake
from zegel.transport.certificates import MOST_CERTIFICATES, anchors, covers, leads_to, public_key, strong_key

DANE_TA, DANE_EE = 2, 3
CERTIFICATE, KEY = 0, 1
EXACT, SHA256, SHA512 = 0, 1, 2

_MOST_BYTES = 16 * 1024
_LENGTHS = {SHA256: 32, SHA512: 64}


@dataclass(frozen=True, slots=True)
class Tlsa:
    """One record: certificate usage, selector, matching type, and the data to match."""

    usage: int
    selector: int
    matching: int
    data: bytes

    @property
    def usable(self) -> bool:
        """Whether we know how to match it; a digest of the wrong length is as good as none."""
        if self.usage not in (DANE_TA, DANE_EE) or self.selector not in (CERTIFICATE, KEY):
            return False
        if self.matching == EXACT:
            return 0 < len(self.data) <= _MOST_BYTES
        return len(self.data) == _LENGTHS.get(self.matching)

    def __str__(self) -> str:
        return f"{self.usage} {self.selector} {self.matching} {self.data.hex()}"


def parse_tlsa(text: str) -> Tlsa:
    """Read a record as zone files spell it: three numbers 0 to 255 and hexadecimal; raises Mistake ``bad-tlsa``."""
    parts = text.split()
    try:
        usage, selector, matching = (int(part) for part in parts[:3] if part.isascii() and part.isdigit())
        data = bytes.fromhex("".join(parts[3:]))
    except ValueError:
        raise Mistake("“{record}” is no TLSA record.", code="bad-tlsa", record=text[:100]) from None
    if max(usage, selector, matching) > 255 or not data:
        raise Mistake("“{record}” is no TLSA record.", code="bad-tlsa", record=text[:100])
    return Tlsa(usage, selector, matching, data)


def usable(records: Iterable[Tlsa]) -> tuple[Tlsa, ...]:
    """The records that can prove something, the end-entity ones first: they cost least to match."""
    return tuple(sorted((one for one in records if one.usable), key=lambda one: -one.usage))


def matching_record(
    records: Iterable[Tlsa], chain: Sequence[bytes], names: Iterable[str], now: datetime
) -> Tlsa | None:
    """The record that the server's chain (DER, its own certificate first) fits, or None.

    ``names`` are the reference identifiers of RFC 7672 §3.2.2. DANE-EE looks at the server's own certificate alone,
    not at its names or dates (RFC 7671 §5.1); DANE-TA wants a chain to the anchor, in date, and one of the names.
    """
    if not chain:
        return None
    presented, wanted = list(chain[:MOST_CERTIFICATES]), tuple(names)
    for record in usable(records):
        if record.usage == DANE_EE:
            if _fits(record, presented[0]) and strong_key(presented[0]):
                return record
        elif _leads_to_anchor(record, presented, now) and covers(presented[0], wanted, common_name=True):
            return record
    return None


def _leads_to_anchor(record: Tlsa, chain: list[bytes], now: datetime) -> bool:
    # The server must send its anchor along (RFC 7671 §5.2.1), unless the record itself holds the whole certificate.
    found = [der for der in chain[1:] if _fits(record, der)]
    if not found and (record.selector, record.matching) == (CERTIFICATE, EXACT):
        found = [record.data]
    try:
        return bool(found) and leads_to(anchors(found, now), chain)
    except crypto.Error:
        return False


def _fits(record: Tlsa, der: bytes) -> bool:
    subject = der if record.selector == CERTIFICATE else public_key(der)
    if subject is None:
        return False
    if record.matching == SHA256:
        subject = hashlib.sha256(subject).digest()
    elif record.matching == SHA512:
        subject = hashlib.sha512(subject).digest()
    return hmac.compare_digest(subject, record.data)

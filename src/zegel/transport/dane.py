"""Whether a server's certificates fit what its domain says in DNS (RFC 7671 §5, RFC 7672 §3.2).

Apart from ``tlsa``, which says what records are: whoever only reads offers and choices need not load OpenSSL.
"""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from datetime import datetime

from OpenSSL import crypto

from zegel.transport.certificates import MOST_CERTIFICATES, anchors, covers, leads_to, public_key, strong_key
from zegel.transport.tlsa import CERTIFICATE, DANE_EE, EXACT, SHA256, SHA512, Tlsa, usable


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

"""DANE: what a domain says of its servers' certificates in DNS (RFC 6698, 7671, 7672).

Usages 0 and 1 lean on public authorities and mean nothing for SMTP (RFC 7672 §3.1.3): they are never usable. A domain
whose records are all unusable asks for encryption and proves nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass

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


def usable(records: Iterable[Tlsa]) -> tuple[Tlsa, ...]:
    """The records that can prove something, the end-entity ones first: they cost least to match."""
    return tuple(sorted((one for one in records if one.usable), key=lambda one: -one.usage))

"""A return address of its own for every notice: ``post+b-SLIP-MAC@host`` (VERP).

Whatever a foreign server has to say about a notice comes to this address, so nothing of the mail itself has to be
understood, let alone believed, to know which reader it is about. The MAC keeps strangers from making bounces up: who
never had the notice cannot name its address. Servers on the way may fold the case of a local part (RFC 5321 §2.4 asks
them not to; some do), so everything after the ``+`` is spelled in characters that survive it.
"""

import base64
import hmac
import re
from dataclasses import dataclass, field

from zegel.errors import Denied, Mistake

_DOMAIN = b"zegel bounce address v1\0"
_MAC_BYTES = 10
"""80 bits: tries are on line, one mail each, and 16 characters leave room in a local part."""
_TOKEN = re.compile(r"b-([a-z2-7]{26})-([a-z2-7]{16})\Z")
_LOCAL_LIMIT = 64
"""RFC 5321 §4.5.3.1.1."""
_TOKEN_LENGTH = len("+b-") + 26 + len("-") + 16


@dataclass(frozen=True, slots=True)
class BounceAddresses:
    """Makes and reads the addresses under one mailbox. ``base`` is its address, ``key`` 32 secret bytes."""

    base: str
    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Raises Mistake ``long-bounce-address`` when a token would not fit into the local part."""
        local, at, _ = self.base.rpartition("@")
        if not at or len(local.encode()) + _TOKEN_LENGTH > _LOCAL_LIMIT:
            raise Mistake(
                "“{address}” is too long for bounces: at most {most} characters may stand before the @.",
                code="long-bounce-address",
                address=self.base[:100],
                most=_LOCAL_LIMIT - _TOKEN_LENGTH,
            )

    def make(self, slip: str) -> str:
        """The envelope sender of what is said to the reader of ``slip``."""
        local, _, domain = self.base.rpartition("@")
        return f"{local}+b-{slip}-{self._mac(slip)}@{domain}"

    def fits(self, address: str) -> bool:
        """Whether an address has the shape, without looking at its MAC: what a door asks before it takes a mail."""
        return self._token(address) is not None

    def read(self, address: str) -> str:
        """The slip that an address is about; raises Denied ``forged-bounce`` for one that was not made here."""
        token = self._token(address)
        if token is None or not hmac.compare_digest(self._mac(token[0]), token[1]):
            raise Denied("There is no such mailbox here.", code="forged-bounce")
        return token[0]

    def _token(self, address: str) -> tuple[str, str] | None:
        local, _, domain = self.base.lower().rpartition("@")
        given, _, host = address.strip().lower().rpartition("@")
        if host != domain or not given.startswith(f"{local}+"):
            return None
        found = _TOKEN.match(given.removeprefix(f"{local}+"))
        return (found[1], found[2]) if found else None

    def _mac(self, slip: str) -> str:
        made = hmac.digest(self.key, _DOMAIN + slip.encode(), "sha256")[:_MAC_BYTES]
        return base64.b32encode(made).decode().lower()

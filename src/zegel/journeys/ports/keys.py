"""Private keys, used where they lie (``keys``): inside zone only."""

from collections.abc import Iterable
from typing import Protocol

from zegel.seal import HybridRecipient


class MailboxKeys(Protocol):
    """Identities of own mailboxes that are read in the portal (``keys``), inside zone only."""

    def recipient(self, domain: str) -> HybridRecipient:
        """Whom to seal for; makes the identity the first time."""

    def open_sealed(self, domain: str, sealed: bytes) -> bytes:
        """Raises NotFound ``no-mailbox-key``, Damaged, Denied."""


class Signer(Protocol):
    """The organisation's signature (``keys``), inside zone only."""

    def sign(self, statement: bytes) -> tuple[str, bytes, bytes]:
        """Return the key's fingerprint and the Ed25519 and ML-DSA-65 signatures over ``statement``."""


class CourierKey(Protocol):
    """The courier's identity (``keys``), inside zone only."""

    def open_sealed(self, sealed: bytes) -> bytes:
        """Open an age file for the courier; raises Damaged or Denied."""


class MailSigner(Protocol):
    """The organisation's DKIM keys (``keys.dkim``)."""

    def sign(self, head: bytes, body: Iterable[bytes]) -> bytes:
        """The fields to put before a mail with CRLF line ends."""

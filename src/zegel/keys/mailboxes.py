"""Identities of own mailboxes that are read in the portal: one X-Wing identity per mail domain (inside zone).

One per domain and not per address: all of them lie in one folder and are used by one process, so more would protect
nothing (docs/decisions). A key is made when the first message for its domain comes in, and kept when the configuration
changes: what is sealed to it must stay readable.
"""

from dataclasses import dataclass
from pathlib import Path

from zegel import seal
from zegel.errors import Damaged, NotFound
from zegel.keys.files import read_or_make
from zegel.parcels.addresses import checked_address


@dataclass(frozen=True, slots=True)
class MailboxKeys:
    """The identities in a folder, each read when it is needed."""

    folder: Path

    def recipient(self, domain: str) -> seal.HybridRecipient:
        """Whom to seal for; makes the identity the first time. Raises Mistake ``bad-address``."""
        path = self._path(domain)
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return _parse(read_or_make(path, _fresh)).recipient

    def open_sealed(self, domain: str, sealed: bytes) -> bytes:
        """Open what was sealed for a domain; raises NotFound ``no-mailbox-key``, Damaged, Denied."""
        try:
            kept = self._path(domain).read_bytes()
        except FileNotFoundError:
            # Never made here: a fresh one would open nothing, and hide that a restored folder lacks the right one.
            raise NotFound("There is no key for the mailboxes of this domain.", code="no-mailbox-key") from None
        return seal.open_(sealed, _parse(kept))

    def _path(self, domain: str) -> Path:
        # The syntax of a domain has no slash and no dot at its start: it can name no other file.
        return self.folder / f"{checked_address(f'x@{domain}').partition('@')[2]}.key"


def _fresh() -> bytes:
    return f"# zegel mailboxes\n{seal.HybridIdentity.generate()}\n".encode()


def _parse(kept: bytes) -> seal.HybridIdentity:
    words = kept.decode("ascii", "replace").split()
    if not words:
        raise Damaged("A key file is empty.", code="bad-key-file")
    return seal.HybridIdentity.parse(words[-1])

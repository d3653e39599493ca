"""The claim (afhaalbewijs): how a reader without account opens a slip (docs/format.md §3).

The identity follows from two halves: the *link secret*, which only the notice holds, and the *release share*, which the
server hands out after the proof. Whoever has one half has nothing.
"""

import base64
import binascii
import re
import secrets
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from zegel.errors import Mistake
from zegel.parcels import identifiers

HALF_BYTES = 32
_INFO = b"zegel claim v1"
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_PATH = re.compile(r"(?P<base>.*)/o/(?P<slip>[a-z2-7]{26})/?\Z")


@dataclass(frozen=True, slots=True)
class Link:
    """A reader's link; ``base`` is the scheme, host and path before ``/o/``. The secret never shows in a repr."""

    base: str
    slip: str
    secret: bytes = field(repr=False)

    def __str__(self) -> str:
        return f"{self.base}/o/{self.slip}#{spell_secret(self.secret)}"


def new_half() -> bytes:
    """A fresh link secret or release share."""
    return secrets.token_bytes(HALF_BYTES)


def spell_secret(secret: bytes) -> str:
    """The 43 characters that stand after ``#``."""
    return base64.urlsafe_b64encode(secret).decode("ascii").rstrip("=")


def read_secret(text: str) -> bytes:
    """Read what stands after ``#``; raises :class:`Mistake` when it was cut or altered by a mail program."""
    if _SECRET.match(text):
        try:
            secret = base64.b64decode(text + "=", altchars=b"-_", validate=True)
        except binascii.Error:
            secret = b""
        # Two spellings of the same bytes (spare bits set) would hide that a link was altered.
        if len(secret) == HALF_BYTES and spell_secret(secret) == text:
            return secret
    raise Mistake("The link is not complete. Copy the whole link from the message, to the end.", code="cut-link")


def read_link(text: str) -> Link:
    """Read a link as a reader pastes it; raises :class:`Mistake`."""
    try:
        parts = urlsplit(text.strip().strip("<>"))
    except ValueError:
        parts = urlsplit("")
    path = _PATH.match(parts.path)
    if parts.scheme not in ("http", "https") or not parts.netloc or not path:
        raise Mistake("This is not a link to a secure message.", code="bad-link")
    slip = identifiers.checked(path["slip"])
    return Link(f"{parts.scheme}://{parts.netloc}{path['base']}", slip, read_secret(parts.fragment))


def derive_seed(link_secret: bytes, release_share: bytes, slip: str) -> bytes:
    """Return the 32-byte X-Wing seed of the reader's identity.

    Raises :class:`Mistake` when either half has another length than 32 bytes: HKDF would take it, and the boundary
    between the halves would become movable.
    """
    if len(link_secret) != HALF_BYTES or len(release_share) != HALF_BYTES:
        raise Mistake("Both halves of a claim are 32 bytes.", code="bad-claim")
    kdf = HKDF(hashes.SHA256(), HALF_BYTES, salt=identifiers.to_bytes(slip), info=_INFO)
    return kdf.derive(link_secret + release_share)

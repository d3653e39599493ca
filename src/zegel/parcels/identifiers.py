"""Identifiers of parcels, blobs and slips: 16 random bytes, 26 characters of base32 (docs/format.md §1)."""

import base64
import re
import secrets

from zegel.errors import Mistake

_SPELLING = re.compile(r"[a-z2-7]{25}[aeimquy4]\Z")
"""26 base32 characters; the last carries 3 bits of value and its two spare bits must be zero."""


def new_identifier() -> str:
    """Return a fresh random identifier."""
    return to_text(secrets.token_bytes(16))


def to_text(raw: bytes) -> str:
    """Spell 16 bytes."""
    return base64.b32encode(raw).decode("ascii").rstrip("=").lower()


def to_bytes(text: str) -> bytes:
    """Return the 16 bytes of an identifier; raises :class:`Mistake` for any other spelling than ours."""
    return base64.b32decode(checked(text).upper() + "======")


def checked(text: str) -> str:
    """Return ``text`` when it is an identifier; raises :class:`Mistake` otherwise."""
    if not _SPELLING.match(text):
        raise Mistake("This is not a valid identifier.", code="bad-identifier")
    return text

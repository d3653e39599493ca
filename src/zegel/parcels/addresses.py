"""Mail addresses as parcels use them: enough syntax to be safe in headers and tables, no more (RFC 5321 §4.5.3.1)."""

import re
from dataclasses import dataclass

from zegel.errors import Mistake

LONGEST_NAME = 200
"""Characters of the name of a person or an organisation."""
_LOCAL = re.compile(r"[^\s@<>()\[\]\\,;:\"\x00-\x1f\x7f]{1,64}\Z")
_DOMAIN = re.compile(r"(?=.{1,253}\Z)[^\W_](?:[\w-]{0,61}[^\W_])?(?:\.[^\W_](?:[\w-]{0,61}[^\W_])?)*\Z")


@dataclass(frozen=True, slots=True)
class Person:
    """A name and an address as a manifest shows them; the name may be empty."""

    name: str
    address: str


def shown_name(text: str) -> str:
    """A person's name as we show it, whoever wrote it: one line of at most 200 characters.

    What cannot be seen is left out, for the reason that addresses refuse it; a bidi override in a name would also turn
    round the address that stands beside it.
    """
    seen = "".join(char for char in text if char.isprintable() or char.isspace())
    return " ".join(seen.split())[:LONGEST_NAME].rstrip()


def checked_address(text: str) -> str:
    """Return the address with its domain in lower case; raises :class:`Mistake`.

    Quoted local parts and address literals are refused: no reader has one, and they are how headers get smuggled. So is
    what cannot be seen (bidi overrides, zero-width characters, surrogates): two addresses that look alike must be one.
    """
    local, at, domain = text.strip().rpartition("@")
    visible = local.isprintable()
    if not at or not visible or not _LOCAL.match(local) or not _DOMAIN.match(domain) or ".." in local or "_" in domain:
        raise Mistake("“{address}” is not a mail address.", code="bad-address", address=text[:100])
    return f"{local}@{domain.lower()}"

"""Reading key strings and key files, whatever the type: the prefix tells which lock it is.

A key file is what ``age-keygen`` writes and ``age -R`` and ``age -i`` read: one key a line, ``#`` for comments, empty
lines allowed.
"""

from collections.abc import Callable
from typing import TypeVar

from zegel.errors import Mistake
from zegel.seal.hybrid import HybridIdentity, HybridRecipient
from zegel.seal.hybrid_tag import HybridTagRecipient
from zegel.seal.p256tag import P256TagRecipient
from zegel.seal.roles import Identity, Recipient
from zegel.seal.x25519 import X25519Identity, X25519Recipient

_Key = TypeVar("_Key")

_RECIPIENTS: dict[str, Callable[[str], Recipient]] = {
    "age1pq1": HybridRecipient.parse,
    "age1tagpq1": HybridTagRecipient.parse,
    "age1tag1": P256TagRecipient.parse,
    "age1": X25519Recipient.parse,  # last: it is the beginning of the others
}
_IDENTITIES: dict[str, Callable[[str], Identity]] = {
    "AGE-SECRET-KEY-PQ-1": HybridIdentity.parse,
    "AGE-SECRET-KEY-1": X25519Identity.parse,
}


def parse_recipient(text: str) -> Recipient:
    """Read one recipient string of any native type."""
    text = text.strip()
    for prefix, parse in _RECIPIENTS.items():
        if text.lower().startswith(prefix):
            return parse(text)
    raise Mistake("This is not an age recipient: it begins with none of the known prefixes.")


def parse_identity(text: str) -> Identity:
    """Read one identity string of any native type."""
    text = text.strip()
    for prefix, parse in _IDENTITIES.items():
        if text.startswith(prefix):
            return parse(text)
    # The text isn't shown: it may be a secret with one letter wrong.
    raise Mistake("This is not an age identity: it begins with none of the known prefixes.")


def parse_recipients(text: str) -> list[Recipient]:
    """Read a recipients file; an empty one is refused, for it would seal for nobody."""
    return _parse_lines(text, parse_recipient, "recipient")


def parse_identities(text: str) -> list[Identity]:
    """Read an identity file; an empty one is refused."""
    return _parse_lines(text, parse_identity, "identity")


def _parse_lines(text: str, parse: Callable[[str], _Key], noun: str) -> list[_Key]:
    keys = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.startswith("#"):
            try:
                keys.append(parse(line))
            except Mistake as mistake:
                raise Mistake("Line {line}: {reason}", line=number, reason=mistake) from None
    if not keys:
        raise Mistake("There is no {noun} in the file.", noun=noun)
    return keys

"""Sizes without sealing: what a sealed file will weigh, and what is inside one (for progress, quotas, ranges)."""

from collections.abc import Sequence

from zegel.seal.format import VERSION_LINE
from zegel.seal.roles import Recipient, check_mix
from zegel.seal.stream import plain_payload_size, sealed_payload_size

_FRAME = len(VERSION_LINE) + 1 + len("--- ") + 43 + 1


def header_size(recipients: Sequence[Recipient]) -> int:
    """Give the exact length of a header for *recipients*."""
    check_mix(recipients)
    return _FRAME + sum(_wrapped_size(recipient) for recipient in recipients)


def sealed_size(plain_size: int, header: Sequence[Recipient] | int) -> int:
    """Give the exact length of the sealed file; *header* is its recipients, or the header's length."""
    length = header if isinstance(header, int) else header_size(header)
    return length + sealed_payload_size(plain_size)


def plain_size(sealed_size: int, header_size: int) -> int:
    """Give the length of what is inside a file of *sealed_size* bytes; refuses a length that no file has.

    It is arithmetic: whether the file was cut off at a chunk's edge shows only when the last chunk is opened.
    """
    return plain_payload_size(sealed_size - header_size)


def _wrapped_size(recipient: Recipient) -> int:
    known: int | None = getattr(recipient, "wrapped_size", None)
    if known is not None:
        return known
    return sum(len(stanza.encode()) for stanza in recipient.wrap(bytes(16)))

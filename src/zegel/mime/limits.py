"""How far a mail may go before it is refused by name (sizes in bytes)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MimeLimits:
    """How far a mail may go before it is refused by name."""

    parts: int = 1000
    depth: int = 50
    header_bytes: int = 256 * 1024
    part_header_bytes: int = 64 * 1024
    text_bytes: int = 1024 * 1024
    """A text longer than this becomes an attachment: the message itself is read in one piece."""
    all_text_bytes: int = 4 * 1024 * 1024

"""Key strings and key files: what parses is written back the same, and only Mistake refuses the rest."""

import contextlib

from zegel.errors import Mistake
from zegel.seal import bech32, parse_identities, parse_identity, parse_recipient, parse_recipients

_PREFIXES = ("age", "age1pq", "age1tag", "age1tagpq")


def one(data: bytes) -> None:
    """Try the bytes as a string, as the content of a key, and as a key file."""
    text = data.decode("utf-8", "surrogateescape")
    _string(text)
    for prefix in (*_PREFIXES, "AGE-SECRET-KEY-", "AGE-SECRET-KEY-PQ-"):
        spelled = bech32.encode(prefix, data)
        assert bech32.decode(spelled) == (prefix, data)
        _string(spelled)
    for parse_file in (parse_recipients, parse_identities):
        with contextlib.suppress(Mistake):
            parse_file(text)


def _string(text: str) -> None:
    decoded = bech32.decode(text)
    if decoded is not None:
        assert bech32.encode(*decoded) == text
    for parse in (parse_recipient, parse_identity):
        try:
            key = parse(text)
        except Mistake:
            continue
        assert str(key) == text.strip()

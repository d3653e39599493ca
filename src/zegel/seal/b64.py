"""Base64 as age wants it: standard alphabet, no padding, and one spelling per value.

A decoder that accepts a second spelling makes the file malleable: a header could be changed in transit without any
check noticing. So every decoding is encoded again and compared (c2sp.org/age, "Conventions", and RFC 4648, 3.5).
Python's own strict mode isn't enough: it lets non-zero trailing bits through.
"""

import binascii


def encode(data: bytes) -> str:
    """Give the unpadded base64 of *data*."""
    return binascii.b2a_base64(data, newline=False).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes | None:
    """Give the bytes that *text* is the canonical spelling of, or None if it isn't one."""
    try:
        raw = text.encode("ascii")
        data = binascii.a2b_base64(raw + b"=" * (-len(raw) % 4))
    except (UnicodeEncodeError, binascii.Error):
        return None
    # The lenient decoder skips foreign characters; encoding again shows every such liberty as a difference.
    return data if binascii.b2a_base64(data, newline=False).rstrip(b"=") == raw else None

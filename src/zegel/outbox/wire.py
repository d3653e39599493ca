"""A mail's bytes as they go over SMTP after DATA. Pure, in pieces: memory stays flat."""

import re
from collections.abc import Iterable, Iterator


def stuffed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Line ends become CRLF, dots at the start of a line are doubled, and the final dot follows (RFC 5321 §4.5.2).

    A CR or LF alone is a line end too: passed on as it is, one server's line would be another's end of mail.
    """
    at_start, held = True, b""
    for piece in pieces:
        data = held + piece
        # A CR may be half of a CRLF that the next piece completes.
        held = b"\r" if data.endswith(b"\r") else b""
        data = data[: len(data) - len(held)]
        if data:
            data, at_start = _lines(data, at_start)
            yield data
    if held:
        data, at_start = _lines(b"\n", at_start)
        yield data
    yield b".\r\n" if at_start else b"\r\n.\r\n"


def _lines(data: bytes, at_start: bool) -> tuple[bytes, bool]:
    data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    data = data.replace(b"\n.", b"\n..").replace(b"\n", b"\r\n")
    if at_start and data.startswith(b"."):
        data = b"." + data
    return data, data.endswith(b"\n")


_ENHANCED = re.compile(rb"\s*([245]\.\d{1,3}\.\d{1,3})(?!\d)")


def reply_code(code: int, text: bytes) -> str:
    """What we keep of a foreign server's answer: ``550 5.1.1``, never its words; they may quote what was sent."""
    enhanced = _ENHANCED.match(text)
    return f"{code} {enhanced[1].decode()}" if enhanced else str(code)

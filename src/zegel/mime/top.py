"""The top headers of a mail, as the door sees them when it decides: before any body."""

import re
from collections.abc import Iterable

from zegel.errors import Mistake
from zegel.mime.headers import Headers, read_addresses, read_headers
from zegel.mime.limits import MimeLimits
from zegel.mime.walker import Part, Sink, Walker


def read_top(pieces: Iterable[bytes], limits: MimeLimits | None = None) -> Headers:
    """Read pieces of a mail until its headers are complete; the rest is not asked for.

    Raises Mistake ``long-headers``.
    """
    top = _Top()
    walker = Walker(top, limits or MimeLimits())
    try:
        for piece in pieces:
            walker.feed(piece)
            if top.headers is not None:
                break
        else:
            walker.close()
    except Mistake:
        # The piece that ended the headers may hold parts beyond a limit: that is the mail's trouble, not the headers'.
        if top.headers is None:
            raise
    return top.headers or Headers()


def read_as_servers(pieces: Iterable[bytes], limits: MimeLimits | None = None) -> Headers:
    """The top headers as the most forgiving server down the line may read them, when a stranger made the mail.

    Each CR and LF ends a line there, as on the wire (``outbox.wire``); NUL is not seen; a line that is no field ends
    nothing. What the walker reads is a part of this. Raises Mistake ``long-headers``.
    """
    most, block = (limits or MimeLimits()).header_bytes, b""
    for piece in pieces:
        block += piece
        lines, ended, _ = _lines(block).partition(b"\n\n")
        if len(lines) > most:
            raise Mistake("The headers of the mail are longer than {most} bytes.", code="long-headers", most=most)
        if ended or lines.startswith(b"\n"):
            break
    lines = _lines(block).partition(b"\n\n")[0]
    return Headers() if lines.startswith(b"\n") else read_headers(lines + b"\n")


def _lines(raw: bytes) -> bytes:
    return raw.replace(b"\0", b"").replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def sole_sender(headers: Headers) -> str:
    """The one address in the one From field, in lower case; empty when programs could disagree who it is."""
    values = headers.all("from")
    if len(values) != 1 or not _CLEAR.match(values[0]):
        return ""
    senders = read_addresses(values)
    return senders[0][1].lower() if len(senders) == 1 else ""


_CLEAR = re.compile(r'(?:"(?:[^"\\]|\\.)*"|\([^()\\]*\)|[^"<>()])*+(?:<[^<>"()]*>)?+(?:\s|\([^()\\]*\))*+\Z', re.DOTALL)
"""At most one address in angles and nothing after it; quotes and comments that are closed, and not in one another."""


class _Top:
    """Keeps the first part's headers; bodies go nowhere."""

    def __init__(self) -> None:
        self.headers: Headers | None = None

    def write(self, data: bytes) -> None: ...

    def close(self) -> None: ...

    def leaf(self, part: Part) -> Sink:
        self._keep(part)
        return self

    def enter(self, part: Part) -> Sink | None:
        self._keep(part)
        return None

    def leave(self, part: Part) -> None: ...

    def unreadable(self, part: Part, body: bytes) -> None: ...

    def _keep(self, part: Part) -> None:
        if self.headers is None:
            self.headers = part.headers

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


def read_strict_top(pieces: Iterable[bytes], limits: MimeLimits | None = None) -> Headers:
    """The top headers of a mail that a stranger made; none at all where programs could disagree about them.

    A CR or LF without the other ends a line for some and not for others (also on its way: ``outbox.wire``), and a NUL
    is seen by some only. A line that is no field ends nothing. Raises Mistake ``long-headers``.
    """
    most, block, head = (limits or MimeLimits()).header_bytes, b"", b""
    for piece in pieces:
        block += piece
        head, ended, _ = block.partition(b"\r\n\r\n")
        if len(head) > most:
            raise Mistake("The headers of the mail are longer than {most} bytes.", code="long-headers", most=most)
        if ended or head.startswith(b"\r\n"):
            break
    if head.startswith(b"\r\n") or _UNCLEAR.search(head):
        return Headers()
    return read_headers(head.replace(b"\r\n", b"\n") + b"\n")


def sole_sender(headers: Headers) -> str:
    """The one address in the one From field, in lower case; empty when programs could disagree who it is."""
    values = headers.all("from")
    if len(values) != 1 or not _CLEAR.match(values[0]):
        return ""
    senders = read_addresses(values)
    return senders[0][1].lower() if len(senders) == 1 else ""


_UNCLEAR = re.compile(rb"\0|\r(?!\n)|(?<!\r)\n")
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

"""The top headers of a mail, as the door sees them when it decides: before any body."""

from collections.abc import Iterable

from zegel.errors import Mistake
from zegel.mime.headers import Headers
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

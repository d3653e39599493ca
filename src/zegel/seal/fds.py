"""Descriptor to descriptor."""

import os
from collections.abc import Iterator, Sequence

from zegel.seal.age import Opener, Sealer
from zegel.seal.roles import Identity, Recipient

_PIECE = 1 << 20


def seal_fd(fd_in: int, fd_out: int, recipients: Sequence[Recipient]) -> int:
    """Seal all that *fd_in* gives into *fd_out*; give the number of bytes written."""
    sealer = Sealer(recipients)
    written = _write(fd_out, sealer.header())
    for piece in _pieces(fd_in):
        written += _write(fd_out, sealer.update(piece))
    return written + _write(fd_out, sealer.finish())


def open_fd(fd_in: int, fd_out: int, identities: Sequence[Identity]) -> int:
    """Open all that *fd_in* gives into *fd_out*; give the number of bytes written."""
    opener = Opener(identities)
    written = 0
    for piece in _pieces(fd_in):
        written += _write(fd_out, opener.update(piece))
    return written + _write(fd_out, opener.finish())


def _pieces(fd: int) -> Iterator[bytes]:
    while piece := os.read(fd, _PIECE):
        yield piece


def _write(fd: int, data: bytes) -> int:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
    return len(data)

"""Room for an output, asked for while the program is still being loaded.

Half of the time that a write to a new file takes is finding pages or blocks for it, and all writers of one file wait
for each other meanwhile. While Python imports the cipher on one core, another core can do some of that beforehand.
"""

import os
import stat
import threading
from typing import Self

NAME = "room"
_PIECE = 4 << 20
"""Bytes a call: nobody waits longer than a millisecond or two for the one under way."""
_LEAST = 64 << 20
"""Below this there is nothing to gain."""


class Room:
    """Makes *fd_out* grow in a thread of its own until :meth:`enough`, at most to the size of *fd_in*.

    Use it with ``with``. Leaving gives back what was not needed: the file then ends where its descriptor stands.

    Nothing may be written before :meth:`enough` has returned: where a file system cannot reserve, the C library writes
    into the file instead (posix_fallocate(3), NOTES).
    """

    def __init__(self, fd_in: int, fd_out: int) -> None:
        self._fd = fd_out
        self._until = _wanted(fd_in, fd_out)
        self._enough = False
        self._thread: threading.Thread | None = None
        self._grown = False
        if self._until >= _LEAST:
            self._thread = threading.Thread(target=self._grow, name=NAME, daemon=True)
            self._thread.start()

    def _grow(self) -> None:
        at = 0
        while at < self._until and not self._enough:
            try:
                os.posix_fallocate(self._fd, at, min(_PIECE, self._until - at))
            except OSError:
                return  # no room, or no such thing here: whoever writes will say so better
            self._grown = True
            at += _PIECE

    def enough(self) -> None:
        """Stop, and wait until nothing touches the file any more."""
        self._enough = True
        if self._thread is not None:
            self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.enough()
        if self._grown:
            os.ftruncate(self._fd, os.lseek(self._fd, 0, os.SEEK_CUR))


def _wanted(fd_in: int, fd_out: int) -> int:
    """The size of the input, when both are regular files and the output is new; else 0."""
    source, target = os.fstat(fd_in), os.fstat(fd_out)
    new = stat.S_ISREG(target.st_mode) and target.st_size == 0 and hasattr(os, "posix_fallocate")
    # One core has nobody who could do this meanwhile.
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    return source.st_size if new and cores > 1 and stat.S_ISREG(source.st_mode) else 0

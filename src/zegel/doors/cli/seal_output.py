"""Where the sealing commands write: never half a file under the name that was asked for.

A file is written without a name (``O_TMPFILE``) and gets its name only when it's complete, so whatever ends the
command, a refusal, a full disk, ``kill -9``, the old file is still there and no half-opened plaintext lies about.
"""

import contextlib
import os
import stat
from types import TracebackType

from zegel.errors import Mistake

_unfinished: set[str] = set()
"""Names that lie in folders for outputs which are not complete yet."""


def take_away_unfinished() -> None:
    """Remove what incomplete outputs left in their folders; for whoever ends the process without unwinding it."""
    for name in list(_unfinished):
        with contextlib.suppress(OSError):
            os.unlink(name)


class Output:
    """One output: a new file, a device or pipe, or standard output. Use it with ``with``; ``fd`` is where to write.

    An ``exclusive`` output refuses a name that exists, and is readable by its owner only: for secret keys.
    """

    def __init__(self, path: str | None, *, exclusive: bool = False) -> None:
        self._target = "" if path is None or path == "-" else os.path.realpath(path)
        self._exclusive = exclusive
        self._unfinished = ""
        self._owned = True
        self.fd = self._open()

    def _open(self) -> int:
        if not self._target:
            self._owned = False
            return 1
        if os.path.lexists(self._target):
            if self._exclusive:
                raise FileExistsError(17, "File exists", self._target)
            if not stat.S_ISREG(os.stat(self._target).st_mode):
                return os.open(self._target, os.O_WRONLY)
        return self._open_nameless()

    def _open_nameless(self) -> int:
        folder = os.path.dirname(self._target)
        mode = 0o600 if self._exclusive else 0o666
        try:
            return os.open(folder, os.O_WRONLY | os.O_TMPFILE, mode)
        except (OSError, AttributeError):
            # Not every file system has nameless files. Then it has an odd name until it's complete.
            self._unfinished = self._odd_name()
            return os.open(self._unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)

    def _odd_name(self) -> str:
        folder, name = os.path.split(self._target)
        odd = os.path.join(folder, f".{name[:200]}.{os.urandom(8).hex()}.unfinished")
        _unfinished.add(odd)
        return odd

    def __enter__(self) -> "Output":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._owned:
            return
        try:
            if kind is None and stat.S_ISREG(os.fstat(self.fd).st_mode):
                self._give_name()
        finally:
            os.close(self.fd)
            if self._unfinished:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self._unfinished)
                _unfinished.discard(self._unfinished)

    def _give_name(self) -> None:
        if self._exclusive:
            os.fsync(self.fd)
            self._link_to(self._target)
            return
        with contextlib.suppress(FileNotFoundError):  # who could read the old file can read the new one
            os.fchmod(self.fd, stat.S_IMODE(os.stat(self._target).st_mode))
        if not self._unfinished:
            name = self._odd_name()
            self._link_to(name)
            self._unfinished = name
        os.replace(self._unfinished, self._target)

    def _link_to(self, name: str) -> None:
        if self._unfinished:
            os.link(self._unfinished, name)
        else:
            folder = os.open(os.path.dirname(name), os.O_RDONLY | os.O_DIRECTORY)
            try:
                # linkat(2): the documented way to name an O_TMPFILE. A folder descriptor makes Python use linkat.
                os.link(f"/proc/self/fd/{self.fd}", os.path.basename(name), dst_dir_fd=folder, follow_symlinks=True)
            finally:
                os.close(folder)


def open_input(path: str | None) -> int:
    """Give the descriptor of an input: a file, or standard input for ``-`` or nothing."""
    return 0 if path is None or path == "-" else os.open(path, os.O_RDONLY)


def refuse_same_file(source: str | None, target: str | None) -> None:
    """Refuse to write over the input: after that only the sealed form would be left, or nothing if keys are wrong."""
    if source in (None, "-") or target in (None, "-"):
        return
    with contextlib.suppress(FileNotFoundError):
        if os.path.samefile(str(source), str(target)):
            raise Mistake("Input and output are the same file: {path}.", path=str(target))


def is_printable(text: str) -> bool:
    """Tell whether text may go to a terminal: no control characters, which could drive it."""
    return all(char in "\t\n\r" or char.isprintable() or char.isspace() for char in text)

"""ASCII armor: an age file as text, for channels that carry only text (c2sp.org/age, "ASCII armor").

The encoding is strict PEM (RFC 7468, figure 3) and has one spelling: lines of 64 columns, a last line that may be
shorter, ``=`` padding, nothing else between the markers. Outside them white space is allowed, and lines may end in
CRLF; everything else would let a file be changed in transit without a trace.
"""

import binascii
import re

from zegel.seal.errors import ArmorFailure

BEGIN = b"-----BEGIN AGE ENCRYPTED FILE-----"
END = b"-----END AGE ENCRYPTED FILE-----"

_COLUMNS = 64
_LINE_BYTES = 48
_WHITE_SPACE = b" \t\r\n"
_MAX_WHITE_SPACE = 1024
_BODY_LINE = re.compile(rb"[A-Za-z0-9+/]+={0,2}\Z")


class Armorer:
    """Armors a stream, push form."""

    def __init__(self) -> None:
        self._pending = b""
        self._begun = False

    def update(self, data: bytes) -> bytes:
        """Take binary; give the lines that are full."""
        data = self._pending + data
        whole = len(data) // _LINE_BYTES * _LINE_BYTES
        self._pending = data[whole:]
        return self._begin() + _lines(data[:whole])

    def finish(self) -> bytes:
        """Give the last line and the end marker."""
        return self._begin() + _lines(self._pending) + END + b"\n"

    def _begin(self) -> bytes:
        begin = b"" if self._begun else BEGIN + b"\n"
        self._begun = True
        return begin


def _lines(data: bytes) -> bytes:
    text = binascii.b2a_base64(data, newline=False)
    return b"".join(text[at : at + _COLUMNS] + b"\n" for at in range(0, len(text), _COLUMNS))


class Dearmorer:
    """Takes the armor off a stream, push form."""

    def __init__(self) -> None:
        self._buffer = b""
        self._state = self._before
        self._white_space = 0
        self._short_line_seen = False

    def update(self, text: bytes) -> bytes:
        """Take text; give the binary of the lines that are complete."""
        self._buffer += text
        return self._state()

    def finish(self) -> bytes:
        """Say that the text ends here."""
        binary = b""
        if self._state == self._inside and self._buffer in (END, END + b"\r"):
            self._buffer += b"\n"
            binary = self._state()
        if self._state != self._after:
            raise ArmorFailure("The ASCII armor of the sealed file is cut off: its end marker is missing.")
        return binary

    def _before(self) -> bytes:
        self._skip_white_space()
        line, newline, rest = self._buffer.partition(b"\n")
        if not newline:
            if not BEGIN.startswith(line.removesuffix(b"\r")):
                raise ArmorFailure("This is not an armored age file: it does not begin with the marker line.")
            return b""
        if line.removesuffix(b"\r") != BEGIN:
            raise ArmorFailure("This is not an armored age file: it does not begin with the marker line.")
        self._buffer = rest
        self._state = self._inside
        return self._inside()

    def _inside(self) -> bytes:
        *lines, self._buffer = self._buffer.split(b"\n")
        binary: list[bytes] = []
        for number, raw in enumerate(lines):
            line = raw.removesuffix(b"\r")
            if line == END:
                self._buffer = b"\n".join((*lines[number + 1 :], self._buffer))
                self._state = self._after
                self._after()
                break
            binary.append(self._decode(line))
        if len(self._buffer) > _COLUMNS + 1 and self._state == self._inside:
            raise ArmorFailure("A line of the ASCII armor is too long.")
        return b"".join(binary)

    def _decode(self, line: bytes) -> bytes:
        if self._short_line_seen or not line or len(line) > _COLUMNS or not _BODY_LINE.match(line):
            raise ArmorFailure("A line of the ASCII armor is malformed.")
        try:
            binary = binascii.a2b_base64(line)
        except binascii.Error:
            raise ArmorFailure("A line of the ASCII armor is malformed.") from None
        if binascii.b2a_base64(binary, newline=False) != line:
            raise ArmorFailure("A line of the ASCII armor is not in canonical base64.")
        # Only the last line may be shorter or padded.
        self._short_line_seen = len(binary) < _LINE_BYTES
        return binary

    def _after(self) -> bytes:
        self._skip_white_space()
        if self._buffer:
            raise ArmorFailure("Something follows the end marker of the ASCII armor.")
        return b""

    def _skip_white_space(self) -> None:
        kept = self._buffer.lstrip(_WHITE_SPACE)
        self._white_space += len(self._buffer) - len(kept)
        if self._white_space > _MAX_WHITE_SPACE:
            raise ArmorFailure("There is too much white space around the ASCII armor.")
        self._buffer = kept


def armor(data: bytes) -> bytes:
    """Give *data* in ASCII armor."""
    armorer = Armorer()
    return armorer.update(data) + armorer.finish()


def dearmor(text: bytes) -> bytes:
    """Take the armor off *text*, strictly."""
    dearmorer = Dearmorer()
    return dearmorer.update(text) + dearmorer.finish()

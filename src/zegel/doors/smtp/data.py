"""The octets between DATA and the final dot (RFC 5321 §4.5.2), in pieces as large as the network brings them.

Only CRLF ends a line and only CRLF.CRLF ends a mail. A CR or LF that stands alone is how one mail is smuggled inside
another past two servers that read line ends differently; such a mail is read to its end and refused.
"""

from typing import Literal

Fault = Literal["", "bare-line-end", "long-line", "too-large"]

_END = b"\r\n.\r\n"


class DataReader:
    """Feed it what comes after 354; it gives back the mail's own bytes, and notices the end.

    After the end, ``rest`` is what the client sent behind it (RFC 2920 allows that). With ``fault`` set the mail must
    be refused; :meth:`feed` then gives nothing more, but still finds the end.
    """

    def __init__(self, most_bytes: int, most_line: int):
        self._most_bytes = most_bytes
        self._most_line = most_line
        self._held = b"\r\n"
        """The end of what came before, at most 4 bytes: the beginning of a mail counts as the beginning of a line."""
        self._first = True
        self._line = 0
        self.size = 0
        self.done = False
        self.rest = b""
        self.fault: Fault = ""

    def feed(self, data: bytes) -> bytes:
        """Take the next octets off the wire, give back content with its dots un-stuffed."""
        data = self._held + data
        end = data.find(_END)
        if end >= 0:
            self.done = True
            self.rest = data[end + len(_END) :]
            self._held = b""
            return self._content(data[: end + 2])
        keep = next((n for n in range(4, 0, -1) if data.endswith(_END[:n])), 0)
        self._held = data[len(data) - keep :]
        return self._content(data[: len(data) - keep])

    def _content(self, data: bytes) -> bytes:
        self._check_lines(data)
        data = data.replace(b"\r\n.", b"\r\n")
        if self._first and data:
            # The line end that stands before every mail is not part of it.
            data, self._first = data[2:], False
        self.size += len(data)
        if self.size > self._most_bytes and not self.fault:
            self.fault = "too-large"
        return b"" if self.fault else data

    def _check_lines(self, data: bytes) -> None:
        ends = data.count(b"\r\n")
        if not self.fault and (data.count(b"\r") != ends or data.count(b"\n") != ends):
            self.fault = "bare-line-end"
        if not ends:
            self._line += len(data)
            long = self._line > self._most_line
        else:
            first, last = data.find(b"\r\n"), data.rfind(b"\r\n")
            long = self._line + first > self._most_line or not self._are_short(data, first + 2, last)
            self._line = len(data) - last - 2
            long = long or self._line > self._most_line
        if long and not self.fault:
            self.fault = "long-line"

    def _are_short(self, data: bytes, start: int, end: int) -> bool:
        """Whether no line between the two is too long. In strides: most lines are short, and looked at by nobody."""
        while end - start > self._most_line:
            stride = data.rfind(b"\r\n", start, start + self._most_line + 2)
            if stride < 0:
                return False
            start = stride + 2
        return True

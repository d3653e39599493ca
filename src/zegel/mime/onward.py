"""The mail as it travels on: byte for byte as it came, but for a few header fields. In pieces: memory stays flat.

Left out are ``Bcc`` (RFC 5322 §3.6.3: the others must not learn of them), ``Return-Path`` (only the last server writes
it, RFC 5321 §4.4) and what the sender says to Zegel alone (``Zegel-…``). Added are a trace field of ours in front, and
``Date`` and ``Message-ID`` where they are missing (RFC 6409 §8): a mail that has to be said twice must be known as one.
"""

import re
from dataclasses import dataclass
from typing import Literal

Form = Literal["7bit", "8bit", "utf8"]

_DROPPED = re.compile(rb"(?i:bcc|resent-bcc|return-path|zegel-[!-9;-~]*)[ \t]*\Z")
_LONGEST_NAME = 200
_ABOVE = re.compile(rb"[\x80-\xff]")


@dataclass(frozen=True, slots=True)
class Added:
    """Whole fields without line ends: ``trace`` goes in front; the others only where the mail has none."""

    trace: bytes
    date: bytes
    message_id: bytes


class Onward:
    """Feed it the mail with CRLF line ends, then :meth:`close`; both give what travels on."""

    def __init__(self, added: Added):
        self._added = added
        self._held = b""
        """The beginning of a header line of which nothing can be said yet."""
        self._in_line = False
        self._keep = True
        self._body = False
        self._seen: set[bytes] = set()
        self._first = True
        self.form: Form = "7bit"
        """What a server must be able to carry, so far."""

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes."""
        if self._body:
            return self._noted(data)
        out = bytearray()
        if self._first:
            out += self._added.trace + b"\r\n"
            self._first = False
        data = self._held + data
        at = 0
        while at < len(data) and not self._body:
            at, done = self._line(data, at, out)
            if not done:
                break
        self._held = b"" if self._body else data[at:]
        if self._body:
            out += self._noted(data[at:])
        return bytes(out)

    def close(self) -> bytes:
        """The mail is complete; one that ends within its header gets an end of the header."""
        if self._body:
            return b""
        out = bytearray(self.feed(b"") if self._first else b"")
        rest, self._held = self._held, b""
        if rest and not self._in_line:
            self._begin(rest)
        if self._keep:
            out += self._head(rest)
        if self._keep and (self._in_line or (rest and not rest.endswith(b"\n"))):
            out += b"\r\n"
        self._body = True
        return bytes(out) + self._missing() + b"\r\n"

    def _line(self, data: bytes, at: int, out: bytearray) -> tuple[int, bool]:
        """One header line, or as much of it as is there; returns where the next begins, False for want of more."""
        end = data.find(b"\n", at)
        if not self._in_line:
            if end < 0 and len(data) - at < _LONGEST_NAME:
                return at, False
            line = data[at : end + 1 if end >= 0 else len(data)]
            if line.strip(b"\r\n") == b"" and end >= 0:
                out += self._missing() + line
                self._body = True
                return end + 1, True
            self._begin(line)
        stop = end + 1 if end >= 0 else len(data)
        if self._keep:
            out += self._head(data[at:stop])
        self._in_line = end < 0
        return stop, True

    def _begin(self, line: bytes) -> None:
        """Decide about the field that begins here; a folded line follows its field."""
        if line[:1] in (b" ", b"\t"):
            return
        name, colon, _ = line[:_LONGEST_NAME].partition(b":")
        self._keep = not (colon and _DROPPED.match(name))
        if colon:
            self._seen.add(name.strip().lower())

    def _head(self, data: bytes) -> bytes:
        if _ABOVE.search(data):
            self.form = "utf8"
        return data

    def _noted(self, data: bytes) -> bytes:
        if self.form == "7bit" and not data.isascii():
            self.form = "8bit"
        return data

    def _missing(self) -> bytes:
        wanted = ((b"date", self._added.date), (b"message-id", self._added.message_id))
        return b"".join(field + b"\r\n" for name, field in wanted if name not in self._seen)

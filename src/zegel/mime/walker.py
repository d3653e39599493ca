"""Finds the parts of a MIME entity while it streams past (RFC 2046 §5.1).

Why not ``email.feedparser``: it keeps the whole message, as text, line by line (about nine times its size), so a mail
of 150 MB would cost more than a gigabyte. This walker keeps one header block and at most one line, hands every
piece of a body to a *sink* at once, and is told nothing but bytes.

It is as forgiving as the standard asks: missing closing delimiters, parts after the closing one and header blocks
without an empty line are understood. More parts, levels or header bytes than ``MimeLimits`` allows are refused by name.
"""

import re
from dataclasses import dataclass
from typing import Protocol

from zegel.errors import Mistake
from zegel.mime.headers import Headers, Valued, is_field, media_type, read_headers, read_valued
from zegel.mime.limits import MimeLimits

_LONGEST_BOUNDARY = 200
"""RFC 2046 allows 70."""
_LONGEST_DELIMITER = _LONGEST_BOUNDARY + 100
_PREAMBLE_BYTES = 64 * 1024
_NONE, _MORE = -1, -2


class Sink(Protocol):
    """Takes the bytes of one body."""

    def write(self, data: bytes) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One entity; ``number`` counts from 0, the whole mail. ``raw`` is its header block without the empty line."""

    number: int
    parent: "Part | None"
    headers: Headers
    raw: bytes
    type: str
    content_type: Valued

    @property
    def disposition(self) -> Valued:
        return read_valued(self.headers.first("content-disposition"))


class Events(Protocol):
    """What happens with the parts."""

    def leaf(self, part: Part) -> Sink:
        """A part with a body of its own begins; its raw body goes to the sink returned."""

    def enter(self, part: Part) -> Sink | None:
        """A multipart begins; a sink returned gets all of its raw body, delimiters and all."""

    def leave(self, part: Part) -> None:
        """It ended."""

    def unreadable(self, part: Part, body: bytes) -> None:
        """A multipart ended in which its boundary never occurred: this was in it."""


class _Level:
    def __init__(self, part: Part, boundary: bytes, tap: Sink | None):
        self.part = part
        self.delimiter = b"--" + boundary
        self.tap = tap
        self.parts = 0
        self.preamble = bytearray()
        self.overflowed = False

    def write(self, data: bytes) -> None:
        """The preamble's sink: kept only for the case that no part follows."""
        room = _PREAMBLE_BYTES - len(self.preamble)
        self.overflowed = self.overflowed or len(data) > room
        self.preamble += data[:room]

    def close(self) -> None:
        pass


class _Ignore:
    def write(self, data: bytes) -> None: ...

    def close(self) -> None: ...


class Walker:
    """Push bytes with :meth:`feed`, then :meth:`close`; both raise Mistake for a refusal, and what sinks raise."""

    def __init__(self, events: Events, limits: MimeLimits):
        self._events = events
        self._limits = limits
        self._buffer = bytearray()
        self._levels: list[_Level] = []
        self._pattern: re.Pattern[bytes] | None = None
        self._sink: Sink | None = None
        self._header: bytearray | None = bytearray()
        self._line_start = False
        self._parts = 0

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        self._buffer += data
        while self._header_step() if self._header is not None else self._body_step(final=False):
            pass

    def close(self) -> None:
        """The mail ended here."""
        if self._header is not None and self._buffer:
            self._buffer += b"\r\n"
            while self._header is not None and self._header_step():
                pass
        if self._header is not None and (self._header or not self._parts):
            self._begin_part()
        if self._header is None:
            while self._body_step(final=True):
                pass
        self._end_content()
        self._leave_to(0)

    # Header blocks -------------------------------------------------------------------------------------------------

    def _header_step(self) -> bool:
        """Handle one line of a header block; False when the line is not complete yet."""
        header = self._header
        if header is None:
            return False
        end = self._buffer.find(b"\n") + 1
        allowed = self._limits.part_header_bytes if self._parts else self._limits.header_bytes
        if len(header) + (end or len(self._buffer)) > allowed:
            raise Mistake("The headers of the mail are longer than {most} bytes.", code="long-headers", most=allowed)
        if not end:
            return False
        line = bytes(self._buffer[:end])
        if not line.strip(b"\r\n"):
            del self._buffer[:end]
            self._begin_part(line)
        elif not self._parts and not header and line.startswith(b"From "):
            del self._buffer[:end]  # The line that mbox files put before a mail.
        elif self._level_of(line)[0] >= 0 or not (is_field(line) or (header and line[:1] in b" \t")):
            # No empty line: the body begins with this line (or there is none and this ends the part).
            self._begin_part()
        else:
            header += line
            del self._buffer[:end]
        return True

    def _begin_part(self, separator: bytes = b"") -> None:
        raw, self._header = bytes(self._header or b""), None
        self._tap(raw + separator)
        if self._parts >= self._limits.parts:
            raise Mistake("A mail has at most {most} parts.", code="too-many-parts", most=self._limits.parts)
        parent = self._levels[-1].part if self._levels else None
        headers = read_headers(raw)
        valued = read_valued(headers.first("content-type"))
        default = "message/rfc822" if parent and parent.type == "multipart/digest" else "text/plain"
        part = Part(self._parts, parent, headers, raw, media_type(valued, default), valued)
        self._parts += 1
        self._line_start = True
        boundary = _boundary(valued)
        if part.type.startswith("multipart/") and boundary:
            self._push_level(part, boundary)
        else:
            self._sink = self._events.leaf(part)

    def _push_level(self, part: Part, boundary: bytes) -> None:
        if len(self._levels) >= self._limits.depth:
            raise Mistake(
                "The parts of a mail are nested more than {most} deep.", code="too-deep", most=self._limits.depth
            )
        level = _Level(part, boundary, self._events.enter(part))
        self._levels.append(level)
        self._sink = level
        self._compile()

    def _compile(self) -> None:
        found = {re.escape(level.delimiter[2:]) for level in self._levels}
        self._pattern = re.compile(rb"\n--(?:" + b"|".join(sorted(found)) + rb")") if found else None

    # Bodies --------------------------------------------------------------------------------------------------------

    def _body_step(self, final: bool) -> bool:
        """Pass on body bytes up to the next delimiter; False when nothing more can be said without more bytes."""
        buffer = self._buffer
        if self._pattern is None:
            self._emit(len(buffer))
            return False
        if self._line_start:
            level, closing, end = self._level_at(0, final)
            if level == _MORE:
                return False
            if level >= 0:
                self._delimiter(level, closing, 0, end)
                return True
        start = 0
        while match := self._pattern.search(buffer, start):
            level, closing, end = self._level_at(match.start() + 1, final)
            content = match.start() - (match.start() > 0 and buffer[match.start() - 1] == 13)
            if level >= 0:
                self._delimiter(level, closing, content, end)
                return True
            if level == _MORE:
                self._emit(content)
                return False
            start = match.start() + 1
        self._emit(len(buffer) - (0 if final else self._held()))
        return False

    def _level_at(self, start: int, final: bool) -> tuple[int, bool, int]:
        """Which level's delimiter stands at ``start``: (level, whether it closes, where the next line begins)."""
        end = self._buffer.find(b"\n", start, start + _LONGEST_DELIMITER)
        if end < 0:
            short = len(self._buffer) - start < _LONGEST_DELIMITER
            if not final:
                return (_MORE if short and self._may_become_delimiter(start) else _NONE), False, 0
            if not short:
                return _NONE, False, 0
            end = len(self._buffer) - 1
        return *self._level_of(bytes(self._buffer[start : end + 1])), end + 1

    def _may_become_delimiter(self, start: int) -> bool:
        tail = bytes(self._buffer[start : start + _LONGEST_DELIMITER])
        return any(level.delimiter.startswith(tail) or tail.startswith(level.delimiter) for level in self._levels)

    def _level_of(self, line: bytes) -> tuple[int, bool]:
        if line.startswith(b"--"):
            bare = line.rstrip(b" \t\r\n")
            for number in range(len(self._levels) - 1, -1, -1):
                delimiter = self._levels[number].delimiter
                if bare == delimiter or (bare.startswith(delimiter) and bare[len(delimiter) :] == b"--"):
                    return number, bare != delimiter
        return _NONE, False

    def _held(self) -> int:
        """How many bytes at the end may be the beginning of a delimiter, with the line end that belongs to it."""
        newline = self._buffer.rfind(b"\n")
        if (
            newline >= 0
            and len(self._buffer) - newline < _LONGEST_DELIMITER
            and self._may_become_delimiter(newline + 1)
        ):
            return len(self._buffer) - newline + (newline > 0 and self._buffer[newline - 1] == 13)
        return int(self._buffer.endswith(b"\r"))

    def _emit(self, count: int) -> None:
        if count:
            data = bytes(self._buffer[:count])
            del self._buffer[:count]
            self._line_start = False
            if self._sink:
                self._sink.write(data)
            self._tap(data)

    def _tap(self, data: bytes) -> None:
        for level in self._levels:
            if level.tap:
                level.tap.write(data)

    def _delimiter(self, number: int, closing: bool, content: int, end: int) -> None:
        self._emit(content)
        self._end_content()
        self._leave_to(number + 1)
        line = bytes(self._buffer[: end - content])
        del self._buffer[: end - content]
        self._tap(line)
        self._line_start = True
        if closing:
            # What follows is no content, unless another delimiter shows that this was not the end after all.
            self._sink = _Ignore()
        else:
            self._levels[number].parts += 1
            self._header = bytearray()

    def _end_content(self) -> None:
        sink, self._sink = self._sink, None
        if sink:
            sink.close()

    def _leave_to(self, count: int) -> None:
        """Leave all levels from ``count`` on."""
        if len(self._levels) == count:
            return
        while len(self._levels) > count:
            level = self._levels.pop()
            if level.tap:
                level.tap.close()
            if not level.parts and level.preamble.strip():
                if level.overflowed:
                    raise Mistake("The boundary of a multipart does not occur in it.", code="no-boundary")
                self._events.unreadable(level.part, bytes(level.preamble))
            self._events.leave(level.part)
        self._compile()


def _boundary(valued: Valued) -> bytes:
    boundary = valued.parameters.get("boundary", "").rstrip()
    if len(boundary) > _LONGEST_BOUNDARY or re.search(r"[\r\n\x00]", boundary):
        return b""
    return boundary.encode("utf-8", "replace")

"""One byte range of a blob (RFC 9110 §14)."""

import re
from dataclasses import dataclass

from zegel.errors import Mistake

_ONE_RANGE = re.compile(r"bytes=(?P<first>[0-9]{0,18})-(?P<last>[0-9]{0,18})\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Range:
    """``length`` bytes from ``start``, of ``size``."""

    start: int
    length: int
    size: int

    @property
    def content_range(self) -> str:
        return f"bytes {self.start}-{self.start + self.length - 1}/{self.size}"


def read_range(header: str, size: int) -> Range | None:
    """Return the range asked for, or None for the whole; raises Mistake ``bad-range`` when none of it is there.

    What we do not understand, and several ranges at once, may be ignored (§14.2): then the whole is sent. Several
    ranges are how a small request makes a server send a large answer (CVE-2025-62727 and its elders).
    """
    found = _ONE_RANGE.match(header.strip())
    if not found or not (found["first"] or found["last"]):
        return None
    if not found["first"]:
        start = max(0, size - int(found["last"]))
        end = size if int(found["last"]) else start
    else:
        start = int(found["first"])
        end = min(size, int(found["last"]) + 1) if found["last"] else size
        if found["last"] and int(found["last"]) < start:
            return None
    if start >= end:
        raise Mistake("The file has no such bytes.", code="bad-range", size=size)
    return Range(start, end - start, size)

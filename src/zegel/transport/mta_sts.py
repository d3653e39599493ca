"""MTA-STS (RFC 8461): a domain's policy, fetched over HTTPS: its servers have certificates of public authorities."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, cast

from zegel.errors import Mistake
from zegel.transport.names import is_host, name_matches

Mode = Literal["enforce", "testing", "none"]

LONGEST_AGE = 31_557_600
"""Seconds; RFC 8461 §3.2 lets no policy live longer than about a year."""
MOST_POLICY = 64 * 1024
_MOST_PATTERNS = 200
_ID = re.compile(r"[A-Za-z0-9]{1,32}\Z")
_FIELD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}\Z")
_AGE = re.compile(r"[0-9]{1,10}\Z")


@dataclass(frozen=True, slots=True)
class Policy:
    """``mx`` are host names or ``*.`` patterns, in lower case; ``max_age`` seconds."""

    mode: Mode
    mx: tuple[str, ...]
    max_age: int

    def covers(self, host: str) -> bool:
        """Whether the policy names this server."""
        return any(name_matches(pattern, host) for pattern in self.mx)


def find_record(texts: Iterable[str]) -> str | None:
    """The ``id`` of the domain's one ``_mta-sts`` record; None when there is none, or more than one (§3.1)."""
    found = [text for text in texts if re.match(r"v=STSv1[ \t]*(;|\Z)", text)]
    return _record_id(found[0]) if len(found) == 1 else None


def _record_id(text: str) -> str | None:
    fields: dict[str, str] = {}
    for part in text.split(";")[1:]:
        name, equals, value = (piece.strip(" \t") for piece in part.partition("="))
        if not (name or equals or value):
            continue
        if not equals or not _FIELD.match(name):
            return None
        fields.setdefault(name, value)
    identifier = fields.get("id", "")
    return identifier if _ID.match(identifier) else None


def parse_policy(text: str) -> Policy:
    """Read a policy file; raises Mistake ``bad-mta-sts`` when it says nothing certain. Unknown fields are skipped."""
    fields: dict[str, str] = {}
    patterns: list[str] = []
    # CRLF or LF and nothing else: what ``splitlines`` takes for a line end may stand inside a value.
    for line in text.replace("\r\n", "\n").split("\n"):
        if not line.strip(" \t"):
            continue
        name, colon, value = (piece.strip(" \t") for piece in line.partition(":"))
        if not colon or not _FIELD.match(name):
            raise _bad("line")
        if name == "mx":
            patterns.append(_pattern(value))
        else:
            fields.setdefault(name, value)
    return _policy(fields, patterns)


def _policy(fields: dict[str, str], patterns: list[str]) -> Policy:
    if fields.get("version") != "STSv1":
        raise _bad("version")
    mode, age = fields.get("mode", ""), fields.get("max_age", "")
    if mode not in ("enforce", "testing", "none"):
        raise _bad("mode")
    if not _AGE.match(age):
        raise _bad("max_age")
    if len(patterns) > _MOST_PATTERNS or (mode != "none" and not patterns):
        raise _bad("mx")
    return Policy(cast(Mode, mode), tuple(patterns), min(int(age), LONGEST_AGE))


def _pattern(value: str) -> str:
    pattern = value.lower().removesuffix(".")
    if not is_host(pattern.removeprefix("*.")):
        raise _bad("mx")
    return pattern


def _bad(field: str) -> Mistake:
    return Mistake("The MTA-STS policy is not right: {field}.", code="bad-mta-sts", field=field)

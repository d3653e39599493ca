"""One entry of the audit chain, its bytes, its hash, and the check of a chain (docs/reference/audit.md)."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from zegel.audit.events import checked_event
from zegel.errors import Damaged, Mistake

_DOMAIN = "zegel audit v1"
_ACTOR = re.compile(r"[a-z0-9][a-z0-9-]{0,39}(?::[A-Za-z0-9][A-Za-z0-9._-]{0,79})?\Z")
_SUBJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}\Z")
_KEY = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")
_WORD = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9._:/-]{0,99})?\Z")
"""No white space, no ``@`` and no ``+``: a sentence, an address or a telephone number does not pass as a word."""
_HASH = re.compile(r"[0-9a-f]{64}\Z")
_MOST_FACTS = 20
_LARGEST = 2**53
"""Beyond it a JSON number is not the same number in every program (RFC 8259 §6)."""

Fact = str | int | bool
Facts = Mapping[str, Fact]


@dataclass(frozen=True, slots=True)
class Head:
    """How far a chain goes: the number and hash of its last entry. ``START`` stands before the first."""

    number: int
    hash: str


START = Head(0, "0" * 64)


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened. ``number`` counts from 1; ``previous`` and ``hash`` are lower-case hex SHA-256.

    ``moment`` is aware, UTC, to the microsecond; ``actor`` a role or ``role:identifier``; ``subject`` an identifier.
    """

    number: int
    moment: datetime
    actor: str
    event: str
    subject: str
    facts: dict[str, Fact]
    previous: str
    hash: str

    @property
    def head(self) -> Head:
        """The chain up to and including this entry."""
        return Head(self.number, self.hash)


@dataclass(frozen=True, slots=True)
class Noted:
    """What an entry is made of, before it has its place in the chain."""

    moment: datetime
    actor: str
    event: str
    subject: str
    facts: Facts


def next_entry(
    previous: Head | Entry | None, moment: datetime, actor: str, event: str, subject: str, facts: Facts
) -> Entry:
    """Make the entry that follows ``previous`` (None: the first of a chain).

    Raises :class:`Mistake`: ``unknown-event``; ``bad-entry`` for an actor, subject or fact that is not an identifier,
    a small word, a number or a truth. An entry stays for ever and is read by many: content, addresses, telephone
    numbers and secrets have no place in it.
    """
    if moment.tzinfo is None:
        raise _bad("moment")
    head = _head(previous)
    entry = Entry(
        number=head.number + 1,
        moment=moment.astimezone(UTC),
        actor=actor,
        event=checked_event(event).value,
        subject=subject,
        facts=dict(facts),
        previous=head.hash,
        hash="",
    )
    _check_words(entry)
    return replace(entry, hash=hash_of(entry))


def spell(entry: Entry) -> bytes:
    """Return the bytes that are hashed: eight lines, each ended by LF. Nothing that passes the checks holds an LF."""
    lines = (
        _DOMAIN,
        str(entry.number),
        entry.moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        entry.actor,
        entry.event,
        entry.subject,
        spell_facts(entry.facts),
        entry.previous,
    )
    return "".join(f"{line}\n" for line in lines).encode()


def spell_facts(facts: Facts) -> str:
    """Facts as JSON in one way only: names in order of code points, no white space, ASCII."""
    return json.dumps(dict(facts), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def hash_of(entry: Entry) -> str:
    """SHA-256 of :func:`spell`, in lower-case hex."""
    return hashlib.sha256(spell(entry)).hexdigest()


def check_chain(
    entries: Iterable[Entry], expected_head: Head | None = None, previous: Head | Entry | None = None
) -> Head:
    """Check that ``entries`` follow ``previous`` (None: are a chain from its start) without a break; return their head.

    Takes any iterable and keeps one entry at a time. ``expected_head`` is a head that was kept elsewhere: without it
    nobody can tell that the end of a chain was cut off. Raises :class:`Damaged` naming the first bad number.

    1. numbers go up by one; 2. ``previous`` is the hash of the entry before; 3. ``hash`` is that of the
    entry's own bytes; 4. its words are words of this vocabulary; 5. the last one is ``expected_head``.
    """
    head = _head(previous)
    for entry in entries:
        _check_link(entry, head)
        head = entry.head
        if expected_head and head.number == expected_head.number and head != expected_head:
            raise _damaged(
                "The audit chain was rewritten: entry {number} is not the one that was noted.", "rewritten", head.number
            )
    if expected_head and head.number < expected_head.number:
        raise _damaged("The audit chain was cut: entry {number} is missing.", "cut", head.number + 1)
    if expected_head and head != expected_head:
        raise _damaged("The audit chain goes on after its head: entry {number}.", "uncounted", expected_head.number + 1)
    return head


def _head(previous: Head | Entry | None) -> Head:
    return previous.head if isinstance(previous, Entry) else previous or START


def _check_link(entry: Entry, before: Head) -> None:
    number = before.number + 1
    if entry.number != number:
        raise _damaged("The audit chain has a gap: entry {number} is missing.", "gap", number)
    if entry.previous != before.hash:
        raise _damaged("Entry {number} of the audit chain does not follow the one before it.", "reordered", number)
    try:
        _check_words(entry)
        checked_event(entry.event)
        whole = _HASH.match(entry.hash) and hash_of(entry) == entry.hash
    except Mistake:
        whole = None
    if not whole:
        raise _damaged("Entry {number} of the audit chain was altered.", "altered", number)


def _check_words(entry: Entry) -> None:
    if not _ACTOR.match(entry.actor):
        raise _bad("actor")
    if not _SUBJECT.match(entry.subject):
        raise _bad("subject")
    if len(entry.facts) > _MOST_FACTS:
        raise _bad("facts")
    for key, value in entry.facts.items():
        if not _KEY.match(key) or not _is_small(value):
            raise _bad(key[:40])


def _is_small(value: object) -> bool:
    match value:
        case bool():
            return True
        case int():
            return abs(value) < _LARGEST
        case str():
            return bool(_WORD.match(value))
    return False


def _bad(part: str) -> Mistake:
    # The value itself is not in the text: it may be the very thing that must not be written down.
    return Mistake("The {part} of this audit entry cannot be written down.", code="bad-entry", part=part)


def _damaged(text: str, how: str, number: int) -> Damaged:
    return Damaged(text, code=f"chain-{how}", number=number)

"""One question about a mail, answered yes, no, or not known.

*Not known* is an answer of its own: :mod:`zegel.policy.judge` then reckons with both others. Patterns are addresses,
domains, or text with ``*``; there are no regular expressions that a sender could make slow.
"""

import contextlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from zegel.policy.facts import Listener, MailFacts
from zegel.policy.labels import Label
from zegel.policy.words import normal

Known = bool | None


@dataclass(frozen=True, slots=True)
class Standing:
    """The class of a mail as far as it is known: the highest that anything in it says; None when nothing does."""

    known: int | None
    unknown: tuple[Label, ...]
    default: int

    @property
    def sealed_as(self) -> int:
        """The class of the parcel when no rule says more; a label that nobody explained never means less than usual."""
        if self.known is None:
            return self.default
        return max(self.known, self.default) if self.unknown else self.known


@dataclass(frozen=True, slots=True)
class Question:
    """A mail and one of its recipients."""

    facts: MailFacts
    recipient: str
    standing: Standing


@dataclass(frozen=True, slots=True)
class Answer:
    """``why`` is one short English phrase; it names no content of the mail but what the condition asks for."""

    holds: Known
    why: str


class Condition(Protocol):
    """Hashable, so that two rules that ask the same can be seen to."""

    def __hash__(self) -> int: ...

    def answer(self, question: Question) -> Answer: ...


@dataclass(frozen=True, slots=True)
class FromIs:
    """Every address in the header From fits one of the patterns."""

    patterns: tuple[str, ...]

    def answer(self, question: Question) -> Answer:
        senders = question.facts.from_
        fits = [any(address_fits(pattern, sender) for pattern in self.patterns) for sender in senders]
        shown = ", ".join(senders[:3]) or "nobody"
        return Answer(_all_or_none(fits, nothing=None), f"from {shown}, asked for {_listed(self.patterns)}")


@dataclass(frozen=True, slots=True)
class ToIs:
    """The recipient's address fits one of the patterns."""

    patterns: tuple[str, ...]

    def answer(self, question: Question) -> Answer:
        fits = any(address_fits(pattern, question.recipient) for pattern in self.patterns)
        return Answer(fits, f"to {question.recipient}, asked for {_listed(self.patterns)}")


@dataclass(frozen=True, slots=True)
class ListenerIs:
    """The mail came in at one of these listeners."""

    listeners: tuple[Listener, ...]

    def answer(self, question: Question) -> Answer:
        came = question.facts.listener
        return Answer(came in self.listeners, f"listener {came}, asked for {_listed(self.listeners)}")


@dataclass(frozen=True, slots=True)
class HeaderFits:
    """Every field of this name fits the pattern, and there is one."""

    name: str
    pattern: str

    def answer(self, question: Question) -> Answer:
        values = question.facts.headers.get(self.name, ())
        holds = _all_or_none([text_fits(self.pattern, value) for value in values], nothing=False)
        said = {True: "fits", False: "does not fit" if values else "is not there", None: "fits only in part"}[holds]
        return Answer(holds, f"header {self.name} {said} “{self.pattern}”")


@dataclass(frozen=True, slots=True)
class LabelIs:
    """Every label in force is one of these, by name or GUID, and there is one. ``*`` is any label."""

    labels: tuple[str, ...]

    def answer(self, question: Question) -> Answer:
        found = question.facts.labels
        fits = ["*" in self.labels or normal(label.name) in self.labels or label.id in self.labels for label in found]
        shown = ", ".join(str(label) for label in found[:3]) or "none"
        return Answer(_all_or_none(fits, nothing=False), f"label {shown}, asked for {_listed(self.labels)}")


@dataclass(frozen=True, slots=True)
class TagIs:
    """One of the tags in square brackets in the subject is one of these."""

    tags: tuple[str, ...]

    def answer(self, question: Question) -> Answer:
        found = question.facts.tags
        shown = ", ".join(f"[{tag}]" for tag in found if tag in self.tags) or "no such tag"
        return Answer(any(tag in self.tags for tag in found), f"{shown} in the subject, asked for {_listed(self.tags)}")


@dataclass(frozen=True, slots=True)
class LargerThan:
    """The mail has more than this many bytes."""

    size: int

    def answer(self, question: Question) -> Answer:
        size = question.facts.size
        return Answer(None if size is None else size > self.size, f"{_bytes(size)}, asked for more than {self.size}")


@dataclass(frozen=True, slots=True)
class SmallerThan:
    """The mail has fewer than this many bytes."""

    size: int

    def answer(self, question: Question) -> Answer:
        size = question.facts.size
        return Answer(None if size is None else size < self.size, f"{_bytes(size)}, asked for less than {self.size}")


@dataclass(frozen=True, slots=True)
class ClassAtLeast:
    """What the mail says of itself (else the usual class) is this class or a higher one."""

    class_: int

    def answer(self, question: Question) -> Answer:
        standing = question.standing
        reached = (standing.default if standing.known is None else standing.known) >= self.class_
        holds = None if standing.unknown and not reached else reached
        shown = "not known" if holds is None else standing.sealed_as
        return Answer(holds, f"class {shown}, asked for {self.class_} or higher")


def address_fits(pattern: str, address: str) -> bool:
    """Whether it fits ``a@x.example``, ``x.example``, ``*@x.example``, ``*.x.example`` (not x itself) or ``*``."""
    if pattern == "*":
        return True
    local, _, domain = address.rpartition("@")
    domain = plain_domain(domain)
    wanted_local, at, wanted = pattern.rpartition("@")
    if wanted.startswith("*."):
        return domain.endswith(plain_domain(wanted[1:], dot=True))
    if at and wanted_local != "*" and wanted_local.casefold() != local.casefold():
        return False
    return domain == plain_domain(wanted)


@lru_cache(4096)  # the rules' own domains are asked for again with every recipient
def plain_domain(domain: str, dot: bool = False) -> str:
    """A domain as it stands in the DNS: lower case, A-labels; ``dot`` keeps the one in front."""
    bare = domain.strip(".").casefold()
    with contextlib.suppress(UnicodeError):  # No domain that exists then; it is compared as it is written.
        bare = bare.encode("idna").decode("ascii") if not bare.isascii() else bare
    return f".{bare}" if dot else bare


def text_fits(pattern: str, text: str) -> bool:
    """Whether the whole text fits a pattern in which ``*`` is any text; case does not matter. One pass per ``*``."""
    first, *rest = pattern.casefold().split("*")
    text = text.casefold()
    if not rest:
        return text == first
    last = rest.pop()
    if not text.startswith(first) or not text.endswith(last) or len(text) < len(first) + len(last):
        return False
    at, end = len(first), len(text) - len(last)
    for piece in rest:
        found = text.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def _all_or_none(fits: list[bool], nothing: Known) -> Known:
    if not fits:
        return nothing
    return fits[0] if all(fit == fits[0] for fit in fits) else None


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(words[:5]) + (" …" if len(words) > 5 else "")


def _bytes(size: int | None) -> str:
    return "a size that was not declared" if size is None else f"{size} bytes"

"""What a mail says of itself at the end of its top headers: all that is decided from."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from zegel.mime.headers import Headers, decode_words, read_addresses
from zegel.policy.labels import Label, read_labels, stated_class
from zegel.policy.words import normal

Listener = Literal["submission", "relay", "incoming"]
LISTENERS: tuple[Listener, ...] = ("submission", "relay", "incoming")

_TAG = re.compile(r"\[([^\[\]]{1,60})\]")
_MOST_TAGS = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check of the content says (the guard): a class that the mail has at least, or that it must not go."""

    check: str
    reason: str
    class_: int | None = None
    refuse: bool = False


@dataclass(frozen=True, slots=True)
class MailFacts:
    """``sender`` is the envelope's; ``size`` in bytes, None when the sender's program declared none.

    ``headers`` holds those that a rule asks for, by name in lower case, encoded words decoded.
    """

    listener: Listener
    sender: str
    from_: tuple[str, ...]
    size: int | None = None
    subjects: tuple[str, ...] = field(default=(), repr=False)
    """Of every Subject, should there be more than one: readers' programs differ in which they show."""
    tags: tuple[str, ...] = ()
    labels: tuple[Label, ...] = ()
    stated: int | None = None
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    findings: tuple[Finding, ...] = ()


def read_facts(
    headers: Headers,
    listener: Listener,
    sender: str,
    size: int | None = None,
    asked: Collection[str] = (),
    findings: tuple[Finding, ...] = (),
) -> MailFacts:
    """Read what the top headers say; ``asked`` are the names of headers that rules ask for."""
    subjects = tuple(decode_words(value) for value in headers.all("subject"))
    shown = tuple(address for _, address in read_addresses(headers.all("from")))
    return MailFacts(
        listener=listener,
        sender=sender,
        # A mail without From is the account's that sends it (the door adds its name).
        from_=shown or ((sender,) if sender and not headers.all("from") else ()),
        size=size,
        subjects=subjects,
        tags=_tags(subjects),
        labels=read_labels(headers),
        stated=stated_class(headers),
        headers={name: tuple(decode_words(value) for value in headers.all(name)) for name in asked},
        findings=findings,
    )


def _tags(subjects: tuple[str, ...]) -> tuple[str, ...]:
    found = [normal(tag) for subject in subjects for tag in _TAG.findall(subject)]
    return tuple(dict.fromkeys(found))[:_MOST_TAGS]

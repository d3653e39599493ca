"""Sensitivity labels in the headers of a mail.

Microsoft Purview (Outlook, Exchange) writes one header with key-value pairs, per label
``MSIP_Label_<GUID>_Enabled=True; MSIP_Label_<GUID>_Name=…; …`` (Microsoft Information Protection SDK, *metadata*).
Names are for people and can be the same in two tenants; the GUID is the label. ``Sensitivity`` is RFC 2156's,
registered by RFC 4021. Other classification programs write ``X-Classification`` or ``X-…-Classification``.
"""

import re
from dataclasses import dataclass
from typing import Literal

from zegel.mime.headers import Headers, decode_words
from zegel.policy.words import normal

Scheme = Literal["msip", "sensitivity", "classification", "zegel"]

_MOST = 50
_PAIR = re.compile(
    r"\s{0,99}MSIP_Label_([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})_(\w{1,40})\s{0,99}\Z", re.IGNORECASE
)
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE)
_CLASSIFICATION = re.compile(r"(?:x-)?classification\Z|x-[a-z0-9-]{1,60}-classification\Z")


@dataclass(frozen=True, slots=True)
class Label:
    """One label; ``id`` is a GUID in lower case, or empty."""

    scheme: Scheme
    name: str
    id: str = ""

    def __str__(self) -> str:
        return f"“{self.name[:60]}”" if self.name else self.id


def label_key(text: str) -> str:
    """How a label or tag is looked up: a GUID in lower case, a name as a normal word."""
    text = text.strip()
    return text.lower() if _GUID.match(text) else normal(text)


def read_labels(headers: Headers) -> tuple[Label, ...]:
    """All labels that are in force, at most 50. A header that cannot be understood is a label that nobody knows."""
    found: list[Label] = []
    for name, value in headers.fields:
        text = " ".join(decode_words(value).split())
        if name == "msip_labels":
            found += _msip(text)
        elif name == "sensitivity" and text and text.casefold() != "normal":
            found.append(Label("sensitivity", text[:200]))
        elif text and _CLASSIFICATION.match(name):
            found.append(Label("classification", text[:200]))
        elif name == "zegel-class" and text and not _is_number(text):
            found.append(Label("zegel", text[:200]))
    return tuple(dict.fromkeys(found))[:_MOST]


def stated_class(headers: Headers) -> int | None:
    """The highest number that a ``Zegel-Class`` header names; whether it is a class is not looked at here."""
    numbers = [int(text[:3]) for text in map(str.strip, headers.all("zegel-class")) if _is_number(text)]
    return max(numbers, default=None)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _msip(text: str) -> list[Label]:
    facts: dict[str, dict[str, str]] = {}
    for item in text.split(";"):
        key, _, value = item.partition("=")
        pair = _PAIR.match(key)
        if pair:
            facts.setdefault(pair[1].lower(), {}).setdefault(pair[2].lower(), value.strip()[:200])
    if not facts:
        return [Label("msip", text[:200])] if text else []
    # A label is out of force only when it says so: a pair that was lost on the way must not lower anything.
    return [
        Label("msip", pairs.get("name", ""), label)
        for label, pairs in facts.items()
        if pairs.get("enabled", "true").casefold() != "false"
    ]

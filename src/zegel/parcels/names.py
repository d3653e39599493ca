"""Attachment names: safe to show and to save, whatever a stranger wrote (docs/format.md §4.1)."""

import re
import unicodedata

from zegel.errors import Mistake
from zegel.parcels.limits import NAME_CHARACTERS

_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # control characters
    "\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb"  # invisible, bidi
    "\ud800-\udfff]"  # lone surrogates
)
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|\Z)", re.IGNORECASE)
"""Device names on Windows: a file of this name cannot be saved there."""


def safe_name(text: str) -> str:
    """Turn what a sender wrote into a name that is safe everywhere; never fails, never returns an empty name."""
    name = _UNSAFE.sub("", unicodedata.normalize("NFC", text)).replace("\\", "/").rpartition("/")[2]
    name = re.sub(r'[<>:"|?*]', "_", " ".join(name.split())).strip(" .")
    if _RESERVED.match(name):
        name = "_" + name
    if len(name) > NAME_CHARACTERS:
        stem, dot, suffix = name.rpartition(".")
        if not dot or len(suffix) > 16:
            stem, suffix = name, ""
        ending = f".{suffix}" if suffix else ""
        name = stem[: NAME_CHARACTERS - len(ending)].rstrip(" .") + ending
    return name or "attachment"


def checked_name(text: str) -> str:
    """Return a name that a reader may use as it stands; raises :class:`Mistake` otherwise.

    Senders' programs use :func:`safe_name`; a reader refuses what did not pass through it.
    """
    if (
        not isinstance(text, str)
        or not text
        or len(text) > NAME_CHARACTERS
        or text in (".", "..")
        or _UNSAFE.search(text)
        or "/" in text
        or "\\" in text
    ):
        raise Mistake("An attachment's name is not safe.", code="bad-name")
    return text

"""Sentences in the language of the terminal (``LANGUAGE``, ``LC_ALL``, ``LC_MESSAGES``, ``LANG``), Dutch or English."""

import gettext
from functools import cache
from pathlib import Path

from zegel.errors import ZegelError

_LOCALE = Path(__file__).parents[2] / "locale"


@cache
def _catalogue() -> gettext.NullTranslations:
    return gettext.translation("django", _LOCALE, fallback=True)


def translated(error: ZegelError) -> str:
    """The error's sentence, translated, with its facts filled in."""
    facts = {name: translated(fact) if isinstance(fact, ZegelError) else fact for name, fact in error.facts.items()}
    text = _catalogue().gettext(error.text)
    return text.format(**facts) if facts else text


def language() -> str:
    """``nl`` or ``en``: what this terminal reads, for servers that answer it."""
    return "nl" if _catalogue().info().get("language", "").startswith("nl") else "en"

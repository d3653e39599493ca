"""Class words as numbers (docs/design.md, *Words*): what people write into subjects, labels and headers.

Sources: VIRBI 2013 for Stg. and Dep.V., C-M(2002)49 for NATO, Council Decision 2013/488/EU for the EU, RFC 2156 for
Sensitivity. Dep.V., NATO RESTRICTED and RESTREINT UE are one level.

Plain *geheim* is class 3: municipal councils write it on papers under a duty of secrecy (Gemeentewet), which are no
state secrets. An organisation for which it means more maps it to 5.
"""

import re
import unicodedata
from collections.abc import Mapping

STATE_SECRET = 5
"""One above the highest class: nothing of it may enter Zegel."""

_EXACT = {
    "openbaar": 0, "publiek": 0, "public": 0,
    "intern": 1, "intern gebruik": 1, "internal": 1, "internal use": 1, "unclassified": 1, "nato unclassified": 1,
    "ongerubriceerd": 1,
}  # fmt: skip
"""Words that lower: only when nothing else is said (“openbaar na besluit” is not yet open)."""

_BEGINS = {
    "vertrouwelijk": 2, "confidentieel": 2, "bedrijfsvertrouwelijk": 2, "commercieel vertrouwelijk": 2,
    "persoonlijk": 2, "confidential": 2, "company confidential": 2, "private": 2, "personal": 2, "privé": 2,
    "medisch geheim": 3, "geheim": 3, "zeer vertrouwelijk": 3, "strikt vertrouwelijk": 3, "highly confidential": 3,
    "strictly confidential": 3, "secret": 3,
    "departementaal vertrouwelijk": 4, "dep vertrouwelijk": 4, "dep v": 4, "depv": 4, "nato restricted": 4,
    "eu restricted": 4, "restreint ue": 4,
}  # fmt: skip
_STATE = (
    "stg confidentieel", "stg geheim", "stg zeer geheim", "staatsgeheim", "nato confidential", "nato secret",
    "cosmic top secret", "confidentiel ue", "eu confidential", "secret ue", "eu secret", "très secret ue",
    "tres secret ue", "eu top secret",
)  # fmt: skip
_SHOUTED = ("zeer geheim", "top secret")
"""Markings too, but also plain words: at the beginning of a subject they count in capitals only."""

_SEPARATORS = re.compile(r"[\s._:\u2010-\u2015-]+")
_SEGMENT = re.compile(r"[\\/;|]")
_ANSWER = re.compile(r"\s{0,9}(?:re|fw|fwd|antw|doorst|betr|tr|aw|wg)\s{0,9}:", re.IGNORECASE)


def normal(text: str) -> str:
    """The text as words are compared: NFKC, case folded, dots, hyphens and white space as one space."""
    return _SEPARATORS.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def known_class(text: str, mapped: Mapping[str, int]) -> int | None:
    """The class that a label or tag means, or None for a word that nobody explained.

    ``mapped`` is the organisation's own list, by :func:`normal` word: it wins over the words here, except over a state
    secret. Of a label with sublabels (``Rijk \\ Dep.V.``) the highest counts.
    """
    words = [normal(text), *(normal(segment) for segment in _SEGMENT.split(text))]
    if any(_is_state_secret(word) for word in words):
        return STATE_SECRET
    if words[0] in mapped:
        return mapped[words[0]]
    found = [mapped[word] for word in words[1:] if word in mapped]
    found += [class_ for word in words if (class_ := _built_in(word)) is not None]
    return max(found, default=None)


def marked_subject(subject: str) -> str:
    """The marking of a state secret with which the subject begins (after Re:, Fwd: and their like), or empty."""
    rest = subject[:1000]
    while answer := _ANSWER.match(rest):
        rest = rest[answer.end() :]
    rest = rest.strip()
    folded = normal(rest)
    for word in _STATE:
        if _begins(folded, word):
            return word
    shouted = unicodedata.normalize("NFKC", rest)
    return next((word for word in _SHOUTED if _begins(folded, word) and shouted.startswith(word.upper())), "")


def _is_state_secret(word: str) -> bool:
    return any(_begins(word, marking) for marking in (*_STATE, *_SHOUTED))


def _built_in(word: str) -> int | None:
    if word in _EXACT:
        return _EXACT[word]
    return max((class_ for begin, class_ in _BEGINS.items() if _begins(word, begin)), default=None)


def _begins(text: str, word: str) -> bool:
    return text == word or text.startswith(word + " ")

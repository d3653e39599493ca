"""The words of the rules, for people: rules and facts come as terms and leave in the reader's language."""

import re
from collections.abc import Sequence

from django.utils.translation import gettext, gettext_noop

CLASS_NAMES = (
    gettext_noop("public"),
    gettext_noop("internal"),
    gettext_noop("confidential"),
    gettext_noop("very confidential"),
    gettext_noop("departmentally confidential"),
)

_RULES = {
    "state-secret": gettext_noop("state secrets are not taken"),
    "unknown-supplier": gettext_noop("its supplier is not in the register"),
    "unknown-hosting": gettext_noop("nobody knows in which countries it keeps bytes"),
    "hosting-outside-europe": gettext_noop("it keeps bytes outside Europe"),
    "unknown-assurance": gettext_noop("nobody assessed its level of assurance"),
    "assurance-too-low": gettext_noop("its level of assurance is too low"),
    "foreign-control": gettext_noop("it is under non-European control"),
    "own-or-government-only": gettext_noop("this class stays on own or government storage"),
    "contract-ended": gettext_noop("its contract has ended"),
    "patch-leaving": gettext_noop("it is being left, and takes nothing new"),
    "patch-cut": gettext_noop("it is cut, and takes nothing"),
    "patch-read-only": gettext_noop("it takes nothing new"),
    "too-few-places": gettext_noop("there are too few places that may have it"),
    "sole-custody": gettext_noop("all places that are left are under non-European control"),
    "too-few-suppliers": gettext_noop("too few suppliers are left that do not share an owner"),
    "not configured": gettext_noop("it is not in the configuration"),
}

_FACTS = (
    (r"its seat is unknown", gettext_noop("its seat is unknown")),
    (r"its seat is in (?P<country>\w+)", gettext_noop("its seat is in {country}")),
    (r"its owner (?P<owner>.+) is in (?P<country>\w+) \(announced\)",
     gettext_noop("its announced owner {owner} is in {country}")),
    (r"its owner (?P<owner>.+) is in (?P<country>\w+)", gettext_noop("its owner {owner} is in {country}")),
    (r"its ultimate owner is unknown", gettext_noop("its ultimate owner is unknown")),
    (r"seat", gettext_noop("its seat")),
    (r"hosting", gettext_noop("where it keeps bytes")),
    (r"owner (?P<owner>.+)", gettext_noop("its owner {owner}")),
    (r"presence in the US", gettext_noop("it does business in the US")),
    (r"presence in the US unknown", gettext_noop("nobody knows whether it does business in the US")),
)  # fmt: skip


def rule_said(reason: str) -> str:
    """``rule (because)`` → a sentence; a rule that is not known here is said as it is."""
    return gettext(_RULES.get(reason.partition(" (")[0], reason))


def fact_said(fact: str) -> str:
    """A fact about control or a law's road."""
    for pattern, text in _FACTS:
        if found := re.fullmatch(pattern, fact):
            return gettext(text).format(**found.groupdict())
    return fact


def class_said(class_: int) -> str:
    """``2 – confidential``."""
    return f"{class_} – {gettext(CLASS_NAMES[class_])}" if class_ < len(CLASS_NAMES) else str(class_)


def classes_said(classes: Sequence[int]) -> str:
    """``class 1, 2``."""
    return gettext("class {numbers}").format(numbers=", ".join(map(str, classes)))


_CODES = {
    "patch-cut": gettext_noop("The patch is cut. Reopen it first."),
    "only-patch": gettext_noop("There is only one patch."),
    "unknown-patch": gettext_noop("The patch is not in the configuration any more."),
    "database-away": gettext_noop("The database was away; it is tried again."),
    "gave-up": gettext_noop("It was tried many times and ended its worker each time. Look in the log."),
}


def code_said(code: str) -> str:
    """Why a job failed or waits."""
    return gettext(_CODES[code]) if code in _CODES else code

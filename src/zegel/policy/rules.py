"""Rules: conditions, and what follows when all of them hold. The first rule that fits a recipient decides."""

from dataclasses import dataclass, field

from zegel.policy.conditions import Condition

UNSAID = 1
"""A rule that lets mail pass does so up to this class, unless it names a higher one itself."""


@dataclass(frozen=True, slots=True)
class Seal:
    """Seal, at least as this class. ``proof``, ``days``: where the sender says nothing. ``ways`` None: all."""

    class_: int | None = None
    proof: str = field(default="", repr=False)
    ways: tuple[str, ...] | None = None
    days: int | None = None


@dataclass(frozen=True, slots=True)
class Pass:
    """Let it go unsealed, when nothing in the mail says that it is above class ``up_to``."""

    up_to: int = UNSAID


@dataclass(frozen=True, slots=True)
class Refuse:
    """Refuse it, and tell the sender this."""

    sentence: str


Action = Seal | Pass | Refuse


@dataclass(frozen=True, slots=True)
class Rule:
    """All of ``when`` must hold; a rule without conditions fits every mail."""

    name: str
    when: tuple[Condition, ...]
    then: Action

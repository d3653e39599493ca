"""What was decided for one recipient, and why."""

from dataclasses import dataclass, field
from typing import Literal

from zegel.policy.conditions import Known

Decision = Literal["seal", "pass", "refuse"]


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule and whether it fitted; None: that depends on something that is not known. ``why``: per condition."""

    rule: str
    fits: Known
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """``class_`` is what the parcel must have at least; ``proof``, ``ways`` and ``days`` are the rule's, if it has any.

    ``rule`` names the rule that decided: one of the organisation's, or ``state-secret``, ``guard``, ``default``.
    """

    recipient: str
    decision: Decision
    class_: int
    rule: str
    reasons: tuple[Reason, ...] = ()
    sentence: str = ""
    proof: str = field(default="", repr=False)
    ways: tuple[str, ...] | None = None
    days: int | None = None

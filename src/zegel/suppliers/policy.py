"""What a class may touch: named rules, and every one that fired, never only the first.

The rules look at one supplier at a time; what a *set* of places must be like (copies, sole custody) is placement's.
"""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from zegel.suppliers.countries import EUROPE
from zegel.suppliers.supplier import Supplier

Rule = Literal[
    "state-secret", "unknown-supplier", "unknown-hosting", "hosting-outside-europe", "unknown-assurance",
    "assurance-too-low", "foreign-control", "own-or-government-only", "contract-ended",
]  # fmt: skip

_Class = Annotated[int, Field(ge=0, le=5)]
HIGHEST = 4
"""State secrets (class 5 and up) are refused at the door."""


@dataclass(frozen=True, slots=True)
class Policy:
    """From which class each rule applies; 5 is never. The defaults are docs/design.md, *What a class may touch*."""

    hosting_from: _Class = 0
    assurance_from: _Class = 1
    assurance_least: Annotated[int, Field(ge=0, le=4)] = 2
    custody_from: _Class = 2
    control_from: _Class = 3
    own_from: _Class = 4

    __pydantic_config__ = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Reason:
    """A rule that fired against a supplier, and the fact that made it."""

    rule: Rule
    because: str

    def __str__(self) -> str:
        return f"{self.rule} ({self.because})"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a class may be there. ``custody`` is False where it may never be the only one who has it."""

    allowed: bool
    custody: bool
    reasons: tuple[Reason, ...]


def eligible(class_: int, supplier: Supplier | None, day: date, policy: Policy) -> Verdict:
    """Judge one supplier for one class on that day; None is a supplier that nobody registered."""
    if supplier is None:
        return Verdict(False, False, (Reason("unknown-supplier", "it is not in the register"),))
    fired: list[Reason] = []
    if class_ > HIGHEST:
        fired.append(Reason("state-secret", f"class {class_} is refused at the door"))
    control = supplier.foreign_control(day)
    if not supplier.public:
        fired += _market_rules(class_, supplier, policy)
        if class_ >= policy.control_from and control:
            fired.append(Reason("foreign-control", "; ".join(control)))
    if class_ >= policy.own_from and not supplier.public:
        fired.append(Reason("own-or-government-only", f"class {class_} stays on own or government storage"))
    if supplier.contract_end is not None and supplier.contract_end < day:
        fired.append(Reason("contract-ended", f"its contract ended on {supplier.contract_end}"))
    return Verdict(not fired, class_ < policy.custody_from or not control, tuple(fired))


def _market_rules(class_: int, supplier: Supplier, policy: Policy) -> list[Reason]:
    """The rules for whoever is neither ourselves nor another public body."""
    fired: list[Reason] = []
    if class_ >= policy.hosting_from:
        abroad = sorted(set(supplier.hosting) - EUROPE)
        if not supplier.hosting:
            fired.append(Reason("unknown-hosting", "nobody knows where it keeps bytes"))
        elif abroad:
            fired.append(Reason("hosting-outside-europe", f"it keeps bytes in {', '.join(abroad)}"))
    if class_ >= policy.assurance_from:
        if supplier.assurance is None:
            fired.append(Reason("unknown-assurance", "nobody assessed it"))
        elif supplier.assurance < policy.assurance_least:
            because = f"SEAL-{supplier.assurance}, and {policy.assurance_least} is the least"
            fired.append(Reason("assurance-too-low", because))
    return fired

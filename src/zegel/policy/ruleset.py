"""All of an organisation's policy about mail, in one value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from zegel.policy.conditions import HeaderFits
from zegel.policy.reach import unreachable
from zegel.policy.rules import Rule


@dataclass(frozen=True)
class Policy:
    """An organisation's rules in order, its labels (word or GUID → class), and the class where nothing is said."""

    rules: tuple[Rule, ...] = ()
    labels: Mapping[str, int] = field(default_factory=dict)
    default_class: int = 2

    @cached_property
    def asked(self) -> frozenset[str]:
        """Names of the headers that rules ask for."""
        return frozenset(when.name for rule in self.rules for when in rule.when if isinstance(when, HeaderFits))

    @cached_property
    def unreachable(self) -> Mapping[str, str]:
        """By name, the rules that can never decide anything, and why: they are shown, warned about, and not asked."""
        return unreachable(self.rules)

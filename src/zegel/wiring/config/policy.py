"""``[policy]`` and ``[[policy.rule]]`` in ``zegel.toml`` → the policy room's rules (docs/reference/policy.md)."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from zegel.errors import Mistake
from zegel.parcels.proofs import parse_proof
from zegel.policy import conditions
from zegel.policy.conditions import Condition
from zegel.policy.facts import Listener
from zegel.policy.labels import label_key
from zegel.policy.rules import UNSAID, Action, Pass, Refuse, Rule, Seal
from zegel.policy.ruleset import Policy
from zegel.policy.words import STATE_SECRET, known_class
from zegel.wiring.config.part import Part

RESERVED = ("state-secret", "guard", "default")
_ONLY_FOR = {"seal": {"class_", "proof", "ways", "days"}, "pass": {"up_to_class"}, "refuse": {"sentence"}}
_DOMAIN = r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)*[^\W_](?:[\w-]{0,61}[^\W_])?"
_PATTERN = re.compile(rf"\*|(?:[^\s@*<>]{{1,64}}@|\*@|\*\.)?{_DOMAIN}")

_Class = Annotated[int, Field(ge=0, le=4)]


def _address_pattern(text: str) -> str:
    if len(text) > 320 or not _PATTERN.fullmatch(text):
        raise ValueError(f"“{text[:60]}” is not a@x.example, x.example, *@x.example, *.x.example or *")
    return text


def _label(text: str) -> str:
    return "*" if text == "*" else label_key(text)


_Address = Annotated[str, AfterValidator(_address_pattern)]
_Label = Annotated[str, AfterValidator(_label), Field(min_length=1, max_length=200)]
_HeaderName = Annotated[str, AfterValidator(str.lower), Field(pattern=r"^[!-9;-~]{1,100}$")]
_Text = Annotated[str, Field(max_length=500, pattern=r"^[^\r\n\x00]*$")]


class RulePart(Part):
    """One rule: everything it asks must hold. Keys that its action does not know are refused."""

    name: str = Field(default="", max_length=60, pattern=r"^[^\r\n\x00]*$")
    from_: tuple[_Address, ...] | None = Field(default=None, alias="from", min_length=1)
    to: tuple[_Address, ...] | None = Field(default=None, min_length=1)
    listener: tuple[Listener, ...] | None = Field(default=None, min_length=1)
    header: dict[_HeaderName, _Text] = Field(default={})
    label: tuple[_Label, ...] | None = Field(default=None, min_length=1)
    subject_tag: tuple[_Label, ...] | None = Field(default=None, min_length=1)
    larger_than: int | None = Field(default=None, ge=0)
    smaller_than: int | None = Field(default=None, ge=1)
    class_at_least: _Class | None = None

    action: Literal["seal", "pass", "refuse"]
    class_: _Class | None = Field(default=None, alias="class")
    proof: str = Field(default="", repr=False)
    ways: tuple[Literal["link", "direct", "mailbox", "zegel"], ...] | None = None
    days: int | None = Field(default=None, ge=1, le=3650)
    up_to_class: _Class = UNSAID
    sentence: str = Field(default="", max_length=200, pattern=r"^[^\r\n\x00]*$")

    @field_validator("proof")
    @classmethod
    def _proof(cls, text: str) -> str:
        if text:
            _check_proof(text)
        return text

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        for action, keys in _ONLY_FOR.items():
            wrong = sorted(keys & self.model_fields_set) if action != self.action else []
            if wrong:
                raise ValueError(f"{wrong[0].rstrip('_')} is for action = “{action}” only")
        if self.action == "refuse" and not self.sentence.strip():
            raise ValueError("a rule that refuses needs a sentence for the sender")
        if self.name in RESERVED:
            raise ValueError(f"the name {self.name} is Zegel's own")
        return self

    def rule(self, number: int) -> Rule:
        """The rule in the policy room's terms."""
        return Rule(self.name or f"rule {number}", self._conditions(), self._action())

    def _conditions(self) -> tuple[Condition, ...]:
        asked: list[Condition | None] = [
            conditions.FromIs(self.from_) if self.from_ else None,
            conditions.ToIs(self.to) if self.to else None,
            conditions.ListenerIs(self.listener) if self.listener else None,
            *(conditions.HeaderFits(name, pattern) for name, pattern in self.header.items()),
            conditions.LabelIs(self.label) if self.label else None,
            conditions.TagIs(self.subject_tag) if self.subject_tag else None,
            conditions.LargerThan(self.larger_than) if self.larger_than is not None else None,
            conditions.SmallerThan(self.smaller_than) if self.smaller_than is not None else None,
            conditions.ClassAtLeast(self.class_at_least) if self.class_at_least is not None else None,
        ]
        return tuple(when for when in asked if when is not None)

    def _action(self) -> Action:
        if self.action == "seal":
            return Seal(self.class_, self.proof, self.ways, self.days)
        return Pass(self.up_to_class) if self.action == "pass" else Refuse(self.sentence.strip())


class PolicyPart(Part):
    """``archive`` is an age recipient that gets a slip of every parcel; readers are told. Empty: nobody does."""

    archive: str = ""
    rule: tuple[RulePart, ...] = Field(default=(), max_length=500)
    labels: dict[_Label, Annotated[int, Field(ge=0, le=STATE_SECRET)]] = Field(default={})

    @field_validator("rule")
    @classmethod
    def _distinct(cls, rules: tuple[RulePart, ...]) -> tuple[RulePart, ...]:
        names = [part.name or f"rule {number}" for number, part in enumerate(rules, 1)]
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise ValueError(f"two rules are called “{twice[0]}”")
        return rules

    @field_validator("labels")
    @classmethod
    def _no_secret_lowered(cls, labels: dict[str, int]) -> dict[str, int]:
        for label, class_ in labels.items():
            if class_ < STATE_SECRET and known_class(label, {}) == STATE_SECRET:
                raise ValueError(f"“{label}” marks a state secret, which no class of ours is for")
        return labels

    def policy(self, default_class: int) -> Policy:
        """All of it in the policy room's terms."""
        rules = tuple(part.rule(number) for number, part in enumerate(self.rule, 1))
        return Policy(rules, self.labels, default_class)


def _check_proof(text: str) -> Any:
    try:
        proof = parse_proof(text)
    except Mistake as error:
        raise ValueError(str(error)) from None
    if proof.kind == "sms":
        raise ValueError("a telephone belongs to one reader; a rule is for many")
    return proof

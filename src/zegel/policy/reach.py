"""Rules that can never decide anything: most likely not what their author meant."""

from collections.abc import Sequence

from zegel.policy.conditions import ClassAtLeast, LargerThan, SmallerThan
from zegel.policy.rules import Pass, Rule


def unreachable(rules: Sequence[Rule]) -> dict[str, str]:
    """By name, the rules that nothing can reach, each with the reason in a short English sentence.

    Found are rules after one that fits everything they fit (it asks nothing, or nothing that they do not ask too), and
    rules whose conditions exclude each other. Not every unreachable rule is found; every rule found is unreachable.
    """
    found: dict[str, str] = {}
    for number, rule in enumerate(rules):
        reason = _contradicts_itself(rule)
        if not reason:
            earlier = next((one for one in rules[:number] if one.name not in found and _covers(one, rule)), None)
            reason = f"rule “{earlier.name}” stands before it and decides every mail that it fits" if earlier else ""
        if reason:
            found[rule.name] = reason
    return found


def _covers(earlier: Rule, later: Rule) -> bool:
    if not set(earlier.when) <= set(later.when):
        return False
    if isinstance(earlier.then, Pass):
        # What is above its class falls through to the rules that follow.
        return isinstance(later.then, Pass) and earlier.then.up_to >= later.then.up_to
    return True


def _contradicts_itself(rule: Rule) -> str:
    larger = max((when.size for when in rule.when if isinstance(when, LargerThan)), default=None)
    smaller = min((when.size for when in rule.when if isinstance(when, SmallerThan)), default=None)
    if larger is not None and smaller is not None and larger + 1 >= smaller:
        return "no size is both larger_than and smaller_than what it asks for"
    least = max((when.class_ for when in rule.when if isinstance(when, ClassAtLeast)), default=0)
    if isinstance(rule.then, Pass) and least > rule.then.up_to:
        return f"it asks for class {least} and lets nothing pass above class {rule.then.up_to}"
    return ""

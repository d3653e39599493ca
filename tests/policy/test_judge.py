"""Rules decide from facts: first match, sealed by default, and what is not known never lets a mail out."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policy.mails import CLOSED, facts, msip
from zegel.policy.conditions import (
    ClassAtLeast,
    Condition,
    FromIs,
    HeaderFits,
    LabelIs,
    LargerThan,
    ListenerIs,
    SmallerThan,
    TagIs,
    ToIs,
    address_fits,
    text_fits,
)  # fmt: skip
from zegel.policy.facts import Finding, MailFacts
from zegel.policy.judge import judge_all
from zegel.policy.reach import unreachable
from zegel.policy.rules import Action, Pass, Refuse, Rule, Seal
from zegel.policy.ruleset import Policy
from zegel.policy.verdict import Verdict

TO = "j.dejong@example.net"


def _judge(found: MailFacts, *rules: Rule, to: str = TO, labels: dict[str, int] | None = None) -> Verdict:
    return judge_all(Policy(rules, labels or {}), found, [to])[0]


def _rule(then: Action, *when: Condition, name: str = "r") -> Rule:
    return Rule(name, when, then)


def test_without_rules_everything_is_sealed_at_the_usual_class() -> None:
    found = _judge(facts())
    assert (found.decision, found.class_, found.rule) == ("seal", 2, "default")
    assert [reason.rule for reason in found.reasons] == ["state-secret", "guard", "default"]


def test_the_first_rule_that_fits_decides_for_each_recipient_by_itself() -> None:
    rules = (
        _rule(Refuse("Niet naar dit adres."), ToIs(("*.fout.example",)), name="a"),
        _rule(Pass(), ToIs(("open.example",)), name="b"),
        _rule(Seal(class_=3), ToIs(("open.example", "dicht.example")), name="c"),
    )
    to = ["x@mail.fout.example", "x@fout.example", "x@OPEN.example", "x@dicht.example"]
    found = judge_all(Policy(rules), facts(), to)
    assert [(v.decision, v.rule, v.class_) for v in found] == [
        ("refuse", "a", 2), ("seal", "default", 2), ("pass", "b", 0), ("seal", "c", 3)
    ]  # fmt: skip
    assert found[0].sentence == "Niet naar dit adres."
    assert [(reason.rule, reason.fits) for reason in found[3].reasons][2:] == [("a", False), ("b", False), ("c", True)]


@pytest.mark.parametrize(
    ("lines", "up_to", "decision"),
    [
        ((), 1, "pass"),
        (("Zegel-Class: 1",), 1, "pass"),
        (("Zegel-Class: 2",), 1, "seal"),
        (("Zegel-Class: 2",), 2, "pass"),
        (("Subject: [vertrouwelijk] x",), 1, "seal"),
        (("Sensitivity: Private",), 1, "seal"),
        ((f"msip_labels: {msip(CLOSED, 'Vertrouwelijk')}",), 1, "seal"),
        ((f"msip_labels: {msip(CLOSED, 'Openbaar')}",), 1, "pass"),
        ((f"msip_labels: {msip(CLOSED, 'Team Rood')}",), 1, "seal"),
        ((f"msip_labels: {msip(CLOSED, 'Team Rood')}",), 3, "seal"),
        ((f"msip_labels: {msip(CLOSED, 'Team Rood')}",), 4, "pass"),
        (("Zegel-Class: 5",), 4, "refuse"),
    ],
)
def test_what_says_that_it_is_confidential_passes_only_where_the_rule_says_so(
    lines: tuple[str, ...], up_to: int, decision: str
) -> None:
    assert _judge(facts(*lines), _rule(Pass(up_to))).decision == decision


def test_no_rule_lets_a_state_secret_in() -> None:
    found = _judge(facts("Subject: [Stg. GEHEIM] x"), _rule(Pass(4)), labels={"stg geheim": 0})
    assert (found.decision, found.rule) == ("refuse", "state-secret")
    assert "state secret" in found.sentence


def test_an_undeclared_size_counts_as_whatever_is_strictest() -> None:
    small = _rule(Pass(), SmallerThan(1000), name="small")
    assert _judge(facts(size=999), small).decision == "pass"
    assert _judge(facts(size=None), small).decision == "seal"
    large = _rule(Refuse("Te groot."), LargerThan(1000), name="large")
    assert _judge(facts(size=1000), large, _rule(Pass())).decision == "pass"
    found = _judge(facts(size=None), large, _rule(Pass(), name="rest"))
    assert (found.decision, found.rule) == ("refuse", "large")
    assert [reason.fits for reason in found.reasons if reason.rule == "large"] == [None]
    seal = _rule(Seal(class_=3), SmallerThan(1000), name="seal")
    assert _judge(facts(size=None), seal, large).decision == "refuse"


def test_two_senders_of_which_one_fits_are_not_known() -> None:
    rule = _rule(Pass(), FromIs(("voorbeeld.example",)))
    assert _judge(facts(), rule).decision == "pass"
    assert _judge(facts("From: x@elders.example"), rule).decision == "seal"
    refuse = _rule(Refuse("Niet van u."), FromIs(("elders.example",)))
    assert _judge(facts("From: x@elders.example"), refuse).decision == "refuse"


def test_headers_listeners_tags_and_labels() -> None:
    app = HeaderFits("x-app", "zaak*")
    asked = ("x-app",)
    assert _judge(facts("X-App: Zaaksysteem 4", asked=asked), _rule(Pass(), app)).decision == "pass"
    assert _judge(facts("X-App: ander", asked=asked), _rule(Pass(), app)).decision == "seal"
    assert _judge(facts("X-App: zaak", "X-App: ander", asked=asked), _rule(Pass(), app)).decision == "seal"
    assert _judge(facts(asked=asked), _rule(Pass(), app)).decision == "seal"
    assert _judge(facts(), _rule(Pass(), ListenerIs(("submission",)))).decision == "seal"
    assert _judge(facts("Subject: [JIRA-1] [Nieuws] x"), _rule(Pass(), TagIs(("nieuws",)))).decision == "pass"
    label = facts(f"msip_labels: {msip(CLOSED, 'Openbaar')}")
    assert _judge(label, _rule(Pass(), LabelIs((CLOSED,)))).decision == "pass"
    assert _judge(label, _rule(Pass(), LabelIs(("openbaar",)))).decision == "pass"
    assert _judge(facts(), _rule(Pass(), LabelIs(("*",)))).decision == "seal"
    assert _judge(facts("Zegel-Class: 3"), _rule(Refuse("Nee."), ClassAtLeast(3))).decision == "refuse"
    unknown = facts("X-Classification: Team Rood")
    assert _judge(unknown, _rule(Refuse("Nee."), ClassAtLeast(3))).decision == "refuse"


def test_what_the_rule_gives_is_what_the_parcel_gets() -> None:
    found = _judge(facts("Zegel-Class: 4"), _rule(Seal(class_=3, proof="mail", ways=("direct",), days=14)))
    assert (found.class_, found.proof, found.ways, found.days) == (4, "mail", ("direct",), 14)


def test_a_check_of_the_content_can_raise_the_class_and_refuse() -> None:
    found = replace(facts(), findings=(Finding("bsn", "It holds 40 citizen numbers.", class_=3),))
    assert (_judge(found, _rule(Pass())).decision, _judge(found).class_) == ("seal", 3)
    refused = _judge(replace(found, findings=(Finding("virus", "It holds a virus.", refuse=True),)), _rule(Pass(4)))
    assert (refused.decision, refused.rule, refused.sentence) == ("refuse", "guard", "It holds a virus.")


@pytest.mark.parametrize(
    ("pattern", "address", "fits"),
    [
        ("a@x.example", "A@X.EXAMPLE", True),
        ("a@x.example", "b@x.example", False),
        ("x.example", "a@x.example", True),
        ("*@x.example", "a@x.example", True),
        ("x.example", "a@mail.x.example", False),
        ("*.x.example", "a@mail.x.example", True),
        ("*.x.example", "a@x.example", False),
        ("*.x.example", "a@evilx.example", False),
        ("x.example", "a@evilx.example", False),
        ("*", "", True),
        ("bücher.example", "a@xn--bcher-kva.example", True),
    ],
)
def test_addresses(pattern: str, address: str, fits: bool) -> None:
    assert address_fits(pattern, address) is fits


_glob = st.text(alphabet="ab*", max_size=8)


@given(_glob, st.text(alphabet="ab", max_size=12))
def test_patterns_mean_what_a_naive_reading_says(pattern: str, text: str) -> None:
    def naive(pattern: str, text: str) -> bool:
        if not pattern:
            return not text
        if pattern[0] == "*":
            return naive(pattern[1:], text) or (bool(text) and naive(pattern, text[1:]))
        return bool(text) and pattern[0] == text[0] and naive(pattern[1:], text[1:])

    assert text_fits(pattern, text) is naive(pattern, text)


def test_a_pattern_made_to_be_slow_is_not() -> None:
    assert not text_fits("*a" * 50 + "b", "a" * 200_000)


_conditions = st.one_of(
    st.sampled_from([
        ToIs(("example.net",)), ToIs(("*.example.org",)), FromIs(("voorbeeld.example",)), ListenerIs(("relay",)),
        TagIs(("nieuws",)), LabelIs(("openbaar",)), LabelIs(("*",)), HeaderFits("x-app", "z*"),
    ]),
    st.builds(LargerThan, st.sampled_from([10, 1000])),
    st.builds(SmallerThan, st.sampled_from([10, 1000])),
    st.builds(ClassAtLeast, st.integers(0, 4)),
)  # fmt: skip
_actions = st.one_of(
    st.builds(Seal, st.one_of(st.none(), st.integers(0, 4))),
    st.builds(Pass, st.integers(0, 4)),
    st.just(Refuse("Nee.")),
)
_rules = st.lists(st.tuples(st.lists(_conditions, max_size=3), _actions), max_size=6).map(
    lambda found: tuple(Rule(f"r{i}", tuple(when), then) for i, (when, then) in enumerate(found))
)
_lines = st.lists(
    st.sampled_from([
        "Zegel-Class: 0", "Zegel-Class: 2", "Zegel-Class: 4", "Subject: [nieuws] x", "Subject: [vertrouwelijk] x",
        "X-Classification: Openbaar", "X-Classification: Team Rood", "X-App: zaak", "From: ander@elders.example",
        "Sensitivity: Private", "Subject: [Stg. GEHEIM]",
    ]),
    max_size=4,
)  # fmt: skip
_RANK = {"pass": 0, "seal": 1, "refuse": 2}


def _rank(verdict: Verdict) -> tuple[int, int]:
    return _RANK[verdict.decision], verdict.class_


@given(_rules, _lines, st.sampled_from([None, 5, 500, 5000]))
def test_the_same_facts_give_the_same_verdict_whoever_else_is_a_recipient(
    rules: tuple[Rule, ...], lines: list[str], size: int | None
) -> None:
    found = facts(*lines, size=size, asked=("x-app",))
    alone = judge_all(Policy(rules), found, [TO])
    assert judge_all(Policy(rules), found, ["x@mail.example.org", TO])[1:] == alone


@given(_rules, _lines, st.sampled_from([5, 10, 500, 1000, 5000]))
def test_what_is_kept_from_us_never_makes_the_verdict_milder(
    rules: tuple[Rule, ...], lines: list[str], size: int
) -> None:
    told = judge_all(Policy(rules), facts(*lines, size=size, asked=("x-app",)), [TO])[0]
    kept = judge_all(Policy(rules), facts(*lines, size=None, asked=("x-app",)), [TO])[0]
    assert _rank(kept) >= _rank(told)


@given(_rules, _lines, st.sampled_from([5, 500, 5000]))
def test_with_all_facts_the_first_that_fits_decides_and_nothing_else(
    rules: tuple[Rule, ...], lines: list[str], size: int
) -> None:
    verdict = judge_all(Policy(rules), facts(*lines, size=size, asked=("x-app",)), [TO])[0]
    certain = [reason.rule for reason in verdict.reasons if reason.fits]
    if all(reason.fits is not None for reason in verdict.reasons):
        assert certain == [verdict.rule]
    assert verdict.reasons[-1].rule == certain[-1]


@given(_rules, _lines)
def test_nothing_confidential_passes_without_a_rule_that_says_so(rules: tuple[Rule, ...], lines: list[str]) -> None:
    tame = tuple(r if not isinstance(r.then, Pass) else replace(r, then=Pass(min(r.then.up_to, 1))) for r in rules)
    verdict = judge_all(Policy(tame), facts(*lines, asked=("x-app",)), [TO])[0]
    confidential = {"Zegel-Class: 2", "Zegel-Class: 4", "Subject: [vertrouwelijk] x", "Sensitivity: Private"}
    if confidential & set(lines) or "X-Classification: Team Rood" in lines:
        assert verdict.decision != "pass"
    if "Subject: [Stg. GEHEIM]" in lines:
        assert verdict.rule == "state-secret"


@given(_rules, _lines, st.sampled_from([None, 5, 500, 5000]), st.sampled_from([TO, "x@mail.example.org"]))
def test_a_rule_called_unreachable_would_never_have_decided(
    rules: tuple[Rule, ...], lines: list[str], size: int | None, to: str
) -> None:
    found = facts(*lines, size=size, asked=("x-app",))
    dead = unreachable(rules)
    without = tuple(rule for rule in rules if rule.name not in dead)
    left, right = (judge_all(Policy(kept), found, [to])[0] for kept in (rules, without))
    assert replace(left, reasons=()) == replace(right, reasons=())
    if size is not None:
        # With every rule asked, also those found dead: none of them is the first that surely fits.
        alive = [rule for rule in rules if judge_all(Policy((rule,)), found, [to])[0].rule == rule.name]
        sure = [r for r in alive if judge_all(Policy((r,)), found, [to])[0].reasons[-1].fits]
        assert not sure or sure[0].name not in dead


def test_rules_that_nothing_reaches_are_named_with_the_reason() -> None:
    rules = (
        _rule(Pass(), name="all pass"),
        _rule(Pass(), ToIs(("x.example",)), name="pass again"),
        _rule(Pass(3), name="pass more"),
        _rule(Seal(), ToIs(("y.example",)), name="seal"),
        _rule(Refuse("x"), ToIs(("y.example",)), ListenerIs(("relay",)), name="too late"),
        _rule(Refuse("x"), LargerThan(10), SmallerThan(11), name="no size"),
        _rule(Pass(1), ClassAtLeast(2), name="no class"),
        _rule(Seal(), name="rest"),
        _rule(Refuse("x"), name="never"),
    )
    assert list(unreachable(rules)) == ["pass again", "too late", "no size", "no class", "never"]
    assert "“seal”" in unreachable(rules)["too late"]

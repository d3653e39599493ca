"""Facts and rules → a verdict per recipient.

The order is fixed: state secrets are refused, then what a check of the content refuses, then the first of the
organisation's rules that fits, and else the mail is sealed.

Where an answer is *not known* (no size was declared, two senders of which one fits), both answers are reckoned with:
the rule may decide, and so may those after it; of all these the strictest counts: refuse before seal, a higher class
before a lower one, sealing before passing. So a fact that a sender keeps to himself never lets a mail out.
"""

from collections.abc import Iterable, Sequence

from zegel.policy.conditions import Answer, Known, Question, Standing
from zegel.policy.facts import MailFacts
from zegel.policy.rules import Pass, Refuse, Rule, Seal
from zegel.policy.ruleset import Policy
from zegel.policy.verdict import Reason, Verdict
from zegel.policy.words import STATE_SECRET, known_class, marked_subject

REFUSED_SECRET = "This mail is marked as a state secret. It must not be sent by mail, sealed or not."  # noqa: S105
_HIGHEST = STATE_SECRET - 1
_STRICTNESS = {"pass": 0, "seal": 1, "refuse": 2}


def judge_all(policy: Policy, facts: MailFacts, recipients: Iterable[str]) -> tuple[Verdict, ...]:
    """One verdict per recipient, in their order."""
    standing = stand(policy, facts)
    return tuple(_judge(policy, Question(facts, recipient, standing)) for recipient in recipients)


def stand(policy: Policy, facts: MailFacts) -> Standing:
    """What class the mail says it has: number, labels, tags and findings; the highest counts."""
    said = [facts.stated] + [finding.class_ for finding in facts.findings]
    said += [known_class(tag, policy.labels) for tag in facts.tags]
    unknown = []
    for label in facts.labels:
        by_id = policy.labels.get(label.id) if label.id else None
        by_name = known_class(label.name, policy.labels) if label.name else None
        if by_id is None and by_name is None:
            unknown.append(label)
        # The GUID is the label; its name is a hint, but one that can say “state secret”.
        said.append(by_name if by_id is None or by_name == STATE_SECRET else by_id)
    if any(marked_subject(subject) for subject in facts.subjects):
        said.append(STATE_SECRET)
    return Standing(
        max((class_ for class_ in said if class_ is not None), default=None), tuple(unknown), policy.default_class
    )


def _judge(policy: Policy, question: Question) -> Verdict:
    reasons: list[Reason] = []
    for fixed in (_state_secret, _refused_by_checks):
        sentence, reason = fixed(question)
        reasons.append(reason)
        if reason.fits:
            return Verdict(
                question.recipient, "refuse", question.standing.sealed_as, reason.rule, tuple(reasons), sentence
            )
    candidates: list[Verdict] = []
    for rule in policy.rules:
        reason = _ask(policy, rule, question)
        reasons.append(reason)
        if reason.fits is not False:
            candidates.append(_consequence(rule, question))
        if reason.fits:
            break
    else:
        reasons.append(Reason("default", True, ("no rule decided before: sealed",)))
        candidates.append(Verdict(question.recipient, "seal", question.standing.sealed_as, "default"))
    strictest = max(candidates, key=_strictness)
    return _with_reasons(strictest, reasons)


def _ask(policy: Policy, rule: Rule, question: Question) -> Reason:
    if rule.name in policy.unreachable:
        return Reason(rule.name, False, (f"never decides: {policy.unreachable[rule.name]}",))
    answers = [when.answer(question) for when in rule.when]
    if isinstance(rule.then, Pass):
        answers.append(_may_pass(rule.then, question.standing))
    why = tuple(f"{_WORDS[answer.holds]}: {answer.why}" for answer in answers) or ("yes: it asks for nothing",)
    return Reason(rule.name, _all(answers), why)


_WORDS = {True: "yes", False: "no", None: "not known"}


def _all(answers: Sequence[Answer]) -> Known:
    if any(answer.holds is False for answer in answers):
        return False
    return None if any(answer.holds is None for answer in answers) else True


def _may_pass(then: Pass, standing: Standing) -> Answer:
    """Nothing passes that says it is above the rule's class, and nothing whose label nobody explained."""
    known = 0 if standing.known is None else standing.known
    if known > then.up_to:
        return Answer(False, f"class {known} is above {then.up_to}, the highest that this rule lets pass")
    if standing.unknown and then.up_to < _HIGHEST:
        return Answer(False, f"label {standing.unknown[0]} is not in [policy.labels]: it may mean any class")
    return Answer(True, f"nothing in it says a class above {then.up_to}")


def _consequence(rule: Rule, question: Question) -> Verdict:
    standing = question.standing
    match rule.then:
        case Seal(class_, proof, ways, days):
            sealed_as = standing.sealed_as if class_ is None else max(class_, standing.known or 0)
            if standing.unknown:
                sealed_as = max(sealed_as, standing.sealed_as)
            return Verdict(question.recipient, "seal", sealed_as, rule.name, proof=proof, ways=ways, days=days)
        case Pass():
            return Verdict(question.recipient, "pass", standing.known or 0, rule.name)
        case Refuse(sentence):
            return Verdict(question.recipient, "refuse", standing.sealed_as, rule.name, sentence=sentence)


def _strictness(verdict: Verdict) -> tuple[int, int, bool, int]:
    """What decides between consequences; the first of equals stays (max is stable)."""
    ways = 99 if verdict.ways is None else len(verdict.ways)
    return _STRICTNESS[verdict.decision], verdict.class_, verdict.proof != "mail", -ways


def _with_reasons(verdict: Verdict, reasons: Sequence[Reason]) -> Verdict:
    return Verdict(
        verdict.recipient, verdict.decision, verdict.class_, verdict.rule, tuple(reasons), verdict.sentence,
        verdict.proof, verdict.ways, verdict.days,
    )  # fmt: skip


def _state_secret(question: Question) -> tuple[str, Reason]:
    known = question.standing.known
    secret = known is not None and known >= STATE_SECRET
    why = "marked as a state secret" if secret else "nothing in its headers marks it as a state secret"
    return REFUSED_SECRET, Reason("state-secret", secret, (why,))


def _refused_by_checks(question: Question) -> tuple[str, Reason]:
    found = next((finding for finding in question.facts.findings if finding.refuse), None)
    why = f"{found.check}: {found.reason}" if found else "no check of the content refuses it"
    return (found.reason if found else ""), Reason("guard", found is not None, (why,))

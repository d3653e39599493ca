from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.smtp.ground import NOW
from zegel.errors import Denied, Mistake
from zegel.journeys.judge import Came, Judge
from zegel.journeys.wishes import Defaults, MissingProof, Wishes
from zegel.mime.headers import read_headers
from zegel.parcels.proofs import code_matches
from zegel.policy.conditions import LargerThan, SmallerThan, ToIs
from zegel.policy.rules import Pass, Refuse, Rule, Seal
from zegel.policy.ruleset import Policy

A, B = "a@x.example", "B@y.example"
POLICY = Policy()


def _read(
    *lines: str,
    to: tuple[str, ...] = (A,),
    proof: str = "mail",
    missing: MissingProof = "refuse",
    policy: Policy = POLICY,
) -> Wishes:
    headers = read_headers("".join(f"{line}\r\n" for line in lines).encode())
    judge = Judge(policy, Defaults(proof, "nl", ZoneInfo("Europe/Amsterdam"), missing), lambda: NOW)
    return judge.wishes(headers, judge.weigh(headers, Came("submission", "zorg@voorbeeld.example"), to))


def _kinds(wishes: Wishes) -> dict[str, str]:
    return {reader.address: reader.proof.kind for reader in wishes.readers}


def test_nothing_said_means_the_defaults() -> None:
    found = _read()
    assert (_kinds(found), found.class_, found.expires, found.language) == ({A: "mail"}, 2, None, "nl")


def test_one_proof_for_all_and_others_by_name() -> None:
    found = _read(
        f'Zegel-Proof: code:Tulp-2026, {B}=sms:+31612345678, <c@z.example>="code:a, b=c d"', to=(A, B, "c@z.example")
    )
    assert _kinds(found) == {A: "code", B: "sms", "c@z.example": "code"}
    assert code_matches(found.readers[2].proof, "a,b=cd")
    assert code_matches(found.readers[0].proof, "tulp 2026")


def test_names_ignore_case_and_headers_may_repeat_and_fold() -> None:
    found = _read(
        "Zegel-Proof: A@X.example=code:eerste", f"zegel-PROOF:\r\n {B.lower()}=\r\n\tsms:0031612345678", to=(A, B)
    )
    assert _kinds(found) == {A: "code", B: "sms"}
    assert found.readers[1].proof.telephone == "+31612345678"


@pytest.mark.parametrize(
    ("lines", "to", "code"),
    [
        ((), (A,), "no-proof"),
        ((f"Zegel-Proof: {A}=mail",), (A, B), "no-proof"),
        (("Zegel-Proof: ander@x.example=mail",), (A,), "proof-for-nobody"),
        ((f"Zegel-Proof: {A}=mail, {A}=mail",), (A,), "proof-twice"),
        (("Zegel-Proof: mail", "Zegel-Proof: mail"), (A,), "proof-twice"),
        (("Zegel-Proof: sms:+31612345678",), (A, B), "shared-telephone"),
        (("Zegel-Proof: sms:0687654321",), (A,), "bad-telephone"),
        (("Zegel-Proof: code:abc",), (A,), "bad-access-code"),
        (("Zegel-Proof: fax:+31687654321",), (A,), "unknown-proof"),
        (("Zegel-Proof: mail", "Zegel-Class: 5"), (A,), "state-secret"),
        (("Zegel-Proof: mail", "Zegel-Class: twee"), (A,), "bad-class"),
        (("Zegel-Proof: mail", "Zegel-Class: ²"), (A,), "bad-class"),
        (("Zegel-Proof: mail", "Zegel-Class: " + "1" * 5000), (A,), "state-secret"),
        (("Zegel-Proof: mail", "Zegel-Expires: morgen"), (A,), "bad-date"),
        (("Zegel-Proof: mail", "Zegel-Expires: 2026-02-30"), (A,), "bad-date"),
        (("Zegel-Proof: mail", "Zegel-Language: fr"), (A,), "bad-language"),
    ],
)
def test_what_cannot_be_meant_is_refused(lines: tuple[str, ...], to: tuple[str, ...], code: str) -> None:
    with pytest.raises((Mistake, Denied)) as caught:
        _read(*lines, to=to, proof="")
    assert caught.value.kind == code
    assert "687654321" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("14d", NOW + timedelta(days=14)),
        ("14 D", NOW + timedelta(days=14)),
        ("2026-12-20", datetime(2026, 12, 20, 22, 59, 59, tzinfo=UTC)),
        ("2026-12-20T09:14:00Z", datetime(2026, 12, 20, 9, 14, tzinfo=UTC)),
    ],
)
def test_expiry(text: str, wanted: datetime) -> None:
    assert _read(f"Zegel-Expires: {text}").expires == wanted


@pytest.mark.parametrize(("text", "wanted"), [("0", 0), (" 4 ", 4), ("", 2)])
def test_class(text: str, wanted: int) -> None:
    assert _read(f"Zegel-Class: {text}").class_ == wanted


def test_readers_come_once() -> None:
    assert len(_read(to=(A, A.upper())).readers) == 1


def test_a_reader_without_a_proof_waits_for_one_and_the_others_do_not() -> None:
    found = _read(f"Zegel-Proof: {A}=mail", to=(A, B), proof="", missing="wait")
    assert _kinds(found) == {A: "mail", B: "missing"}


def test_a_class_in_words() -> None:
    assert _read("Zegel-Class: zeer vertrouwelijk").class_ == 3
    assert _read("Zegel-Class: 1", "Sensitivity: Private").class_ == 2


def test_a_rule_gives_proof_class_and_expiry_where_the_sender_says_nothing() -> None:
    rules = (
        Rule("x", (ToIs(("x.example",)),), Seal(class_=3, proof="code:Tulp-2026", days=14)),
        Rule("y", (ToIs(("y.example",)),), Seal(class_=1, days=30)),
    )
    found = _read(to=(A, B), proof="", missing="wait", policy=Policy(rules))
    assert _kinds(found) == {A: "code", B: "missing"}
    assert (found.class_, found.expires) == (3, NOW + timedelta(days=14))
    found = _read("Zegel-Proof: mail", "Zegel-Expires: 40d", to=(A, B), policy=Policy(rules))
    assert _kinds(found) == {A: "mail", B: "mail"}
    assert found.expires == NOW + timedelta(days=40)


def test_whoever_gets_it_unsealed_needs_no_proof() -> None:
    rules = (Rule("open", (ToIs(("x.example",)),), Pass()),)
    assert _kinds(_read(to=(A,), proof="", policy=Policy(rules))) == {A: "missing"}


def test_one_who_is_refused_refuses_the_mail_with_the_rules_sentence() -> None:
    rules = (Rule("nee", (ToIs(("y.example",)),), Refuse("Gebruik het zaaksysteem")),)
    with pytest.raises(Denied) as caught:
        _read(to=(A, B), policy=Policy(rules))
    assert caught.value.kind == "refused-by-policy"
    assert f"{B}: Gebruik het zaaksysteem. Nobody has received it." in str(caught.value)
    assert A not in str(caught.value)


_SIZES = [
    (10, 11, ""),
    (10, 5000, "false-size"),
    (5000, 10, "false-size"),
    (None, 5000, ""),
    (10, 90_000, "refused-by-policy"),
]


@pytest.mark.parametrize(("declared", "true", "code"), _SIZES)
def test_the_true_size_counts_in_the_end(declared: int | None, true: int, code: str) -> None:
    rules = (Rule("klein", (SmallerThan(1000),), Pass()), Rule("groot", (LargerThan(50_000),), Refuse("Te groot.")))
    if declared is None:
        rules = rules[:1]
    judge = Judge(Policy(rules), Defaults("mail", "nl", ZoneInfo("Europe/Amsterdam")), lambda: NOW)
    headers, came = read_headers(b"Subject: s\r\n"), Came("submission", "zorg@voorbeeld.example", declared)
    verdicts = judge.weigh(headers, came, [A])
    if not code:
        judge.check_size(headers, came, verdicts, true)
        return
    with pytest.raises((Mistake, Denied)) as caught:
        judge.check_size(headers, came, verdicts, true)
    assert caught.value.kind == code

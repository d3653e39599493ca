import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policy.mails import CLOSED, OPEN, facts, msip, outlook, top
from zegel.mime.top import read_top
from zegel.policy.facts import read_facts
from zegel.policy.judge import stand
from zegel.policy.labels import Label, read_labels, stated_class
from zegel.policy.ruleset import Policy
from zegel.policy.words import STATE_SECRET, known_class, marked_subject


def test_outlooks_label_is_read_through_folding() -> None:
    found = read_labels(read_top([outlook(CLOSED, "Vertrouwelijk")]))
    assert found == (Label("msip", "Vertrouwelijk", CLOSED),)


def test_a_label_that_was_taken_off_does_not_count_and_one_whose_pair_was_lost_does() -> None:
    assert read_labels(read_top([outlook(CLOSED, "Vertrouwelijk", enabled="False")])) == ()
    lost = top(f"msip_labels: MSIP_Label_{CLOSED}_Name=Vertrouwelijk")
    assert read_labels(lost) == (Label("msip", "Vertrouwelijk", CLOSED),)


def test_labels_of_two_tenants_and_encoded_names() -> None:
    found = read_labels(top(f"msip_labels: {msip(OPEN, 'Openbaar')}{msip(CLOSED, '=?utf-8?q?Priv=C3=A9?=')}"))
    assert [(label.id, label.name) for label in found] == [(OPEN, "Openbaar"), (CLOSED, "Privé")]


def test_what_is_no_pair_is_a_label_that_nobody_knows() -> None:
    assert read_labels(top("msip_labels: iets anders")) == (Label("msip", "iets anders"),)


@pytest.mark.parametrize("value", ["Personal", "Private", "Company-Confidential"])
def test_rfc_2156_sensitivity(value: str) -> None:
    assert stand(Policy(), facts(f"Sensitivity: {value}")).known == 2


def test_no_sensitivity_is_no_label() -> None:
    assert read_labels(top("Sensitivity: Normal", "X-Classification:", "msip_labels:")) == ()


@pytest.mark.parametrize(
    ("line", "class_"),
    [
        ("X-Classification: Openbaar", 0),
        ("X-Rijk-Classification: Dep.V.", 4),
        ("Classification: DEPARTEMENTAAL VERTROUWELIJK", 4),
        ("X-Nato-Classification: NATO RESTRICTED", 4),
        ("X-Eu-Classification: RESTREINT UE/EU RESTRICTED", 4),
        ("X-Classification: Zeer vertrouwelijk", 3),
        ("X-Classification: Vertrouwelijk \\ Alle medewerkers", 2),
        ("Zegel-Class: vertrouwelijk", 2),
        ("Zegel-Class: 3", 3),
        ("Subject: [Vertrouwelijk] Besluit", 2),
        ("Subject: =?utf-8?q?Re:_=5BZEER_VERTROUWELIJK=5D_x?=", 3),
        ("Subject: [GEHEIM] raadsstuk", 3),
        (f"msip_labels: {msip(CLOSED, 'Intern')}", 1),
    ],
)
def test_words_have_their_class(line: str, class_: int) -> None:
    assert stand(Policy(), facts(line)).known == class_


@pytest.mark.parametrize(
    "line",
    [
        "Subject: [Stg. GEHEIM] x",
        "Subject: Stg. CONFIDENTIEEL - x",
        "Subject: Re: FW: stg. zeer geheim x",
        "Subject: ZEER GEHEIM: x",
        "Subject: [zeer geheim] x",
        "Subject: NATO SECRET x",
        "X-Classification: COSMIC TOP SECRET",
        "X-Classification: TRÈS SECRET UE/EU TOP SECRET",
        "Zegel-Class: Stg. Geheim",
        "Zegel-Class: 5",
        "msip_labels: " + msip(CLOSED, r"Rijk \ Stg. Confidentieel"),
    ],
)
def test_state_secrets_are_known_wherever_they_are_marked(line: str) -> None:
    known = stand(Policy(), facts(line)).known
    assert known is not None
    assert known >= STATE_SECRET


@pytest.mark.parametrize(
    "subject",
    ["Cursus Stg. Geheim", "Zeer geheim recept", "Geheimhouding", "[Geheimschrift] x", "Top secretaris gezocht"],
)
def test_words_in_passing_are_no_marking(subject: str) -> None:
    assert marked_subject(subject) == ""
    assert (stand(Policy(), facts(f"Subject: {subject}")).known or 0) < STATE_SECRET


def test_words_that_lower_must_stand_alone() -> None:
    assert known_class("Openbaar na besluit", {}) is None
    assert known_class("Intern – personeelszaken", {}) is None


def test_the_organisations_list_wins_but_not_over_a_state_secret() -> None:
    mapped = {"vertrouwelijk": 3, "stg geheim": 0, "team rood": 4, OPEN: 0}
    assert known_class("VERTROUWELIJK", mapped) == 3
    assert known_class("Team.Rood", mapped) == 4
    assert known_class("Stg. Geheim", mapped) == STATE_SECRET
    policy = Policy(labels=mapped)
    assert stand(policy, facts(f"msip_labels: {msip(OPEN, 'Vertrouwelijk')}")).known == 0
    assert stand(policy, facts(f"msip_labels: {msip(OPEN, 'Stg. Geheim')}")).known == STATE_SECRET


def test_the_highest_of_all_that_is_said_counts() -> None:
    found = facts(
        "Zegel-Class: 1", "Subject: [intern]", "Sensitivity: Private", f"msip_labels: {msip(OPEN, 'Openbaar')}"
    )
    assert stand(Policy(), found).known == 2


def test_a_label_without_meaning_is_unknown_and_never_below_the_usual_class() -> None:
    standing = stand(Policy(default_class=2), facts("Zegel-Class: 0", "X-Classification: Kenmerk 7"))
    assert [label.name for label in standing.unknown] == ["Kenmerk 7"]
    assert standing.sealed_as == 2


def test_every_subject_counts() -> None:
    assert stand(Policy(), facts("Subject: x", "Subject: Stg. GEHEIM y")).known == STATE_SECRET
    assert stand(Policy(), facts("Subject: x", "Subject: [vertrouwelijk] y")).known == 2


_names = st.sampled_from(["msip_labels", "Sensitivity", "X-Classification", "Subject", "Zegel-Class", "From"])


@given(st.lists(st.tuples(_names, st.text(max_size=200)), max_size=8))
def test_whatever_stands_in_a_header_it_is_read(fields: list[tuple[str, str]]) -> None:
    raw = "".join(f"{name}: {value}\r\n" for name, value in fields).encode("utf-8", "replace") + b"\r\n"
    standing = stand(Policy(), read_facts(read_top([raw]), "relay", ""))
    assert standing.known is None or 0 <= standing.known <= 999


def test_a_header_made_to_be_slow_is_not() -> None:
    long = "MSIP_Label_" * 20_000 + " " * 20_000 + "; " * 10_000 + "[" * 20_000 + "Re: " * 5_000
    lines = [f"{name}: {long}" for name in ("msip_labels", "Subject")]
    stand(Policy(), facts(*(line[:120_000] for line in lines)))


def test_numbers_of_zegel_class() -> None:
    assert stated_class(top("Zegel-Class: 1", "Zegel-Class: 4")) == 4
    assert stated_class(top("Zegel-Class: ²")) is None

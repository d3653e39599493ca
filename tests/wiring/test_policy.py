"""``[[policy.rule]]`` as administrators write it: every key checked, every wrong one named."""

import tomllib
from pathlib import Path

import pytest

from tests.policy.mails import CLOSED, facts, msip
from zegel.errors import Mistake
from zegel.policy.judge import judge_all
from zegel.policy.rules import Pass, Refuse, Seal
from zegel.policy.ruleset import Policy
from zegel.wiring.config.file import check_config
from zegel.wiring.ground import Ground
from zegel.wiring.judging import judge
from zegel.wiring.smtp import door_config

BASE = """
[organisation]
name = "Gemeente Voorbeeld"
host = "post.voorbeeld.example"
[web]
url = "https://post.voorbeeld.example"
[inside]
url = "http://127.0.0.1:8026/inside/v1"
[mail]
sender = "post@voorbeeld.example"
"""
FULL = f"""
[[policy.rule]]
name = "nieuwsbrief"
from = ["nieuws@voorbeeld.example", "*.voorbeeld.example"]
to = ["*"]
listener = ["relay"]
header = {{ X-Mailer = "Nieuws*", Precedence = "bulk" }}
label = ["Openbaar"]
subject_tag = ["nieuws"]
larger_than = 10
smaller_than = 5000000
class_at_least = 0
action = "pass"
up_to_class = 1

[[policy.rule]]
to = ["*.overheid.example"]
action = "seal"
class = 3
proof = "code:Tulp-2026"
ways = ["direct"]
days = 14

[[policy.rule]]
name = "zaaksysteem"
to = ["zaken@voorbeeld.example"]
action = "refuse"
sentence = "Stuur dit vanuit het zaaksysteem."

[policy.labels]
"Team Rood" = 4
"{CLOSED.upper()}" = 0
"""


def _policy(text: str) -> Policy:
    return check_config(tomllib.loads(BASE + text), Path("zegel.toml")).policy.policy(2)


def test_all_keys_of_a_rule() -> None:
    policy = _policy(FULL)
    assert [(rule.name, type(rule.then)) for rule in policy.rules] == [
        ("nieuwsbrief", Pass), ("rule 2", Seal), ("zaaksysteem", Refuse)
    ]  # fmt: skip
    assert len(policy.rules[0].when) == 10
    assert policy.asked == {"x-mailer", "precedence"}
    assert policy.rules[1].then == Seal(3, "code:Tulp-2026", ("direct",), 14)
    assert "Tulp" not in repr(policy)
    mail = facts("X-Mailer: Nieuws 4", "Precedence: bulk", "Subject: [nieuws] x", "X-Classification: openbaar",
                 asked=("x-mailer", "precedence"), size=500)  # fmt: skip
    assert judge_all(policy, mail, ["a@b.example"])[0].decision == "seal"  # not from a sender whom the rule asks for
    labelled = facts(f"msip_labels: {msip(CLOSED, 'Team Rood')}")
    assert judge_all(policy, labelled, ["a@b.example"])[0].class_ == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[policy.rule]]\naction = "drop"', "policy.rule.0.action"),
        ('[[policy.rule]]\naction = "seal"\nform = ["x"]', "policy.rule.0.form"),
        ('[[policy.rule]]\naction = "seal"\nfrom_ = ["x"]', "policy.rule.0.from_"),
        ('[[policy.rule]]\naction = "refuse"', "needs a sentence"),
        ('[[policy.rule]]\naction = "pass"\nclass = 1', "class is for action = “seal” only"),
        ('[[policy.rule]]\naction = "seal"\nup_to_class = 1', "up_to_class is for action = “pass” only"),
        ('[[policy.rule]]\naction = "seal"\nto = []', "policy.rule.0.to"),
        ('[[policy.rule]]\naction = "seal"\nto = ["*x.example"]', "*.x.example"),
        ('[[policy.rule]]\naction = "seal"\nto = ["a b@x.example"]', "a@x.example"),
        ('[[policy.rule]]\naction = "seal"\nproof = "sms:+31612345678"', "belongs to one reader"),
        ('[[policy.rule]]\naction = "seal"\nproof = "fax"', "The proof “fax” is unknown"),
        ('[[policy.rule]]\naction = "seal"\nways = ["post"]', "policy.rule.0.ways"),
        ('[[policy.rule]]\naction = "seal"\nname = "default"', "Zegel's own"),
        ('[[policy.rule]]\naction = "seal"\nname = "a"\n' * 2, "are called “a”"),
        ('[[policy.rule]]\naction = "seal"\nclass = 5', "policy.rule.0.class"),
        ('[policy.labels]\n"Stg. Geheim" = 4', "state secret"),
        ('[policy.labels]\nIntern = 6', "policy.labels.Intern"),
        ('[policy]\nrules = 1', "policy.rules"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_by_name(text: str, said: str) -> None:
    with pytest.raises(Mistake) as caught:
        _policy(text)
    assert said in str(caught.value)
    assert "0612345678" not in str(caught.value)


def test_the_door_and_the_explanation_have_the_same_rules(tmp_path: Path) -> None:
    smtp = '\n[smtp]\ndefault_proof = "mail"\nmissing_proof = "refuse"\ndefault_class = 1\nlanguage = "en"\n'
    ground = Ground(tmp_path, check_config(tomllib.loads(BASE + smtp + FULL), Path("zegel.toml")))
    door, told = door_config(ground, 500), judge(ground)
    assert (door.policy, door.default_class) == (told.policy, 1)
    assert told.policy.default_class == 1
    defaults = (door.default_proof, door.language, str(door.time_zone), door.missing_proof)
    assert defaults == (
        told.defaults.proof,
        told.defaults.language,
        str(told.defaults.zone),
        told.defaults.missing_proof,
    )

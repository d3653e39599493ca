"""What a class may touch: each rule by itself, all of them together, and what nobody knows."""

from dataclasses import fields, replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.suppliers.made import AMERICAN, DAY, make_supplier
from zegel.suppliers.policy import Policy, eligible
from zegel.suppliers.supplier import OWN, Owner, Supplier

POLICY = Policy()


def rules(class_: int, supplier: Supplier | None, day: date = DAY) -> set[str]:
    return {reason.rule for reason in eligible(class_, supplier, day, POLICY).reasons}


def test_a_european_supplier_about_whom_all_is_known_may_have_classes_0_to_3() -> None:
    assert [eligible(class_, make_supplier(), DAY, POLICY).allowed for class_ in range(5)] == [True] * 4 + [False]
    assert rules(4, make_supplier()) == {"own-or-government-only"}


def test_own_storage_may_have_everything_but_state_secrets() -> None:
    assert all(eligible(class_, OWN, DAY, POLICY).allowed for class_ in range(5))
    assert rules(5, OWN) == {"state-secret"}


def test_government_storage_may_have_class_4() -> None:
    assert eligible(4, Supplier("rijk", "Een ander overheidsorgaan", "government"), DAY, POLICY).allowed


def test_a_supplier_that_nobody_registered_may_have_nothing() -> None:
    assert rules(0, None) == {"unknown-supplier"}


def test_an_owner_abroad_counts_from_the_announcement() -> None:
    sold = make_supplier(owner=(*make_supplier().owner, AMERICAN))
    assert rules(3, sold, date(2026, 6, 9)) == set()
    assert rules(3, sold, date(2026, 6, 10)) == {"foreign-control"}
    assert eligible(2, sold, date(2026, 6, 10), POLICY) == replace(
        eligible(2, sold, DAY, POLICY), allowed=True, custody=False
    )
    assert "announced" in sold.foreign_control(DAY)[0]
    assert "announced" not in sold.foreign_control(date(2026, 12, 1))[0]


def test_an_owner_who_left_does_not_count() -> None:
    gone = Owner("Example Capital LLC", "US", since=date(2020, 1, 1), until=date(2024, 1, 1))
    assert rules(3, make_supplier(owner=(gone, *make_supplier().owner))) == set()


@pytest.mark.parametrize(
    ("facts", "class_", "rule"),
    [
        ({"hosting": ()}, 0, "unknown-hosting"),
        ({"hosting": ("NL", "US")}, 0, "hosting-outside-europe"),
        ({"assurance": None}, 1, "unknown-assurance"),
        ({"assurance": 1}, 1, "assurance-too-low"),
        ({"seat": None}, 3, "foreign-control"),
        ({"seat": "US"}, 3, "foreign-control"),
        ({"owner": ()}, 3, "foreign-control"),
        ({"owner": (Owner("Wie?", "NL"),)}, 3, "foreign-control"),
        ({"contract_end": date(2026, 11, 19)}, 0, "contract-ended"),
    ],
)
def test_each_rule_fires_by_itself(facts: dict[str, object], class_: int, rule: str) -> None:
    assert rules(class_, make_supplier(**facts)) == {rule}
    assert class_ == 0 or rule not in rules(class_ - 1, make_supplier(**facts))


def test_every_rule_that_fired_is_told() -> None:
    nobody = Supplier("nobody", "Wie?")
    assert rules(4, nobody) == {"unknown-hosting", "unknown-assurance", "foreign-control", "own-or-government-only"}


_SUPPLIERS = st.builds(
    make_supplier,
    seat=st.sampled_from([None, "NL", "US", "CN"]),
    hosting=st.lists(st.sampled_from(["NL", "DE", "US"]), max_size=2).map(tuple),
    owner=st.lists(
        st.builds(Owner, st.just("x"), st.sampled_from(["NL", "US"]), ultimate=st.booleans()), max_size=2
    ).map(tuple),
    assurance=st.sampled_from([None, 0, 2, 4]),
    us_presence=st.sampled_from([None, True, False]),
)


@given(_SUPPLIERS, st.integers(1, 5))
def test_a_higher_class_is_never_allowed_where_a_lower_one_is_not(supplier: Supplier, class_: int) -> None:
    higher, lower = (eligible(one, supplier, DAY, POLICY) for one in (class_, class_ - 1))
    assert not higher.allowed or lower.allowed
    assert not higher.custody or lower.custody


@given(_SUPPLIERS, st.integers(0, 4), st.data())
def test_forgetting_a_fact_never_helps_a_supplier(supplier: Supplier, class_: int, data: st.DataObject) -> None:
    nothing = Supplier("x", "x")
    name = data.draw(st.sampled_from(["seat", "hosting", "owner", "assurance", "us_presence"]))
    assert name in {field.name for field in fields(supplier)}
    worse = replace(supplier, **{name: getattr(nothing, name)})
    assert eligible(class_, supplier, DAY, POLICY).allowed or not eligible(class_, worse, DAY, POLICY).allowed

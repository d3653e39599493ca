"""Supplier files: what is read, what is refused, and that nothing is lost on the way to the records."""

from contextlib import suppress
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.suppliers.made import AMERICAN, DAY, make_supplier
from zegel.errors import Mistake
from zegel.suppliers.exposure import exposure
from zegel.suppliers.register import parse_supplier, read_suppliers, spell_supplier
from zegel.suppliers.supplier import OWN, Owner, Supplier

FILE = """
[[supplier]]
name = "voorbeeld-cloud"
legal_name = "Voorbeeld Cloud B.V."
seat = "NL"
hosting = ["NL", "DE"]
assurance = 3
us_presence = false
contract_end = 2027-12-31
notice_days = 60
egress_eur_per_gb = 0.01

[[supplier.owner]]
name = "Voorbeeld Holding N.V."
country = "NL"
since = 2019-05-01
ultimate = true
"""


def test_a_file_is_read() -> None:
    (found,) = read_suppliers(FILE)
    assert found.seat == "NL"
    assert found.egress_eur_per_gb == Decimal("0.01")
    assert found.owner == (Owner("Voorbeeld Holding N.V.", "NL", date(2019, 5, 1), ultimate=True),)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('seat = "NL"', 'seet = "NL"', "supplier.0.seet"),
        ('seat = "NL"', 'seat = "Nederland"', "supplier.0.seat"),
        ("assurance = 3", "assurance = 5", "supplier.0.assurance"),
        ("notice_days = 60", "notice_days = -1", "supplier.0.notice_days"),
        ('name = "voorbeeld-cloud"', 'name = "Voorbeeld Cloud"', "supplier.0.name"),
        ('name = "voorbeeld-cloud"', 'name = "own"', "own"),
        ("since = 2019-05-01", "since = 2019-05-01\nuntil = 2019-05-01", "voorbeeld-cloud.owner"),
        ("since = 2019-05-01", "since = 2019-05-01\nannounced = 2020-01-01", "voorbeeld-cloud.owner"),
        ("[[supplier]]", "[[suppliers]]", "supplier"),
        ("[[supplier]]", "[[supplier]", "file"),
    ],
)
def test_a_file_with_one_mistake_is_refused_by_its_key(old: str, new: str, key: str) -> None:
    with pytest.raises(Mistake) as caught:
        read_suppliers(FILE.replace(old, new, 1))
    assert (caught.value.kind, caught.value.facts["key"]) == ("bad-suppliers", key)


def test_a_name_that_stands_twice_is_refused() -> None:
    with pytest.raises(Mistake, match="stands twice"):
        read_suppliers(FILE + FILE)


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(Mistake):
        read_suppliers("[[supplier]]\n" + text)


def test_spelling_keeps_everything() -> None:
    for supplier in (OWN, make_supplier(owner=(AMERICAN,)), *read_suppliers(FILE)):
        assert parse_supplier(spell_supplier(supplier)) == supplier


def test_an_american_owner_opens_the_cloud_act_and_the_cut_off() -> None:
    found = exposure(make_supplier(owner=(AMERICAN,)), DAY)
    assert {one.risk for one in found} == {"access", "cut-off"}
    assert any("CLOUD Act" in one.law and one.reasons == ("owner Example Capital LLC",) for one in found)


def test_a_european_chain_with_known_absence_is_exposed_to_nothing() -> None:
    assert exposure(make_supplier(), DAY) == ()
    assert exposure(OWN, DAY) == ()
    assert {one.reasons for one in exposure(make_supplier(us_presence=None), DAY)} == {("presence in the US unknown",)}


def test_a_country_without_a_named_law_is_told_too() -> None:
    assert [one.law for one in exposure(Supplier("x", "x", seat="BR", us_presence=False), DAY)] == ["the law of BR"]

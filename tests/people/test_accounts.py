"""Accounts: added once, found by address, closed and reopened."""

import pytest
from django.db import transaction

from tests.ground.databases import Database
from tests.people.conftest import Clock
from zegel.errors import Mistake, NotFound
from zegel.parcels.identifiers import checked
from zegel.people import models
from zegel.people.accounts import SqlPeople

ZORG = "zorg@voorbeeld.example"
PASSWORD = "lang genoeg wachtwoord"


def add(people: SqlPeople, address: str = ZORG, password: str | None = PASSWORD, name: str = "Afdeling Zorg"):
    with transaction.atomic():
        return people.add(address, name, password)


def test_an_account_is_found_by_its_address(people: SqlPeople) -> None:
    made = add(people)
    assert (made.address, made.name, made.active) == (ZORG, "Afdeling Zorg", True)
    assert checked(made.account) == made.account
    assert people.find(ZORG) == made
    assert people.find(" zorg@VOORBEELD.example ") == made
    assert people.accounts() == [made]


def test_the_domain_has_no_case_and_the_local_part_has(people: SqlPeople) -> None:
    add(people)
    with pytest.raises(Mistake) as refused:
        add(people, "zorg@Voorbeeld.EXAMPLE")
    assert refused.value.kind == "account-exists"
    other = add(people, "Zorg@voorbeeld.example")
    assert [actor.address for actor in people.accounts()] == sorted([other.address, ZORG])


@pytest.mark.parametrize("address", ["zorg", "zorg@", "zorg@voorbeeld.example\r\nBcc: x@y", "", "@voorbeeld.example"])
def test_what_is_no_address_is_neither_added_nor_found(people: SqlPeople, address: str) -> None:
    with pytest.raises(Mistake):
        add(people, address)
    with pytest.raises(NotFound) as unknown:
        people.find(address)
    assert unknown.value.kind == "unknown-account"


@pytest.mark.parametrize("name", ["x" * 201, "Afdeling\x00Zorg", "Afdeling \u202egroZ"])
def test_a_name_is_one_plain_line(people: SqlPeople, name: str) -> None:
    with pytest.raises(Mistake) as refused:
        add(people, name=name)
    assert refused.value.kind == "bad-name"


def test_writing_outside_a_transaction_is_refused(sqlite: Database, clock: Clock) -> None:
    people = SqlPeople(clock)
    for write in (
        lambda: people.add(ZORG, "", None),
        lambda: people.new_token(ZORG, ""),
        lambda: people.set_password(ZORG, PASSWORD),
        lambda: people.deactivate(ZORG),
        lambda: people.activate(ZORG),
        lambda: people.revoke_token(ZORG, 1),
    ):
        with pytest.raises(AssertionError):
            write()


def test_changing_an_unknown_account_is_not_found(people: SqlPeople) -> None:
    for change in (
        lambda: people.deactivate(ZORG),
        lambda: people.activate(ZORG),
        lambda: people.set_password(ZORG, PASSWORD),
        lambda: people.new_token(ZORG, "kantoor"),
        lambda: people.revoke_token(ZORG, 1),
        lambda: people.tokens(ZORG),
    ):
        with pytest.raises(NotFound) as unknown, transaction.atomic():
            change()
        assert unknown.value.kind == "unknown-account"


def test_a_closed_account_is_found_as_closed(people: SqlPeople) -> None:
    add(people)
    with transaction.atomic():
        people.deactivate(ZORG)
    assert people.find(ZORG).active is False
    with transaction.atomic():
        people.activate(ZORG)
    assert people.find(ZORG).active is True


def test_the_stamp_follows_the_password_and_does_not_tell_it(people: SqlPeople) -> None:
    before = add(people)
    assert people.find(ZORG).stamp == before.stamp
    with transaction.atomic():
        people.set_password(ZORG, PASSWORD)
    after = people.find(ZORG)
    assert after.stamp != before.stamp
    assert after.stamp not in models.Account.objects.get(address=ZORG).password
    assert before.stamp not in repr(before)


def test_an_account_is_an_officer_from_when_it_is_said_until_it_is_taken_back(people: SqlPeople) -> None:
    with transaction.atomic():
        assert not people.add("ciso@voorbeeld.example", "CISO", None).officer
        people.set_officer("ciso@voorbeeld.example", True)
    assert people.find("ciso@voorbeeld.example").officer
    with transaction.atomic():
        people.set_officer("ciso@voorbeeld.example", False)
        with pytest.raises(NotFound):
            people.set_officer("niemand@voorbeeld.example", True)
    assert not people.find("ciso@voorbeeld.example").officer

"""Who may send as whom."""

import pytest
from django.db import transaction

from tests.people.test_accounts import ZORG, add
from zegel.errors import Mistake, NotFound
from zegel.people.accounts import SqlPeople

TEAM = "loket@voorbeeld.example"


def allow(people: SqlPeople, other: str = TEAM, name: str = "Loket") -> None:
    with transaction.atomic():
        people.allow(ZORG, other, name)


def test_an_account_stands_for_whom_it_was_allowed_to(people: SqlPeople) -> None:
    made = add(people)
    assert people.standing_for(made.account, TEAM) is None
    allow(people)
    shown = people.standing_for(made.account, "Loket@Voorbeeld.example")
    assert shown is not None
    assert (shown.account, shown.address, shown.name) == (made.account, TEAM, "Loket")
    allow(people, name="")
    renamed = people.standing_for(made.account, TEAM)
    assert renamed is not None
    assert renamed.name == made.name
    assert people.rights(ZORG) == [(TEAM, "")]


def test_a_right_is_one_accounts_and_ends(people: SqlPeople) -> None:
    made, other = add(people), add(people, "ander@voorbeeld.example")
    allow(people)
    assert people.standing_for(other.account, TEAM) is None
    with transaction.atomic():
        people.disallow(ZORG, TEAM)
    assert people.standing_for(made.account, TEAM) is None
    with pytest.raises(NotFound) as unknown, transaction.atomic():
        people.disallow(ZORG, TEAM)
    assert unknown.value.kind == "unknown-right"


def test_a_closed_account_stands_for_nobody(people: SqlPeople) -> None:
    made = add(people)
    allow(people)
    with transaction.atomic():
        people.deactivate(ZORG)
    assert people.standing_for(made.account, TEAM) is None


@pytest.mark.parametrize("other", ["", "x", "a@b\r\nBcc: c@d"])
def test_only_addresses_are_allowed(people: SqlPeople, other: str) -> None:
    add(people)
    with pytest.raises(Mistake):
        allow(people, other)
    with pytest.raises(NotFound), transaction.atomic():
        people.allow("niemand@voorbeeld.example", TEAM, "")

"""Tokens: shown once, kept as a digest, useless when revoked."""

import re

import pytest
from django.db import connection, transaction

from tests.people.conftest import Clock
from tests.people.test_accounts import ZORG, add
from zegel.errors import Denied, Mistake, NotFound
from zegel.people.accounts import SqlPeople


def new_token(people: SqlPeople, label: str = "zaaksysteem") -> str:
    with transaction.atomic():
        return people.new_token(ZORG, label)


def fails(people: SqlPeople, token: str) -> str:
    with pytest.raises(Denied) as refused:
        people.by_token(token)
    assert refused.value.kind == "bad-token"
    assert not token or token not in str(refused.value)
    return str(refused.value)


def test_a_token_opens_its_account(people: SqlPeople) -> None:
    made = add(people)
    token = new_token(people)
    assert re.fullmatch(r"zgl_[A-Za-z0-9_-]{43}", token)
    assert people.by_token(token) == made
    assert new_token(people) != token


def test_who_stays_connected_is_let_in_as_long_as_what_was_shown_is_good(people: SqlPeople) -> None:
    add(people)
    by_password, by_token, by_other = (
        people.find(ZORG),
        people.by_token(new_token(people)),
        people.by_token(new_token(people)),
    )
    with transaction.atomic():
        people.revoke_token(ZORG, people.tokens(ZORG)[0].token)
    assert [people.is_current(actor) for actor in (by_password, by_token, by_other)] == [True, False, True]
    with transaction.atomic():
        people.deactivate(ZORG)
    assert not people.is_current(by_password)
    assert not people.is_current(by_other)
    with transaction.atomic():
        people.activate(ZORG)
    assert people.is_current(by_password)
    with transaction.atomic():
        people.set_password(ZORG, "een heel ander wachtwoord")
    assert not people.is_current(by_password)
    assert people.is_current(people.find(ZORG))
    assert not people.is_current("somebody else's kind of actor")


def test_every_no_is_the_same(people: SqlPeople) -> None:
    add(people)
    token, revoked = new_token(people), new_token(people)
    with transaction.atomic():
        people.revoke_token(ZORG, people.tokens(ZORG)[1].token)
    others = [
        "",
        "zgl_",
        token[:-1],
        token + "A",
        token.upper(),
        "zgl_" + "A" * 43,
        revoked,
        "\0" * 47,
        "zgl_" + "\ud800" * 43,
        token + "\n",
    ]
    assert len({fails(people, other) for other in others}) == 1
    with transaction.atomic():
        people.deactivate(ZORG)
    fails(people, token)
    with transaction.atomic():
        people.activate(ZORG)
    people.by_token(token)
    fails(people, revoked)


def test_the_token_itself_is_kept_nowhere(people: SqlPeople) -> None:
    add(people)
    token = new_token(people)
    people.by_token(token)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM token")
        assert token not in str(cursor.fetchall())
        assert token[4:] not in str(people.tokens(ZORG))


def test_use_is_noted_by_the_hour(people: SqlPeople, clock: Clock) -> None:
    add(people)
    token = new_token(people, "  zaaksysteem\tproductie ")
    (facts,) = people.tokens(ZORG)
    assert (facts.label, facts.created, facts.last_used, facts.revoked) == (
        "zaaksysteem productie",
        clock.now,
        None,
        None,
    )
    people.by_token(token)
    clock.wait(minutes=20)
    people.by_token(token)
    assert people.tokens(ZORG)[0].last_used == clock.now.replace(minute=0)
    clock.wait(hours=2)
    people.by_token(token)
    assert people.tokens(ZORG)[0].last_used == clock.now.replace(minute=0)


def test_a_token_is_revoked_by_its_own_account_only(people: SqlPeople, clock: Clock) -> None:
    add(people)
    add(people, "belastingen@voorbeeld.example")
    token = new_token(people)
    number = people.tokens(ZORG)[0].token
    with pytest.raises(NotFound) as unknown, transaction.atomic():
        people.revoke_token("belastingen@voorbeeld.example", number)
    assert unknown.value.kind == "unknown-token"
    people.by_token(token)
    for _ in range(2):
        with transaction.atomic():
            people.revoke_token(ZORG, number)
        clock.wait(hours=1)
    assert people.tokens(ZORG)[0].revoked is not None
    assert people.tokens(ZORG)[0].revoked < clock.now
    fails(people, token)


def test_a_label_is_short(people: SqlPeople) -> None:
    add(people)
    with pytest.raises(Mistake):
        new_token(people, "x" * 101)


def test_a_note_of_use_that_cannot_be_made_keeps_nobody_out(people: SqlPeople) -> None:
    add(people)
    token = new_token(people)
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA query_only = ON")
        else:
            cursor.execute("ALTER DATABASE zegel SET default_transaction_read_only = on")
            connection.close_pool()
    try:
        assert people.by_token(token).address == ZORG
        assert people.tokens(ZORG)[0].last_used is None
    finally:
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute("PRAGMA query_only = OFF")
            else:
                cursor.execute("SET default_transaction_read_only = off")
                cursor.execute("ALTER DATABASE zegel RESET default_transaction_read_only")

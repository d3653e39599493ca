"""Logging in with a password: one answer for every no, the same work, and pauses that grow."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.hashers import ScryptPasswordHasher
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tests.people.conftest import Clock
from tests.people.test_accounts import PASSWORD, ZORG, add
from zegel.errors import Denied, Mistake, NotFound
from zegel.people import models
from zegel.people.accounts import SqlPeople
from zegel.people.credentials import LONGEST_PASSWORD, SHORTEST_PASSWORD, Passwords, pause_after


def fails(people: SqlPeople, password: str = "verkeerd wachtwoord", address: str = ZORG) -> str:
    with pytest.raises(Denied) as refused:
        people.by_password(address, password)
    assert refused.value.kind == "bad-login"
    return str(refused.value)


def test_the_right_password_logs_in(people: SqlPeople) -> None:
    made = add(people)
    assert people.by_password(ZORG, PASSWORD) == made
    assert people.by_password("zorg@VOORBEELD.example", PASSWORD) == made


def test_every_no_is_the_same(people: SqlPeople) -> None:
    add(people)
    add(people, "gesloten@voorbeeld.example")
    add(people, "programma@voorbeeld.example", password=None)
    with transaction.atomic():
        people.deactivate("gesloten@voorbeeld.example")
    answers = {
        fails(people),
        fails(people, address="niemand@voorbeeld.example"),
        fails(people, PASSWORD, "gesloten@voorbeeld.example"),
        fails(people, "", "programma@voorbeeld.example"),
        fails(people, PASSWORD, "programma@voorbeeld.example"),
        fails(people, PASSWORD, "dit is geen adres"),
        fails(people, "x" * (LONGEST_PASSWORD + 1)),
        fails(people, ""),
        fails(people, "\ud800" * 20),
        fails(people, PASSWORD, "\ud800@voorbeeld.example"),
    }
    assert len(answers) == 1


def test_every_no_costs_one_hash(people: SqlPeople, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not timed: counted. An answer that comes without the hash tells that there is no such account."""
    add(people)
    add(people, "programma@voorbeeld.example", password=None)
    worked: list[str] = []
    real = ScryptPasswordHasher.verify

    def counted(self: ScryptPasswordHasher, password: str, encoded: str) -> bool:
        worked.append(encoded.split("$")[1])
        return real(self, password, encoded)

    monkeypatch.setattr(ScryptPasswordHasher, "verify", counted)
    for address in (ZORG, "niemand@voorbeeld.example", "programma@voorbeeld.example", "dit is geen adres"):
        fails(people, address=address)
        assert worked == ["2"], address
        worked.clear()
    for _ in range(9):
        fails(people)
    assert len(worked) == 9


def test_every_no_does_the_same_to_the_database(people: SqlPeople) -> None:
    """A commit waits for the disk: a no that writes nothing is some milliseconds faster, and a few hundred show it."""
    add(people)
    add(people, "pauze@voorbeeld.example")
    for _ in range(5):
        fails(people, address="pauze@voorbeeld.example")
    done = []
    for address in (ZORG, "niemand@voorbeeld.example", "pauze@voorbeeld.example", "dit is geen adres"):
        with CaptureQueriesContext(connection) as queries:
            fails(people, address=address)
        done.append([query["sql"].split()[0] for query in queries])
    assert done[0] == done[1] == done[2] == done[3]
    assert "UPDATE" in done[0]


def test_nobody_is_no_account(people: SqlPeople) -> None:
    add(people)
    fails(people, address="niemand@voorbeeld.example")
    fails(people, PASSWORD, "")
    assert [actor.address for actor in people.accounts()] == [ZORG]
    with pytest.raises(NotFound):
        people.find("")


def test_wrong_tries_bring_a_pause_in_which_even_the_right_one_fails(people: SqlPeople, clock: Clock) -> None:
    add(people)
    for _ in range(4):
        fails(people)
    people.by_password(ZORG, PASSWORD)
    for _ in range(5):
        fails(people)
    fails(people, PASSWORD)
    clock.wait(seconds=14)
    fails(people, PASSWORD)
    clock.wait(seconds=1)
    people.by_password(ZORG, PASSWORD)
    assert models.Account.objects.get(address=ZORG).tries == 0


def test_pauses_grow_to_a_quarter_of_an_hour() -> None:
    seconds = [pause.total_seconds() if (pause := pause_after(tries)) else 0 for tries in range(14)]
    assert seconds == [0, 0, 0, 0, 0, 15, 30, 60, 120, 240, 480, 900, 900, 900]
    assert pause_after(10**9) == pause_after(13)


def test_a_new_password_ends_the_pause(people: SqlPeople) -> None:
    add(people)
    for _ in range(5):
        fails(people)
    with transaction.atomic():
        people.set_password(ZORG, "een ander lang wachtwoord")
    people.by_password(ZORG, "een ander lang wachtwoord")
    fails(people, PASSWORD)


def test_simultaneous_guesses_are_counted_one_by_one(people: SqlPeople) -> None:
    """The attack: guess a hundred at once, so that all are judged before the first is counted."""
    add(people)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: fails(people), range(20)))
    assert models.Account.objects.get(address=ZORG).tries == 5


def test_a_login_inside_a_transaction_is_refused(people: SqlPeople) -> None:
    """Its count would vanish with the transaction that the refusal rolls back."""
    add(people)
    for password in (PASSWORD, "verkeerd wachtwoord"):
        with pytest.raises(RuntimeError), transaction.atomic():
            people.by_password(ZORG, password)


@pytest.mark.parametrize(
    "password", ["", "te kort", "x" * (SHORTEST_PASSWORD - 1), "x" * (LONGEST_PASSWORD + 1), "\0" * 20, "\ud800" * 20]
)
def test_a_password_has_limits(people: SqlPeople, password: str) -> None:
    with pytest.raises(Mistake) as refused:
        add(people, password=password)
    assert refused.value.kind == "bad-password"
    assert people.accounts() == []


def test_a_password_is_kept_as_scrypt_and_strengthened_at_login(people: SqlPeople, clock: Clock) -> None:
    add(people)
    assert models.Account.objects.get(address=ZORG).password.startswith("scrypt$2$")
    stronger = SqlPeople(clock, Passwords(work_factor=4))
    logged_in = stronger.by_password(ZORG, PASSWORD)
    assert models.Account.objects.get(address=ZORG).password.startswith("scrypt$4$")
    assert stronger.find(ZORG).stamp == logged_in.stamp


def test_real_work_is_the_default() -> None:
    assert Passwords().new_hash(PASSWORD).startswith(f"scrypt${2**14}$")

"""What an administrator does when somebody comes, loses a laptop, and leaves."""

import json
import smtplib

import pytest

from tests.cli.conftest import Zegel

pytestmark = pytest.mark.slow

ANS = "a.bakker@voorbeeld.example"
FIRST, SECOND = "een eerste wachtwoord", "een tweede wachtwoord"


def add(zegel: Zegel, address: str) -> str:
    """Add an account, and give its token."""
    done = zegel.run("user", "add", address, "--name", "Ans Bakker", stdin=FIRST + "\n")
    assert done.code == 0, done.err
    return done.out.strip()


def may_mail(zegel: Zegel, address: str, secret: str) -> bool:
    with smtplib.SMTP("127.0.0.1", zegel.port + 2) as client:
        try:
            client.login(address, secret)
        except smtplib.SMTPAuthenticationError:
            return False
        return True


def may_ask(zegel: Zegel, token: str) -> bool:
    done = zegel.run("status", "--server", zegel.url, env={"ZEGEL_TOKEN": token})
    assert done.code in (0, 3), done.err
    return done.code == 0


def events(zegel: Zegel) -> list[str]:
    return [json.loads(line)["event"] for line in zegel.run("audit", "show").out.splitlines()]


def test_a_password_that_is_set_anew(zegel: Zegel) -> None:
    add(zegel, ANS)
    assert may_mail(zegel, ANS, FIRST)
    assert zegel.run("user", "password", ANS, stdin=SECOND + "\n").code == 0
    assert not may_mail(zegel, ANS, FIRST)
    assert may_mail(zegel, ANS, SECOND)
    assert events(zegel)[-1] == "password:set"
    short = zegel.run("user", "password", ANS, stdin="kort\n")
    assert (short.code, short.out) == (1, "")
    assert may_mail(zegel, ANS, SECOND)


def test_a_token_that_is_taken_back(zegel: Zegel) -> None:
    address = "laptop@voorbeeld.example"
    first = add(zegel, address)
    second = zegel.run("token", address, "--label", "laptop").out.strip()
    assert may_ask(zegel, second)
    listed = zegel.run("user", "tokens", address).out
    one, two = listed.splitlines()
    assert "first" in one
    assert "never used" in one
    assert "laptop" in two
    assert "last used 20" in two
    assert first not in listed
    assert second not in listed
    number = two.split()[0]
    assert zegel.run("user", "revoke-token", address, number).code == 0
    assert not may_ask(zegel, second)
    assert may_ask(zegel, first)
    assert "revoked 20" in zegel.run("user", "tokens", address).out.splitlines()[1]
    told = events(zegel)
    assert told[-1] == "token:revoked"
    assert zegel.run("user", "revoke-token", address, number).code == 0
    assert events(zegel) == told
    assert zegel.run("user", "revoke-token", ANS.replace("a.", "b."), number).code == 4
    assert zegel.run("user", "revoke-token", address, "999999").code == 4


def test_an_account_that_is_closed_and_opened_again(zegel: Zegel) -> None:
    address = "weg@voorbeeld.example"
    token = add(zegel, address)
    assert zegel.run("user", "close", address).code == 0
    assert not may_mail(zegel, address, FIRST)
    assert not may_mail(zegel, address, token)
    assert not may_ask(zegel, token)
    assert f"{address}  Ans Bakker  (closed)" in zegel.run("user", "list").out.splitlines()
    assert zegel.run("user", "close", address).code == 0
    assert zegel.run("user", "reopen", address).code == 0
    assert may_mail(zegel, address, FIRST)
    assert may_ask(zegel, token)
    assert events(zegel)[-2:] == ["account:closed", "account:reopened"]


@pytest.mark.parametrize(
    "arguments", [["close"], ["reopen"], ["password"], ["tokens"], ["revoke-token", "1"]], ids=lambda one: one[0]
)
def test_nobody_of_that_name(zegel: Zegel, arguments: list[str]) -> None:
    verb, *more = arguments
    done = zegel.run("user", verb, "niemand@voorbeeld.example", *more, stdin=FIRST + "\n")
    assert (done.code, done.out) == (4, "")
    assert done.err == "zegel: There is no account with this address.\n"

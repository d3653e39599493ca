"""What the tests of this room start from."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.ground.databases import Database
from zegel.people.accounts import SqlPeople
from zegel.people.credentials import Passwords


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 9, 14, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def wait(self, **period: int) -> None:
        self.now += timedelta(**period)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def people(database: Database, clock: Clock) -> SqlPeople:
    """Accounts on an empty database; passwords are hashed with little work, so that tests are quick."""
    return SqlPeople(clock, Passwords(work_factor=2))

"""What the tests of this room start from."""

import pytest

from tests.ground.databases import Database
from zegel.records.sql import SqlRecords


@pytest.fixture
def records(database: Database) -> SqlRecords:
    """Records on an empty database, once on SQLite and once on PostgreSQL."""
    return SqlRecords()

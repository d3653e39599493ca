"""What the tests of this room start from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ground.databases import Database
from tests.ground.house import Ground, make_house
from tests.web.ground import Web, opened


@pytest.fixture
def ground(tmp_path: Path, database: Database) -> Ground:
    """A house on an empty database, once on SQLite and once on PostgreSQL."""
    return make_house(tmp_path)


@pytest.fixture
def web(ground: Ground) -> Iterator[Web]:
    """The door, open."""
    with opened(ground) as found:
        yield found


@pytest.fixture
def quick(tmp_path: Path, sqlite: Database) -> Iterator[Web]:
    """The door on SQLite alone, for what no database can change."""
    with opened(make_house(tmp_path)) as found:
        yield found

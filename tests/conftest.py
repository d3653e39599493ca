"""The ground that tests stand on: a database of each kind, fresh for every test.

``database``   a fixture with two parameters, ``sqlite`` and ``postgres``: every test that asks for it runs on both. It
               is a :class:`tests.ground.databases.Database`; Django's ``default`` connection is it, migrated and empty.

How one Django process comes to have two databases: settings are configured once, with the SQLite entry; for every test
the *entry* of ``default`` in ``connections.settings`` is replaced, after this thread's connection and the pool have
been closed. Django builds a connection from that entry when a thread first asks for one. So: threads that a test starts
must end with it. Child processes get the database by its URL (``Database.run``).

SQLite: a migrated file is copied for every test. PostgreSQL: one throw-away cluster per test process (each xdist
worker has its own: no port, a unix socket in a temporary folder, fsync off), migrated once, emptied before each test.
A machine without PostgreSQL's server programs skips with a reason; with ``CI`` in the environment that is a failure.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.ground import databases
from tests.ground.dns import Dns, running_dns
from tests.ground.mail_names import ZONES

databases.configure_django()

settings.register_profile(
    "zegel",
    # No measurement: an example that is slow because the machine is busy is no failure.
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    # CI judges a change, by the same examples each time; new ones are looked for by hand (ZEGEL_EXAMPLES=10000).
    derandomize=bool(os.environ.get("CI")),
    max_examples=int(os.environ.get("ZEGEL_EXAMPLES", "100")),
)
settings.load_profile("zegel")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever asks for PostgreSQL by itself is marked as ``database``'s second parameter is."""
    for item in items:
        if {"postgres", "postgres_cluster"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("postgres")


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return databases.make_sqlite_template(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[databases.Cluster]:
    """A running throw-away PostgreSQL; ``url(name)`` names a database in it. Skips where there is none."""
    yield from databases.running_cluster()


@pytest.fixture(scope="session")
def _postgres_url(postgres_cluster: databases.Cluster) -> str:
    return databases.make_postgres_database(postgres_cluster)


@pytest.fixture
def sqlite(tmp_path: Path, _sqlite_template: Path) -> Iterator[databases.Database]:
    """Only SQLite, for what is about SQLite alone."""
    yield from databases.fresh_sqlite(_sqlite_template, tmp_path)


@pytest.fixture
def postgres(_postgres_url: str) -> Iterator[databases.Database]:
    """Only PostgreSQL, for what is about PostgreSQL alone."""
    yield from databases.fresh_postgres(_postgres_url)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest) -> databases.Database:
    """The test's database: once SQLite, once PostgreSQL."""
    found: databases.Database = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="session")
def names(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dns]:
    """A validating resolver before a private root, with mail domains of every kind (``ground.mail_names``)."""
    with running_dns(tmp_path_factory.mktemp("dns"), ZONES) as found:
        yield found

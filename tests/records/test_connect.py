"""A database URL becomes what Django needs, and a database is brought up to date."""

from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection, connections

from tests.ground import databases
from tests.ground.databases import Database
from zegel.errors import Mistake
from zegel.records import connect
from zegel.records.sql import SqlRecords


def test_a_path_becomes_a_url_and_a_path_again() -> None:
    for path in (Path("/srv/zegel/zegel.db"), Path("/srv/met spatie/50%/é?#.db")):
        entry = connect.database(connect.sqlite_url(path))
        assert (entry["ENGINE"], entry["NAME"]) == ("django.db.backends.sqlite3", str(path))


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("postgresql://zegel@db.example:5433/post", ("post", "zegel", "", "db.example", "5433")),
        ("postgres://zegel:ge%2Fheim@db.example/post", ("post", "zegel", "ge/heim", "db.example", "")),
        ("postgresql:///post?host=/run/postgresql", ("post", "", "", "/run/postgresql", "")),
        ("postgresql://zegel@/post?host=/run/postgresql&port=5433", ("post", "zegel", "", "/run/postgresql", "5433")),
    ],
)
def test_postgresql_is_reached_as_libpq_would(url: str, wanted: tuple[str, ...]) -> None:
    entry = connect.database(url)
    assert tuple(entry[name] for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT")) == wanted


def test_other_settings_of_libpq_are_kept() -> None:
    options = connect.database("postgresql://db.example/post?sslmode=verify-full&options=-c%20work_mem%3D8MB", pool=7)[
        "OPTIONS"
    ]
    assert options["sslmode"] == "verify-full"
    assert options["options"].endswith("-c work_mem=8MB")
    assert options["pool"]["max_size"] == 7


@pytest.mark.parametrize(
    "url",
    [
        "",
        "geheim",
        "sqlite://",
        "sqlite:///",
        "sqlite://host/geheim.db",
        "sqlite:///a.db?mode=ro",
        "mysql://root:geheim@db/zegel",
        "postgresql://zegel:geheim@db",
        "postgresql://zegel:geheim@db:x/zegel",
        "postgresql://zegel:geheim@db/zegel?geheim=1",
    ],
)
def test_a_bad_url_is_refused_and_not_repeated(url: str) -> None:
    """It may hold a password, and errors end up in logs."""
    with pytest.raises(Mistake) as refused:
        connect.database(url)
    assert refused.value.kind == "bad-database-url"
    assert "geheim" not in str(refused.value)


def as_production(url: str) -> None:
    """Tests relax what waits for disks; these do not."""
    databases.leave()
    connections.settings["default"] = connections.configure_settings({"default": connect.database(url)})["default"]


def test_sqlite_is_durable_waits_and_checks_keys(sqlite: Database) -> None:
    as_production(sqlite.url)
    with connection.cursor() as cursor:
        found = {}
        for pragma in ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "busy_timeout"):
            found[pragma] = cursor.execute(f"PRAGMA {pragma}").fetchone()[0]
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "secure_delete": 1,
        "busy_timeout": 20000,
    }


def test_postgresql_is_durable_and_nobody_holds_a_lock_for_ever(postgres: Database) -> None:
    """The cluster of the tests has synchronous_commit off; a session of ours turns it on again."""
    as_production(postgres.url)
    with connection.cursor() as cursor:
        found = {}
        for name in ("synchronous_commit", "lock_timeout", "idle_in_transaction_session_timeout", "application_name"):
            found[name] = cursor.execute(f"SHOW {name}").fetchone()[0]
    assert found == {
        "synchronous_commit": "on",
        "lock_timeout": "20s",
        "idle_in_transaction_session_timeout": "1min",
        "application_name": "zegel",
    }


def test_migrating_again_changes_nothing(database: Database) -> None:
    before = SqlRecords().audit_head()
    connect.migrate()
    assert SqlRecords().audit_head() == before
    assert connection.vendor.startswith(database.kind)


_MIGRATE = """
from zegel.records import connect
print("ready", flush=True)
sys.stdin.readline()
connect.migrate()
print(records.audit_head().number)
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_processes_that_migrate_at_once_do_not_stumble(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if kind == "sqlite":
        url = connect.sqlite_url(tmp_path / "new.db")
    else:
        cluster = request.getfixturevalue("postgres_cluster")
        cluster.execute("DROP DATABASE IF EXISTS new")
        cluster.execute("CREATE DATABASE new")
        url = cluster.url("new")
    processes = [Database(kind, url).start(_MIGRATE) for _ in range(3)]
    for process in processes:
        assert process.stdout.readline() == "ready\n", process.stderr.read()
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert (process.returncode, out) == (0, "0\n"), err


def test_every_table_has_its_migration(sqlite: Database) -> None:
    call_command("makemigrations", "records", "people", check_changes=True, dry_run=True, verbosity=0)

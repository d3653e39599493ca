"""Databases for tests; ``tests/conftest.py`` tells how one Django process comes to have two."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote

import django
import pytest
from django.conf import settings
from django.db import connections

from zegel.records import connect

ROOT = Path(__file__).resolve().parents[2]
_TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
_INSTALLED = ["django.contrib.sessions", "zegel.records", "zegel.people"]


@dataclass(frozen=True)
class Database:
    """One test's database. ``kind`` is ``sqlite`` or ``postgres``; ``url`` is what a configuration would hold."""

    kind: str
    url: str

    def start(self, script: str, *arguments: object) -> "subprocess.Popen[str]":
        """Start Python code in a process of its own, with Django on this database and ``records`` (SqlRecords) there.

        The code finds ``arguments`` in ``sys.argv[1:]``; stdin, stdout and stderr are pipes of text.
        """
        command = [sys.executable, "-c", _PRELUDE + script, *map(str, arguments)]
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "ZEGEL_TEST_DATABASE": self.url},
        )

    def run(self, script: str, *arguments: object) -> str:
        """Run :meth:`start` to its end and return what it printed; fails the test when it fails."""
        process = self.start(script, *arguments)
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        return out

    @contextmanager
    def may_break_the_chain(self) -> Iterator[None]:
        """Let this test alter the audit chain, as whoever owns the database can: the triggers are off inside."""
        from django.db import connection

        names = ("audit_entry_update", "audit_entry_delete", "audit_entry_replace")
        with connection.cursor() as cursor:
            if self.kind == "sqlite":
                cursor.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger'")
                kept = [row[0] for row in cursor.fetchall()]
                for name in names:
                    cursor.execute(f"DROP TRIGGER {name}")
            else:
                cursor.execute("ALTER TABLE audit_entry DISABLE TRIGGER USER")
        yield
        with connection.cursor() as cursor:
            if self.kind == "sqlite":
                for statement in kept:
                    cursor.execute(statement)
            else:
                cursor.execute("ALTER TABLE audit_entry ENABLE TRIGGER USER")


_PRELUDE = """
import os, sys
from tests.ground import databases
databases.configure_django(os.environ["ZEGEL_TEST_DATABASE"])
from zegel.records.sql import SqlRecords
records = SqlRecords()
"""


def configure_django(url: str = "sqlite:///nowhere/until/a/test/asks.db") -> None:
    """Give Django its settings, once per process; what a room's tests need besides is theirs to override."""
    if settings.configured:
        return
    settings.configure(
        DATABASES={"default": entry(url)},
        INSTALLED_APPS=_INSTALLED,
        SECRET_KEY="for tests",
        USE_TZ=True,
        TIME_ZONE="UTC",
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    )
    django.setup()


def entry(url: str) -> dict[str, Any]:
    """The entry that production uses, without waiting for disks: a test's database need not outlive the power."""
    made = connect.database(url)
    options = made["OPTIONS"]
    if url.startswith("sqlite"):
        options["init_command"] += ";PRAGMA synchronous=OFF"
    else:
        options["options"] += " -c synchronous_commit=off"
    return made


def switch(url: str) -> None:
    """Make ``default`` another database: close what is open, replace the entry, forget this thread's connection."""
    leave()
    connections.settings["default"] = connections.configure_settings({"default": entry(url)})["default"]


def leave() -> None:
    """Close this thread's connection and the process's pool."""
    current = connections["default"]
    current.close()
    if current.vendor == "postgresql" and current.alias in current._connection_pools:
        current.close_pool()
    del connections["default"]


# SQLite ---------------------------------------------------------------------------------------------------------------


def make_sqlite_template(folder: Path) -> Path:
    """Return a migrated, empty database file."""
    path = folder / "template.db"
    switch(connect.sqlite_url(path))
    connect.migrate()
    leave()
    return path


def fresh_sqlite(template: Path, folder: Path) -> Iterator[Database]:
    """A copy of the template for one test."""
    path = folder / "zegel.db"
    shutil.copyfile(template, path)
    url = connect.sqlite_url(path)
    switch(url)
    yield Database("sqlite", url)
    leave()


# PostgreSQL -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cluster:
    """A running PostgreSQL server on a unix socket in ``folder``."""

    programs: Path
    folder: Path

    def url(self, name: str) -> str:
        return f"postgresql://zegel@/{name}?host={quote(str(self.folder))}"

    def execute(self, statement: str, name: str = "postgres") -> None:
        """Run one statement as the cluster's owner, outside any transaction."""
        import psycopg

        with psycopg.connect(self.url(name), autocommit=True) as connection:
            connection.execute(statement.encode())


def postgres_programs() -> Path | None:
    """Where initdb and postgres are: on the PATH, or where Debian keeps the newest."""
    found = shutil.which("initdb")
    if found and (Path(found).parent / "postgres").exists():
        return Path(found).parent
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return places[-1].parent if places else None


def running_cluster(durable: bool = False) -> Iterator[Cluster]:
    """Start a throw-away cluster, yield it, stop it. Unless ``durable``, nobody waits for a disk."""
    programs = postgres_programs()
    if programs is None:
        missing("the server programs of PostgreSQL (Debian: apt-get install postgresql)")
    # Not pytest's own temporary folder: a socket's path has at most 107 bytes, and root's folders are closed to others.
    with tempfile.TemporaryDirectory(prefix="zegel-pg-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        as_owner = _unprivileged(folder)
        data = folder / "data"
        _check(
            [
                *as_owner,
                programs / "initdb",
                "-D",
                data,
                "-U",
                "zegel",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "-N",
            ]
        )
        quick = [] if durable else ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off"]
        options = [f"-c{option}" for option in ("listen_addresses=", "max_wal_size=2GB", *quick)]
        with (folder / "log").open("w") as log:
            server = subprocess.Popen(
                [*as_owner, programs / "postgres", "-D", data, "-k", folder, *options], stdout=log, stderr=log, cwd="/"
            )
        try:
            _wait_until_ready(folder, server)
            yield Cluster(programs, folder)
        finally:
            server.send_signal(signal.SIGQUIT)
            server.wait()


def _wait_until_ready(folder: Path, server: "subprocess.Popen[bytes]") -> None:
    """As ``pg_ctl --wait`` does: the last line of this file tells."""
    told, until = folder / "data/postmaster.pid", time.monotonic() + 120
    while not (told.exists() and told.read_text().rstrip().endswith("ready")):
        if server.poll() is not None or time.monotonic() > until:
            raise AssertionError((folder / "log").read_text())
        time.sleep(0.02)


def make_postgres_database(cluster: Cluster) -> str:
    """Make and migrate this process's database; returns its URL."""
    cluster.execute("CREATE DATABASE zegel")
    url = cluster.url("zegel")
    switch(url)
    connect.migrate()
    leave()
    return url


def fresh_postgres(url: str) -> Iterator[Database]:
    """The process's database, emptied. Before the test, not after: a test that died leaves its rows to look at."""
    empty_postgres(url)
    switch(url)
    yield Database("postgres", url)
    leave()


def empty_postgres(url: str) -> None:
    """Delete all rows in one round trip; connections that a former test left behind are ended first."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                           " AND datname = current_database()")  # fmt: skip
        tables = [name for (name,) in connection.execute(_TABLES.encode()) if name != "django_migrations"]
        # As a replica, triggers stay silent: those that guard the chain, and those of foreign keys.
        statements = ["SET session_replication_role = replica"]
        statements += [f'DELETE FROM "{name}"' for name in tables]
        # What migrations wrote.
        statements += ["INSERT INTO audit_head VALUES (1, 0, repeat('0', 64))"]
        statements += ["INSERT INTO account (account, address, name, password, active, created, tries)"
                       " VALUES ('nobody', '', '', '', false, 'epoch', 0)"]  # fmt: skip
        connection.execute(";".join(statements).encode())


def missing(what: str) -> NoReturn:
    """Skip for lack of a tool; in CI that is a failure, or nobody would notice that half the tests do not run."""
    if os.environ.get("CI"):
        pytest.fail(f"CI lacks {what}")
    pytest.skip(f"this machine lacks {what}")


def _unprivileged(folder: Path) -> list[str]:
    """PostgreSQL refuses to run as root: become somebody else, who then owns the folder.

    And whatever ends the tests, SIGKILL too, ends the server with them (``prctl(PR_SET_PDEATHSIG)``).
    """
    if os.geteuid() != 0:
        return ["setpriv", "--pdeathsig=QUIT", "--"] if shutil.which("setpriv") else []
    import pwd

    user = next((u for u in ("postgres", "nobody") if any(entry.pw_name == u for entry in pwd.getpwall())), None)
    tool = shutil.which("setpriv")
    if user is None or tool is None:
        missing("setpriv and a user who is not root, to run PostgreSQL")
    facts = pwd.getpwnam(user)
    os.chown(folder, facts.pw_uid, facts.pw_gid)
    return [tool, f"--reuid={facts.pw_uid}", f"--regid={facts.pw_gid}", "--clear-groups", "--pdeathsig=QUIT", "--"]


def _check(command: list[str | Path]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stdout + done.stderr


def dump(database: Database) -> bytes:
    """Everything that the database's owner sees, byte columns as they are: for asking what a thief finds."""
    found = bytearray()
    with connections["default"].cursor() as cursor:
        tables = connections["default"].introspection.table_names(cursor)
        for table in tables:
            cursor.execute(f'SELECT * FROM "{table}"')  # names come from the database itself
            for row in cursor.fetchall():
                for value in row:
                    found += bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
                    found += b"\n"
    assert found, database.kind
    return bytes(found)

"""A database URL → what Django needs, and bringing a database up to date.

``sqlite:///srv/zegel/zegel.db``                     the path is absolute
``postgresql://zegel@db.example:5432/zegel``         TCP; more as libpq has it: ``?sslmode=verify-full``
``postgresql:///zegel?host=/run/postgresql``         a unix socket
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from django.core.management import call_command
from django.db import connection

from zegel.errors import Mistake
from zegel.records.border import border

WAIT = 20
"""Seconds to wait for another writer, on both databases, before we say Unavailable."""

_PRAGMAS = (
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=FULL;"  # NORMAL may lose the last commits when the power fails, and we promised durable.
    "PRAGMA foreign_keys=ON;"
    "PRAGMA secure_delete=ON"  # A wiped slip is overwritten with zeros, not only unlinked.
)
_MIGRATIONS = 0x5A6567656C  # "Zegel": the key of the advisory lock


def sqlite_url(path: Path) -> str:
    """Return the URL of a database file."""
    return f"sqlite://{quote(str(path.absolute()))}"


def database(url: str, pool: int = 16) -> dict[str, Any]:
    """Return the Django ``DATABASES`` entry for a URL; ``pool`` is the most connections per process (PostgreSQL).

    Raises Mistake ``bad-database-url``; its text never shows the URL, which may hold a password.
    """
    scheme = urlsplit(url).scheme
    if scheme == "sqlite":
        return _sqlite(url)
    if scheme in ("postgresql", "postgres"):
        return _postgresql(url, pool)
    raise _bad_url()


def _sqlite(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    path = unquote(parts.path)
    if parts.netloc or not path.strip("/") or parts.query or parts.fragment:
        raise _bad_url()
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": "/" + path.lstrip("/"),
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            # A transaction that reads first and writes later would fail at once, whatever the timeout, when
            # another one wrote in between; taking the write lock at BEGIN makes it wait instead.
            "transaction_mode": "IMMEDIATE",
            "timeout": WAIT,
            "init_command": _PRAGMAS,
        },
    }


def _postgresql(url: str, pool: int) -> dict[str, Any]:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        facts = dict(conninfo_to_dict(url))
    except psycopg.Error:
        raise _bad_url() from None
    name, port = facts.pop("dbname", None), str(facts.get("port") or "")
    if not name or (port and not port.replace(",", "").isdecimal()):
        raise _bad_url()
    waits = (
        f"-c lock_timeout={WAIT}s "
        # A server that is set to answer before the disk has it would make a lie of our 201.
        "-c synchronous_commit=on "
        # The head of the audit chain is one row: a process that hangs while it holds it would stop everybody.
        "-c idle_in_transaction_session_timeout=60s"
    )
    options: dict[str, Any] = {
        "connect_timeout": 10,
        "application_name": "zegel",
        **{key: value for key, value in facts.items() if key not in ("user", "password", "host", "port")},
        "pool": {"min_size": 0, "max_size": pool, "timeout": 10, "max_idle": 60},
    }
    options["options"] = f"{waits} {options.get('options', '')}".strip()
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": facts.get("user") or "",
        "PASSWORD": facts.get("password") or "",
        "HOST": facts.get("host") or "",
        "PORT": port,
        # The pool keeps connections; each is tested when it is taken, so a restarted server costs nobody an error.
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
    }


def migrate() -> None:
    """Bring the configured database up to date; safe to call from many processes at once. Raises Unavailable."""
    with border(), _alone():
        call_command("migrate", interactive=False, verbosity=0)


@contextmanager
def _alone() -> Iterator[None]:
    if connection.vendor == "postgresql":
        # A session's lock: the pool must not take the connection back before it is released.
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = 0")
            cursor.execute("SELECT pg_advisory_lock(%s)", [_MIGRATIONS])
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_MIGRATIONS])
                cursor.execute("RESET lock_timeout")
        return
    path = Path(str(connection.settings_dict["NAME"]) + ".migrating")
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _bad_url() -> Mistake:
    return Mistake(
        "A database is given as sqlite:///path/to/file or postgresql://user@host:port/name.", code="bad-database-url"
    )

"""The border of the database: its errors become one of the five families, and nothing half-done stays behind."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    connection,
)
from django.db.transaction import TransactionManagementError

from zegel.errors import Damaged, Mistake, Unavailable, ZegelError

AWAY = "The database cannot be reached or is too busy. Try again later."

_SQLITE_BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_POSTGRESQL_BROKEN = ("XX001", "XX002")
"""Data corrupted, index corrupted (PostgreSQL manual, appendix A)."""
_UNDEFINED_TABLE = "42P01"
_FAILED_TRANSACTION = "25P02"


@contextmanager
def border() -> Iterator[None]:
    """Translate whatever the database raises inside; outside a transaction, also give the connection back.

    Mistake       ``conflict`` (a constraint), ``bad-value`` (what no column can hold)
    Damaged       the database says that its own content is broken
    Unavailable   everything else: later the same call may succeed

    An error inside a transaction condemns that transaction: even when somebody swallows the error, it will not commit.
    """
    try:
        yield
    except (DatabaseError, InterfaceError) as error:
        if connection.in_atomic_block:
            connection.set_rollback(True)
        raise _translated(error) from error
    finally:
        give_back()


def give_back() -> None:
    """Return the connection to the pool, unless a transaction needs it.

    A thread that ended with a connection in hand would take it to the grave: the pool never learns of it. So nobody
    holds one between calls. SQLite has no pool; its connections stay open with their thread, unless one is broken.
    """
    if connection.in_atomic_block or connection.connection is None:
        return
    if connection.settings_dict["OPTIONS"].get("pool"):
        connection.close()
    else:
        connection.close_if_unusable_or_obsolete()


def _translated(error: Exception) -> ZegelError:
    state = str(getattr(error.__cause__, "sqlstate", None) or "")
    code = getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF
    if code in _SQLITE_BROKEN or state.startswith(_POSTGRESQL_BROKEN):
        return Damaged("The database reports an error in its own content.", code="database-damaged")
    if isinstance(error, IntegrityError):
        return Mistake("Something with this name is there already.", code="conflict")
    if isinstance(error, DataError):
        return Mistake("The database cannot keep this value.", code="bad-value")
    if state == _UNDEFINED_TABLE or "no such table" in str(error):
        return Unavailable("The database has not been set up yet.", code="not-migrated")
    if state == _FAILED_TRANSACTION or isinstance(error, TransactionManagementError):
        return lost()
    # All the rest is about now, not about the call: away, busy, locked, full, deadlock, serialization, a standby
    # that takes no writes, a right that the administrator has not given yet.
    return Unavailable(AWAY, code="database-away", retry_after=10)


def lost() -> Unavailable:
    """The answer when a transaction was condemned by a step whose error somebody swallowed."""
    return Unavailable("Nothing was saved, because a step of the change failed.", code="transaction-lost")

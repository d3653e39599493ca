"""The border of the database: its errors become one of the five families, and nothing half-done stays behind."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
    connection,
)

from zegel.errors import Damaged, Mistake, Unavailable, ZegelError

AWAY = "The database cannot be reached or is too busy. Try again later."


@contextmanager
def border() -> Iterator[None]:
    """Translate whatever the database raises inside; outside a transaction, also give the connection back.

    Unavailable   away, busy, locked, full, deadlock, serialization: later the same call may succeed
    Mistake       ``conflict`` (a constraint), ``bad-value`` (what no column can hold)
    Damaged       the database says that its own content is broken

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
    cause = error.__cause__
    state = getattr(cause, "sqlstate", None) or ""
    match error:
        case IntegrityError():
            return Mistake("Something with this name is there already.", code="conflict")
        case OperationalError() | InterfaceError() if "no such table" in str(error):
            return _not_migrated()
        case OperationalError() | InterfaceError():
            return Unavailable(AWAY, code="database-away", retry_after=10)
        case DataError():
            return Mistake("The database cannot keep this value.", code="bad-value")
        case ProgrammingError() if state == "42P01":
            return _not_migrated()
    return Damaged("The database reports an error in its own content.", code="database-damaged")


def _not_migrated() -> Unavailable:
    return Unavailable("The database has not been set up yet.", code="not-migrated")

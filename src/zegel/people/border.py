"""The border of the database for this room. ``records`` has its own: rooms of one floor do not see each other."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, connection

from zegel.errors import Mistake, Unavailable


@contextmanager
def border() -> Iterator[None]:
    """Translate database errors; give the connection back when no transaction needs it.

    Raises Unavailable ``database-away``, Mistake ``conflict`` or ``bad-value``. An error condemns its transaction.
    """
    try:
        yield
    except IntegrityError as error:
        _condemn()
        raise Mistake("Something with this name is there already.", code="conflict") from error
    except DataError as error:
        _condemn()
        raise Mistake("The database cannot keep this value.", code="bad-value") from error
    except (DatabaseError, InterfaceError) as error:
        _condemn()
        raise Unavailable(
            "The database cannot be reached or is too busy. Try again later.", code="database-away", retry_after=10
        ) from error
    finally:
        # A thread that ends with a pooled connection in hand takes it to the grave.
        if not connection.in_atomic_block and connection.connection is not None:
            if connection.settings_dict["OPTIONS"].get("pool"):
                connection.close()
            else:
                connection.close_if_unusable_or_obsolete()


def must_write() -> None:
    """Refuse a write outside a transaction: its audit entry belongs to it."""
    if not connection.in_atomic_block:
        raise AssertionError("a write to the accounts belongs inside transaction()")


def _condemn() -> None:
    if connection.in_atomic_block:
        connection.set_rollback(True)

"""One transaction for all that belongs together: all or nothing, and durable when it returns."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from zegel.records.border import border, give_back, lost


class Transactions:
    """``transaction()`` and ``release()`` of the Records port."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, durable when it returns; nested calls join.

        Raises Unavailable: the database is away, or a step inside failed and its error was swallowed. Django (and
        PostgreSQL, which answers COMMIT with ROLLBACK) would then return as if all had been written.
        """
        with border(), transaction.atomic(savepoint=False):
            yield
            if _is_condemned():
                raise lost()

    def release(self) -> None:
        """Give the connection back before streaming for a long time; nothing happens inside a transaction."""
        give_back()


def must_write() -> None:
    """Refuse a write outside ``transaction()``: it would be durable without what belongs to it."""
    if not connection.in_atomic_block:
        raise AssertionError("a write to the records belongs inside transaction()")


def _is_condemned() -> bool:
    if connection.needs_rollback or connection.closed_in_transaction or connection.connection is None:
        return True
    if connection.vendor != "postgresql":
        return False
    from psycopg.pq import TransactionStatus

    status = connection.connection.info.transaction_status
    return status in (TransactionStatus.INERROR, TransactionStatus.UNKNOWN)

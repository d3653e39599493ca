"""INSERT for the busiest path: a deposit is five of them, and through the ORM they cost three times the processor."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache

from django.db import connection

Value = str | int | bytes | datetime | None
Row = Mapping[str, Value]

_BATCH = 500


def insert(table: str, rows: Sequence[Row], unless_there: bool = False) -> int:
    """Insert rows that all have the same columns; return how many were.

    With ``unless_there`` rows whose unique value is taken are left out, after waiting for whoever is just inserting the
    same. Names of tables and columns come from this room's code, values are bound.
    """
    if not rows:
        return 0
    names = tuple(rows[0])
    values = [[_bound(row[name]) for name in names] for row in rows]
    inserted = 0
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            # One prepared statement; a long VALUES would meet SQLite's limit on bound values.
            cursor.executemany(_statement(table, names, 1, unless_there), values)
            return int(cursor.rowcount)
        for start in range(0, len(values), _BATCH):
            batch = values[start : start + _BATCH]
            flat = [value for row in batch for value in row]
            cursor.execute(_statement(table, names, len(batch), unless_there), flat)
            inserted += cursor.rowcount
    return inserted


def insert_all(*tables: tuple[str, Sequence[Row]], then: tuple[str, Sequence[Value]] | None = None) -> None:
    """:func:`insert` into several tables, in this order, and one more statement; on PostgreSQL in one round trip."""
    full = [(table, rows) for table, rows in tables if rows]
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            for table, rows in full:
                names = tuple(rows[0])
                values = [[_bound(row[name]) for name in names] for row in rows]
                cursor.executemany(_statement(table, names, 1, unless_there=False), values)
            if then:
                cursor.execute(then[0], then[1])
        return
    statements: list[str] = []
    flat: list[Value] = []
    if sum(len(rows) for _, rows in full) > _BATCH:
        for table, rows in full:
            insert(table, rows)
    else:
        # Django's cursors bind values here, not at the server, so several statements may go as one.
        statements = [_statement(table, tuple(rows[0]), len(rows), unless_there=False) for table, rows in full]
        flat = [row[name] for _, rows in full for row in rows for name in rows[0]]
    if then:
        statements.append(then[0])
        flat += then[1]
    if statements:
        with connection.cursor() as cursor:
            cursor.execute(";".join(statements), flat)


def bound_moment(moment: datetime) -> str | datetime:
    """A moment as the database takes it: on SQLite text, in Django's spelling."""
    if connection.vendor == "sqlite":
        return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ")
    return moment


def _bound(value: Value) -> Value:
    return bound_moment(value) if isinstance(value, datetime) else value


@lru_cache(maxsize=500)
def _statement(table: str, names: tuple[str, ...], count: int, unless_there: bool) -> str:
    columns = ", ".join(f'"{name}"' for name in names)
    marks = ", ".join(["(" + ", ".join(["%s"] * len(names)) + ")"] * count)
    tail = " ON CONFLICT DO NOTHING" if unless_there else ""
    return f'INSERT INTO "{table}" ({columns}) VALUES {marks}{tail}'  # noqa: S608  # names are our own

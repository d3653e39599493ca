"""A long queue that came at once: PostgreSQL has no statistics of it yet, and must not read all of it for every batch.

``bench/notices.py`` measures it; here the plans are read (the tests' PostgreSQL never gathers statistics by itself).
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from tests.ground.databases import Database
from tests.ground.deposits import NOW
from zegel.records.sql import SqlRecords

pytestmark = pytest.mark.postgres

COUNT = 5000
_FILL = """
INSERT INTO outbox (kind, slip, sealed, added, due, attempts, lease, state, reason)
SELECT 'notice', 's' || g, decode(repeat(md5(g::text), 30), 'hex'), %s, %s, 0, '', 'waiting', ''
FROM generate_series(1, %s) g
"""


class Plans:
    """Asks how each statement about the outbox will be done, before it is."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if "outbox" in sql and not many:
            execute(f"EXPLAIN {sql}", params, many, context)
            self.seen.append("\n".join(line for (line,) in context["cursor"].fetchall()))
        return execute(sql, params, many, context)


@pytest.fixture
def plans(postgres: Database) -> Plans:
    with connection.cursor() as cursor:
        cursor.execute(_FILL, [NOW, NOW, COUNT])
    return Plans()


def test_a_batch_is_read_in_order_from_the_index(plans: Plans) -> None:
    with connection.execute_wrapper(plans):
        leased = SqlRecords().lease_outbox(NOW, "lease", 200, 60, but="delivery")
    assert [row.slip for row in leased] == [f"s{number}" for number in range(1, 201)]
    (plan,) = plans.seen
    assert "Index Scan using outbox_due" in plan
    assert "Sort" not in plan
    assert "Seq Scan" not in plan


def test_a_batch_is_finished_by_its_rows_alone(plans: Plans) -> None:
    records = SqlRecords()
    leased = [row.row for row in records.lease_outbox(NOW, "lease", 200, 60)]
    with connection.execute_wrapper(plans), records.transaction():
        records.return_outbox(leased[:50], "lease")
        assert len(records.finish_outbox(leased[50:], "lease")) == 150
    assert len(plans.seen) == 4
    for plan in plans.seen:
        assert "outbox_pkey" in plan
        assert "outbox_due" not in plan

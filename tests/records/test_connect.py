"""A database URL becomes what Django needs, and a database is brought up to date."""

from django.db import connection

from tests.ground.databases import Database
from zegel.records import connect
from zegel.records.sql import SqlRecords


def test_migrating_again_changes_nothing(database: Database) -> None:
    before = SqlRecords().audit_head()
    connect.migrate()
    assert SqlRecords().audit_head() == before
    assert connection.vendor.startswith(database.kind)

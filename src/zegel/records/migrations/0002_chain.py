"""The audit chain only grows: one head, and triggers that refuse everything but INSERT.

A trigger does not stop the database's owner, who can drop it; it stops a bug and a hurried repair. Against the owner
there is the head that somebody else noted (docs/reference/audit.md).
"""
# ruff: noqa: RUF012

from typing import Any

from django.db import migrations

_REFUSAL = "entries of the audit chain are never changed or deleted"

_SQLITE = (
    f"CREATE TRIGGER audit_entry_update BEFORE UPDATE ON audit_entry BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END",
    f"CREATE TRIGGER audit_entry_delete BEFORE DELETE ON audit_entry BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END",
    # REPLACE deletes without firing the delete trigger (unless recursive_triggers is on); so it is refused as well.
    "CREATE TRIGGER audit_entry_replace BEFORE INSERT ON audit_entry"
    " WHEN NEW.number IN (SELECT number FROM audit_entry)"
    " BEGIN SELECT RAISE(ABORT, 'REFUSAL'); END".replace("REFUSAL", _REFUSAL),
)
_POSTGRESQL = (
    "CREATE FUNCTION audit_entry_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    f"RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = 'restrict_violation'; END $$",
    "CREATE TRIGGER audit_entry_change BEFORE UPDATE OR DELETE ON audit_entry"
    " FOR EACH ROW EXECUTE FUNCTION audit_entry_refuse()",
    "CREATE TRIGGER audit_entry_truncate BEFORE TRUNCATE ON audit_entry"
    " FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_refuse()",
)


def lay_chain(apps: Any, schema_editor: Any) -> None:
    """Make the head that stands before the first entry, and the triggers."""
    apps.get_model("records", "AuditHead").objects.create(row=1, number=0, hash="0" * 64)
    for statement in _POSTGRESQL if schema_editor.connection.vendor == "postgresql" else _SQLITE:
        schema_editor.execute(statement)


def drop_pattern_indexes(apps: Any, schema_editor: Any) -> None:
    """Drop the second index that Django gives every textual key on PostgreSQL: nobody searches these by LIKE."""
    if schema_editor.connection.vendor != "postgresql":
        return
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema()"
            " AND tablename IN ('parcel', 'blob', 'slip') AND indexname LIKE '%%\\_like'"
        )
        for (name,) in cursor.fetchall():
            schema_editor.execute(f"DROP INDEX {schema_editor.quote_name(name)}")


class Migration(migrations.Migration):
    """Head, triggers, and fewer indexes."""

    dependencies = [("records", "0001_first")]
    operations = [
        migrations.RunPython(lay_chain, elidable=False),
        migrations.RunPython(drop_pattern_indexes, elidable=False),
    ]

"""Where every blob lies; suppliers; the state of patches. What was stored before lies at the patch ``local``."""
# ruff: noqa: RUF012

from typing import Any

from django.db import migrations, models

_FIRST_PLACES = """
INSERT INTO blob_copy (blob, patch, share, state, class_number, size, sha256, since)
SELECT blob.blob, 'local', -1, CASE parcel.state WHEN 'live' THEN 'whole' ELSE 'doomed' END,
       parcel.class_number, blob.size, blob.sha256, parcel.created
FROM blob JOIN parcel ON parcel.parcel = blob.parcel_id
"""


def note_places(apps: Any, schema_editor: Any) -> None:
    """Every blob of before lies in the one folder that there was."""
    schema_editor.execute(_FIRST_PLACES)
    if schema_editor.connection.vendor == "postgresql":
        # Nobody searches these by LIKE; the pattern index that Django adds would be written for nothing.
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(
                "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema()"
                " AND tablename IN ('outline', 'blob_copy') AND indexname LIKE '%%\\_like'"
            )
            for (name,) in cursor.fetchall():
                schema_editor.execute(f"DROP INDEX {schema_editor.quote_name(name)}")


class Migration(migrations.Migration):
    """Four tables, and rows for what is there already."""

    dependencies = [
        ("records", "0002_chain"),
    ]

    operations = [
        migrations.CreateModel(
            name="Outline",
            fields=[
                ("blob", models.CharField(max_length=26, primary_key=True, serialize=False)),
                ("size", models.PositiveBigIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("pieces", models.BinaryField()),
                ("added", models.DateTimeField()),
            ],
            options={
                "db_table": "outline",
            },
        ),
        migrations.CreateModel(
            name="Patch",
            fields=[
                ("patch", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("state", models.CharField(default="open", max_length=10)),
                ("since", models.DateTimeField()),
                ("reason", models.CharField(blank=True, default="", max_length=200)),
                ("patrolled", models.DateTimeField(null=True)),
                ("looked", models.PositiveBigIntegerField(default=0)),
                ("failed", models.PositiveBigIntegerField(default=0)),
                ("broken", models.PositiveBigIntegerField(default=0)),
                ("latency_ms", models.PositiveIntegerField(default=0)),
                ("drilled", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "patch",
            },
        ),
        migrations.CreateModel(
            name="Supplier",
            fields=[
                ("supplier", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("facts", models.TextField()),
                ("imported", models.DateTimeField()),
            ],
            options={
                "db_table": "supplier",
            },
        ),
        migrations.CreateModel(
            name="Copy",
            fields=[
                ("row", models.BigAutoField(primary_key=True, serialize=False)),
                ("blob", models.CharField(max_length=26)),
                ("patch", models.CharField(max_length=40)),
                ("share", models.SmallIntegerField(default=-1)),
                ("state", models.CharField(max_length=10)),
                ("class_number", models.PositiveSmallIntegerField()),
                ("size", models.PositiveBigIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("since", models.DateTimeField()),
                ("checked", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "blob_copy",
                "indexes": [
                    models.Index(fields=["patch", "state", "row"], name="copy_at_patch"),
                    models.Index(
                        condition=models.Q(("state", "whole"), _negated=True),
                        fields=["state", "row"],
                        name="copy_to_do",
                    ),
                    models.Index(
                        condition=models.Q(("state", "whole")), fields=["patch", "checked"], name="copy_unchecked"
                    ),
                ],
                "constraints": [models.UniqueConstraint(fields=("blob", "patch"), name="copy_place")],
            },
        ),
        migrations.RunPython(note_places, migrations.RunPython.noop, elidable=False),
    ]

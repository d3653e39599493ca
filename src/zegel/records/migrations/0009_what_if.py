"""What-if reads an index and no row: names are random, so every row would be another page."""
# ruff: noqa: RUF012

from django.db import migrations, models


class Migration(migrations.Migration):
    """One partial index that holds all that it counts."""

    dependencies = [("records", "0008_mailboxes")]

    operations = [
        migrations.AddIndex(
            model_name="copy",
            index=models.Index(
                fields=["blob", "needed", "patch", "class_number", "size", "state"],
                name="copy_groups",
                condition=models.Q(state="whole"),
            ),
        ),
    ]

"""Accounts that see the patchwork and may leave suppliers. Nobody is one until the operator says so."""
# ruff: noqa: RUF012

from django.db import migrations, models


class Migration(migrations.Migration):
    """One column."""

    dependencies = [
        ("people", "0002_nobody"),
    ]

    operations = [
        migrations.AddField(
            model_name="account",
            name="officer",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]

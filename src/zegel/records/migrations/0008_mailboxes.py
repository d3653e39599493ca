"""Slips of own mailboxes that are read in the portal: found by their address."""
# ruff: noqa: RUF012

from django.db import migrations, models


class Migration(migrations.Migration):
    """One partial index."""

    dependencies = [("records", "0007_officers")]

    operations = [
        migrations.AddIndex(
            model_name="slip",
            index=models.Index(fields=["address"], name="slip_of_mailbox", condition=models.Q(kind="mailbox")),
        ),
    ]

"""Nothing ever asked which process takes a periodic task."""
# ruff: noqa: RUF012

from django.db import migrations


class Migration(migrations.Migration):
    """One table less."""

    dependencies = [("records", "0011_so_far")]

    operations = [migrations.DeleteModel(name="Tick")]

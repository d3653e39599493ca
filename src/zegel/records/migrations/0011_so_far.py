"""What an evacuation did so far, for the report of its last run; how fast the last drill was."""
# ruff: noqa: RUF012

from django.db import migrations, models


class Migration(migrations.Migration):
    """Two columns."""

    dependencies = [("records", "0010_arrivals")]

    operations = [
        migrations.AddField(model_name="patch", name="drill_rate", field=models.FloatField(null=True)),
        migrations.AddField(model_name="patch", name="so_far", field=models.TextField(blank=True, default="")),
    ]

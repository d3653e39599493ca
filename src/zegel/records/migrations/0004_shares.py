"""Shares: how many of them make the blob, and one object per blob, patch and shape."""
# ruff: noqa: RUF012

from django.db import migrations, models


class Migration(migrations.Migration):
    """Everything of before is whole."""

    dependencies = [
        ("records", "0003_patchwork"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="copy", name="copy_place"),
        migrations.AddField(model_name="copy", name="needed", field=models.SmallIntegerField(default=1)),
        migrations.AddConstraint(
            model_name="copy",
            constraint=models.UniqueConstraint(fields=("blob", "needed", "patch"), name="copy_place"),
        ),
    ]

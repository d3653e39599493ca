"""Addresses that an account may send as besides its own."""
# ruff: noqa: RUF012  # Django reads these lists; nobody changes them

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """One table."""

    dependencies = [("people", "0003_officer")]
    operations = [
        migrations.CreateModel(
            name="SenderRight",
            fields=[
                ("row", models.BigAutoField(primary_key=True, serialize=False)),
                ("address", models.CharField(max_length=320)),
                ("name", models.CharField(blank=True, max_length=200)),
                ("created", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="rights", to="people.account"
                    ),
                ),
            ],
            options={
                "db_table": "sender_right",
                "constraints": (models.UniqueConstraint(fields=("account", "address"), name="sender_right_once"),),
            },
        ),
    ]

"""Mails that were taken, so that one which is sent again makes no second parcel."""
# ruff: noqa: RUF012

from django.db import migrations, models


class Migration(migrations.Migration):
    """One table."""

    dependencies = [("records", "0005_ways")]

    operations = [
        migrations.CreateModel(
            name="MailSeen",
            fields=[
                ("once", models.BinaryField(max_length=32, primary_key=True, serialize=False)),
                ("parcel", models.CharField(max_length=26)),
                ("seen", models.DateTimeField(db_index=True)),
            ],
            options={"db_table": "mail_seen"},
        ),
    ]

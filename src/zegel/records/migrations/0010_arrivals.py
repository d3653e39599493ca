"""What comes sealed from other organisations: who is told of it, whose it is, and what the outside publishes."""
# ruff: noqa: RUF012

from django.db import migrations, models


class Migration(migrations.Migration):
    """Two columns, and a table of a few rows."""

    dependencies = [("records", "0009_what_if")]

    operations = [
        migrations.AddField(
            model_name="slip",
            name="return_to",
            field=models.CharField(blank=True, db_default="", default="", max_length=320),
        ),
        migrations.AddField(
            model_name="slip", name="origin", field=models.TextField(blank=True, db_default="", default="")
        ),
        migrations.CreateModel(
            name="Published",
            fields=[
                ("name", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("body", models.TextField()),
                ("since", models.DateTimeField()),
            ],
            options={"db_table": "published"},
        ),
    ]

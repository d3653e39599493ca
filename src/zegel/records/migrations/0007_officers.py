"""What officers ask for, what came of it, and how each patch was day by day."""
# ruff: noqa: RUF012

from django.db import migrations, models


class Migration(migrations.Migration):
    """Three tables, and when somebody was last reminded of a drill."""

    dependencies = [
        ("records", "0006_mail_seen"),
    ]

    operations = [
        migrations.AddField(
            model_name="patch",
            name="reminded",
            field=models.DateTimeField(null=True),
        ),
        migrations.CreateModel(
            name="Job",
            fields=[
                ("job", models.CharField(max_length=26, primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=10)),
                ("patch", models.CharField(max_length=40)),
                ("reason", models.CharField(blank=True, max_length=200)),
                ("actor", models.CharField(max_length=26)),
                ("state", models.CharField(default="waiting", max_length=10)),
                ("stopping", models.BooleanField(default=False)),
                ("created", models.DateTimeField()),
                ("due", models.DateTimeField()),
                ("started", models.DateTimeField(null=True)),
                ("finished", models.DateTimeField(null=True)),
                ("blobs", models.PositiveBigIntegerField(default=0)),
                ("of_blobs", models.PositiveBigIntegerField(default=0)),
                ("size", models.PositiveBigIntegerField(default=0)),
                ("of_size", models.PositiveBigIntegerField(default=0)),
                ("eta", models.FloatField(null=True)),
                ("failed", models.PositiveBigIntegerField(default=0)),
                ("code", models.CharField(blank=True, default="", max_length=60)),
                ("report", models.CharField(blank=True, default="", max_length=64)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("lease", models.CharField(blank=True, default="", max_length=64)),
                ("leased_until", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "job",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ("waiting", "running"))), fields=["due"], name="job_due"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PatchDay",
            fields=[
                ("row", models.BigAutoField(primary_key=True, serialize=False)),
                ("patch", models.CharField(max_length=40)),
                ("day", models.DateField()),
                ("objects_there", models.PositiveBigIntegerField()),
                ("size", models.PositiveBigIntegerField()),
                ("looked", models.PositiveBigIntegerField()),
                ("failed", models.PositiveBigIntegerField()),
                ("broken", models.PositiveBigIntegerField()),
            ],
            options={
                "db_table": "patch_day",
                "constraints": [models.UniqueConstraint(fields=("day", "patch"), name="patch_day_once")],
            },
        ),
        migrations.CreateModel(
            name="PlanReport",
            fields=[
                ("sha256", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=20)),
                ("patch", models.CharField(max_length=40)),
                ("made", models.DateTimeField()),
                ("body", models.BinaryField()),
                ("key", models.CharField(blank=True, default="", max_length=60)),
                ("ed25519", models.BinaryField(default=b"")),
                ("mldsa65", models.BinaryField(default=b"")),
                ("refused", models.BooleanField(default=False)),
            ],
            options={
                "db_table": "plan_report",
                "indexes": [
                    models.Index(
                        condition=models.Q(("key", ""), ("refused", False)), fields=["made"], name="report_unsigned"
                    )
                ],
            },
        ),
    ]

"""How a parcel travels to each reader, what its sender wants to hear about her, and when her server took the mail."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Readers of before all got a link."""

    dependencies = (("records", "0004_shares"),)

    operations = (
        migrations.AddField("slip", "way", models.CharField(db_default="link", default="link", max_length=10)),
        migrations.AddField("slip", "notify", models.CharField(blank=True, db_default="", default="", max_length=640)),
        migrations.AddField("slip", "delivered", models.DateTimeField(null=True)),
    )

"""The row that takes the tries of logins without an account, so that they cost the same as others."""
# ruff: noqa: RUF012

from datetime import UTC, datetime
from typing import Any

from django.db import migrations


def add_nobody(apps: Any, schema_editor: Any) -> None:
    """Add the row; it is closed, and no address is spelled like its."""
    apps.get_model("people", "Account").objects.create(
        account="nobody", address="", active=False, created=datetime(1970, 1, 1, tzinfo=UTC)
    )


class Migration(migrations.Migration):
    """One row."""

    dependencies = [("people", "0001_first")]
    operations = [migrations.RunPython(add_nobody, elidable=False)]

"""The Django app of this room."""

from django.apps import AppConfig


class RecordsConfig(AppConfig):
    """Label ``records``: migrations are named after it."""

    name = "zegel.records"
    label = "records"
    default_auto_field = "django.db.models.BigAutoField"

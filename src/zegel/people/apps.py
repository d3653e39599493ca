"""The Django app of this room."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    """Label ``people``: migrations are named after it."""

    name = "zegel.people"
    label = "people"
    default_auto_field = "django.db.models.BigAutoField"

"""Django settings for mypy's plugin and ``makemigrations`` only: they need models, not a running Zegel.

``DJANGO_SETTINGS_MODULE=zegel.records.settings_for_tools django-admin makemigrations records people``
"""

INSTALLED_APPS = ["zegel.records", "zegel.people"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
SECRET_KEY = "only for tools that read models"  # noqa: S105
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

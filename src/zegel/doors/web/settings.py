"""What Django needs, as a pure function of the configuration; wiring hands it to ``settings.configure``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from django.conf import settings as django_settings

from zegel.doors.web import assets
from zegel.parcels.expiry import TIME_ZONE

_HERE = Path(__file__).parent
_WEB = "zegel.doors.web"

_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Ours:
    """The settings that are this door's own.

    The paths are those of the trial's Maildir and SMS file; ``threads`` is how many requests are answered at once.
    """

    https: bool
    demo: bool
    demo_mail: Path | None
    demo_sms: Path | None
    threads: int
    behind_proxy: bool
    inside: bool = False


def ours() -> Ours:
    """This process's own settings."""
    found: Ours = django_settings.ZEGEL  # type: ignore[misc]
    return found


def web_settings(
    *,
    zone: Literal["outside", "inside"],
    url: str,
    secret_key: str,
    database: dict[str, Any],
    demo: bool = False,
    demo_mail: Path | None = None,
    demo_sms: Path | None = None,
    behind_proxy: bool = False,
    threads: int = 64,
    time_zone: str = TIME_ZONE.key,
) -> dict[str, Any]:
    """Return the settings of one zone.

    ``url`` is how the world reaches this zone; its host is the only one answered to, and https in it makes
    cookies Secure. ``behind_proxy`` trusts ``X-Forwarded-Proto``: only where a proxy sets it.
    ``threads`` is how many requests the server runs at once. ``time_zone`` is that of moments on pages.
    """
    parts = urlsplit(url)
    https = parts.scheme == "https"
    return {
        "DEBUG": False,
        "SECRET_KEY": secret_key,
        "ALLOWED_HOSTS": [parts.hostname or "localhost"],
        "DATABASES": {"default": database},
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "INSTALLED_APPS": ["django.contrib.sessions", "zegel.records", "zegel.people"],
        "ROOT_URLCONF": f"{_WEB}.urls_{zone}",
        "APPEND_SLASH": False,
        "ZEGEL": Ours(https, demo, demo_mail, demo_sms, threads, behind_proxy, zone == "inside"),
        **_requests(),
        **_words(time_zone),
        **_cookies(https, zone),
        "CSRF_TRUSTED_ORIGINS": [f"{parts.scheme}://{parts.netloc}"],
        "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https") if behind_proxy else None,
        "TEMPLATES": [_templates()],
        "STATIC_URL": f"/static/{assets.build()}/",
        "LOGGING": LOGGING,
    }


def _requests() -> dict[str, Any]:
    around = [f"{_WEB}.middleware.headers", "django.contrib.sessions.middleware.SessionMiddleware"]
    inside = ["django.middleware.locale.LocaleMiddleware", "django.middleware.common.CommonMiddleware"]
    inside += [f"{_WEB}.middleware.limits", "django.middleware.csrf.CsrfViewMiddleware"]
    return {
        "MIDDLEWARE": [*around, *inside, f"{_WEB}.middleware.problems", f"{_WEB}.middleware.Errors"],
        # The largest body that is read into memory: a deposit (middleware.DEPOSIT_BYTES), and the manifest of a
        # submission; every other request is refused above 64 KiB before this.
        "DATA_UPLOAD_MAX_MEMORY_SIZE": 24 * 1024 * 1024,
        "DATA_UPLOAD_MAX_NUMBER_FIELDS": 100,
        # Files of a submission are counted by the journey, against the limits of the organisation.
        "DATA_UPLOAD_MAX_NUMBER_FILES": None,
        "FILE_UPLOAD_HANDLERS": [],
    }


def _words(time_zone: str) -> dict[str, Any]:
    return {
        "USE_I18N": True,
        "USE_TZ": True,
        "TIME_ZONE": time_zone,
        "LANGUAGE_CODE": "nl",
        "LANGUAGES": [("nl", "Nederlands"), ("en", "English")],
        "LANGUAGE_COOKIE_NAME": "zegel_language",
        "LOCALE_PATHS": [str(_HERE.parent.parent / "locale")],
    }


def _cookies(https: bool, zone: str) -> dict[str, Any]:
    # The prefix makes browsers refuse the cookie unless it is Secure and of this very host (RFC 6265bis §4.1.3).
    prefix = "__Host-" if https else ""
    # Names of their own: both zones may be ports of one host, which share their cookies (RFC 6265 §8.5).
    name = "zegel" if zone == "outside" else "zegel_inside"
    return {
        "SESSION_ENGINE": f"{_WEB}.sessions",
        "SESSION_COOKIE_NAME": f"{prefix}{name}_session",
        "SESSION_COOKIE_AGE": 8 * _HOUR,
        "SESSION_COOKIE_SECURE": https,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "CSRF_COOKIE_NAME": f"{prefix}{name}_form",
        "CSRF_COOKIE_SECURE": https,
        "CSRF_COOKIE_HTTPONLY": True,
        "CSRF_COOKIE_SAMESITE": "Strict",
        "CSRF_COOKIE_AGE": None,
        "CSRF_FAILURE_VIEW": f"{_WEB}.pages.csrf_failed",
    }


def _templates() -> dict[str, Any]:
    return {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [str(_HERE / "templates")],
        "OPTIONS": {
            "context_processors": ["django.template.context_processors.request", f"{_WEB}.pages.facts"],
            "builtins": ["django.templatetags.i18n", "django.templatetags.static"],
        },
    }


LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "loggers": {
        "zegel": {"level": "INFO"},
        "django": {"level": "WARNING"},
        # Every 4xx would be a line with the path of somebody's message.
        "django.request": {"level": "ERROR"},
        "django.security.DisallowedHost": {"level": "CRITICAL"},
    },
    "root": {"level": "WARNING", "handlers": ["stderr"]},
}

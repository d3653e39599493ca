"""A data folder and its configuration: what every role starts from.

The outside needs no keys folder here: it may stand on a machine that never had one (design, *Two zones*).
"""

import logging
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from zegel.errors import Mistake, NotFound
from zegel.wiring.config.file import Config, read_config

Zone = Literal["outside", "inside"]

_PUBLIC = "public.json"
_OUTSIDE_KEY = "outside.key"


@dataclass(frozen=True, slots=True)
class Ground:
    """A data folder and its configuration."""

    data: Path
    config: Config

    @property
    def keys(self) -> Path:
        return self.data / "keys"

    @property
    def public(self) -> Path:
        return self.data / _PUBLIC

    def path(self, name: str) -> Path:
        """A path from the configuration; relative ones are under the data folder."""
        return self.data / name

    @property
    def database_url(self) -> str:
        from zegel.records.connect import sqlite_url

        url = self.config.database or sqlite_url(self.data / "zegel.db")
        if url.startswith("env:"):
            name = url.removeprefix("env:")
            if name not in os.environ:
                raise Mistake("The environment variable {name} is not set.", code="bad-config", name=name)
            return os.environ[name]
        return url


def open_ground(data: Path) -> Ground:
    """Read the configuration; raises NotFound, Mistake."""
    data = data.resolve()
    return Ground(data, read_config(data))


def outside_key(ground: Ground) -> bytes:
    """The outside's own secret: tickets, receipts, hashes of SMS codes. Made at ``zegel init``."""
    try:
        return (ground.data / _OUTSIDE_KEY).read_bytes()
    except FileNotFoundError:
        raise NotFound("There are no keys in {path}.", code="no-keys", path=ground.data) from None


def make_outside_key(data: Path) -> None:
    """Make it; raises FileExistsError rather than replace it, which would void every ticket and code."""
    descriptor = os.open(data / _OUTSIDE_KEY, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(32))


def configure_django(ground: Ground, zone: Zone) -> None:
    """Give Django its settings, once per process."""
    from django.conf import settings

    if settings.configured:
        return
    import django

    from zegel.doors.web.settings import web_settings
    from zegel.keys.custody import session_key
    from zegel.records.connect import database

    config = ground.config
    threads = config.web.threads if zone == "outside" else config.inside.threads
    url = config.web.url if zone == "outside" else config.inside.url
    settings.configure(
        **web_settings(
            zone=zone,
            url=url,
            secret_key=(outside_key(ground) if zone == "outside" else session_key(ground.keys)).hex(),
            database=database(ground.database_url, pool=max(4, min(threads, 32))),
            behind_proxy=config.web.behind_proxy and url.startswith("https:"),
            demo=config.demo,
            demo_mail=ground.path(config.mail.folder),
            demo_sms=ground.path(config.sms.file),
            threads=threads,
            time_zone=config.organisation.time_zone,
        )
    )
    django.setup()
    logging.getLogger("httpx").setLevel(logging.WARNING)


def utc_now() -> datetime:
    """The real clock."""
    return datetime.now(UTC)

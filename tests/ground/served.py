"""A whole ``zegel serve`` whose notices leave over SMTP, and to which bounces can come."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.cli.conftest import Zegel, make_zegel, wait_for
from tests.ground.ports import listens

_INCOMING = """
[[smtp.listener]]
kind = "incoming"
listen = "127.0.0.1:{port}"
"""


@contextmanager
def served(zegel: Zegel, incoming: int) -> Iterator[None]:
    """Run it until the end of the block."""
    try:
        zegel.start()
        wait_for(lambda: listens(incoming))
        yield
    finally:
        if zegel.process is not None:
            zegel.stop()


def make_served(folder: Path, mail_server: int, incoming: int, *, couriers: int = 1, database: str = "") -> Zegel:
    """Make a Zegel that hands its mail to a server on this port, and listens for strangers on ``incoming``."""
    zegel = make_zegel(folder, *(["--database", database] if database else []))
    path = zegel.data / "zegel.toml"
    mail = f'[mail]\nkind = "smtp"\nhost = "127.0.0.1"\nport = {mail_server}\ntls = "none"\ncouriers = {couriers}\n'
    text = path.read_text().replace('[mail]\nkind = "maildir"\n', mail)
    path.write_text(text.replace("\n[mail]\n", f"{_INCOMING.format(port=incoming)}\n[mail]\n"))
    return zegel


def ask(zegel: Zegel, database: str, statement: str) -> list[tuple[Any, ...]]:
    """Run one statement in its database, from outside; returns the rows that it gives."""
    if database:
        import psycopg

        with psycopg.connect(database, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []
    found = sqlite3.connect(zegel.data / "zegel.db", timeout=60, isolation_level=None)
    try:
        return found.execute(statement).fetchall()
    finally:
        found.close()

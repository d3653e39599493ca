"""What benchmarks stand on: a Zegel as ``zegel init`` makes it, and a PostgreSQL."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMAND = (sys.executable, "-m", "zegel")
SENDER, READER = "zorg@voorbeeld.example", "j.dejong@example.net"


def make_zegel(data: Path, database: str = "") -> None:
    """Make a Zegel, in a process of its own: Django is configured once per process."""
    facts = ["--organisation", "Voorbeeld", "--url", "http://127.0.0.1:8025", "--mail-from", "post@voorbeeld.example"]
    zegel(data, "init", *facts, *(["--database", database] if database else []))


def zegel(data: Path, *arguments: str) -> str:
    """Run ``zegel`` there; returns what it printed."""
    command = [*COMMAND, *arguments, "--data", str(data)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout


def wait_for(port: int) -> None:
    """Until something listens there."""
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return


@contextmanager
def postgres() -> Iterator[str]:
    """A throw-away cluster that waits for its disk; its database ``zegel``."""
    from tests.ground import databases

    cluster = databases.running_cluster(durable=True)
    running = next(cluster)
    running.execute("CREATE DATABASE zegel")
    yield running.url("zegel")
    cluster.close()

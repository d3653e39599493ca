"""Two couriers of one ``zegel serve`` on one queue, one of them killed.

Nothing is lost, and nothing is told twice but what it had in its hands.
"""

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.cli.conftest import Zegel, wait_for
from tests.ground.databases import ROOT, Cluster
from tests.ground.ports import free_port
from tests.ground.served import ask, make_served, served
from tests.outbox.sink import Sink, sink

pytestmark = pytest.mark.slow

COUNT = 500
"""More than two batches, so that both couriers have one."""
CONNECTIONS = 8
_FILL = (
    "import sys; from pathlib import Path; from bench.notices import fill; fill(Path(sys.argv[1]), int(sys.argv[2]))"
)
_WAITING = "SELECT lease, count(*) FROM outbox WHERE state = 'waiting' GROUP BY lease"
"""By lease; the empty one is of those that nobody has. One statement: between two a courier takes its next batch."""


def _couriers(zegel: Zegel) -> list[int]:
    assert zegel.process is not None
    command = ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(zegel.process.pid)]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return [int(line.split()[0]) for line in listed if line.split()[-1] == "courier"]


def _notices(server: Sink) -> Counter[bytes]:
    return Counter(re.findall(rb"^Message-ID: (\S+)", content, re.MULTILINE)[0] for _, _, content in list(server.mails))


def _check(folder: Path, database: str) -> None:
    incoming = free_port()
    with sink() as server:
        server.data = "keep"
        zegel = make_served(folder, server.port, incoming, couriers=2, database=database)
        subprocess.run([sys.executable, "-c", _FILL, zegel.data, str(COUNT)], check=True, cwd=ROOT, timeout=300)
        with served(zegel, incoming):
            # The server holds its answers: each courier has a batch, and as many mails in its hands as connections.
            wait_for(lambda: len(server.mails) == 2 * CONNECTIONS)
            batches = {lease for lease, _ in ask(zegel, database, _WAITING) if lease}
            assert len(batches) == 2
            killed, other = _couriers(zegel)
            os.kill(killed, signal.SIGKILL)
            server.data = "250 OK"
            server.hold.set()

            def left() -> list[object]:
                return [lease for lease, _ in ask(zegel, database, _WAITING)]

            # What the killed one had leased waits until the lease ends: five minutes, which pass now.
            wait_for(lambda: len(left()) == 1)
            assert set(left()) < batches
            assert other in _couriers(zegel)
            ask(zegel, database, "UPDATE outbox SET leased_until = '2000-01-01 00:00:00+00:00' WHERE lease <> ''")
            wait_for(lambda: len(_notices(server)) == COUNT)
            wait_for(lambda: not left())
            assert ask(zegel, database, "SELECT state, count(*) FROM outbox GROUP BY state") == [("done", COUNT)]
            announced = "SELECT count(*) FROM slip WHERE announced IS NOT NULL"
            assert ask(zegel, database, announced) == [(COUNT,)]
            wait_for(lambda: len(_couriers(zegel)) == 2)
    twice = [count for count in _notices(server).values() if count > 1]
    # It died with these handed over and not yet recorded; the second time they carry the same Message-ID.
    assert twice == [2] * CONNECTIONS


def test_two_couriers_and_one_is_killed_on_sqlite(tmp_path: Path) -> None:
    _check(tmp_path, "")


@pytest.mark.postgres
def test_two_couriers_and_one_is_killed_on_postgres(tmp_path: Path, postgres_cluster: Cluster) -> None:
    postgres_cluster.execute("CREATE DATABASE couriers")
    _check(tmp_path, postgres_cluster.url("couriers"))

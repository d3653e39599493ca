"""No loss and no double: numbered mails through doors that are killed and started again, two on one port."""

from pathlib import Path

import pytest
from bench.mail_count import count

from tests.ground.databases import Cluster

MAILS, EVERY = 300, 75


def _check(data: Path, database: str) -> None:
    found = count(data, database, MAILS, EVERY)
    assert found.kills >= 3
    # What was being sent to a door when it was killed had to be sent again.
    assert found.sent > MAILS


@pytest.mark.slow
def test_every_number_is_there_once_on_sqlite(tmp_path: Path) -> None:
    _check(tmp_path / "zegel", "")


@pytest.mark.slow
@pytest.mark.postgres
def test_every_number_is_there_once_on_postgres(tmp_path: Path, postgres_cluster: Cluster) -> None:
    postgres_cluster.execute("CREATE DATABASE counted")
    _check(tmp_path / "zegel", postgres_cluster.url("counted"))

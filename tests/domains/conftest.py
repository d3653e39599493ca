"""What the room stands on: a DNS (``names``, everybody's), and a server of policies."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.ground.dns import Dns
from tests.ground.policy_server import PolicyHost, policy_server
from tests.transport.made import Made, make
from zegel.domains.lookup import Domains
from zegel.domains.policies import PolicyServers
from zegel.domains.resolver import Resolver


@pytest.fixture(scope="session")
def authority() -> Made:
    return make(authority=True, common_name="root", start=datetime.now(UTC) - timedelta(days=1))


@pytest.fixture(scope="session")
def authorities(authority: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("authority") / "root.pem"
    path.write_bytes(authority.pem)
    return path


@pytest.fixture
def policies(authority: Made, tmp_path: Path) -> Iterator[PolicyHost]:
    leaf = make(("mta-sts.sts.test", "mta-sts.twice.test"), by=authority, start=datetime.now(UTC) - timedelta(days=1))
    (tmp_path / "sts.pem").write_bytes(leaf.pem + authority.pem)
    (tmp_path / "sts.key").write_bytes(leaf.key_pem)
    with policy_server(tmp_path / "sts.pem", tmp_path / "sts.key") as found:
        yield found


@pytest.fixture
def domains(names: Dns) -> Domains:
    """Without MTA-STS: nothing listens where policies would be."""
    return Domains(Resolver([names.resolver]), PolicyServers(port=1))

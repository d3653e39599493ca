"""A house whose mail goes to a server that proves itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ground.databases import Database
from tests.ground.delivery import Certificates, Delivering, delivering, make_certificates
from tests.ground.mail_peer import MailPeer, mail_peer


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"), "mx.example.nl")


@pytest.fixture
def peer(certificates: Certificates) -> Iterator[MailPeer]:
    with mail_peer(certificates.chain, certificates.key) as found:
        yield found


@pytest.fixture
def desk(tmp_path: Path, database: Database, certificates: Certificates, peer: MailPeer) -> Iterator[Delivering]:
    with delivering(tmp_path, certificates, peer.port) as found:
        yield found

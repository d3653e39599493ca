"""``zegel mail check --connect`` against a mail server that proves itself, one that lies, and none.

MX records mean port 25; the server gets a loopback address of its own.
"""

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.test_mail_check import Command
from tests.ground.databases import missing
from tests.ground.delivery import Certificates, make_certificates
from tests.ground.dns import running_dns
from tests.ground.mail_peer import MailPeer, mail_peer

pytestmark = pytest.mark.slow

HERE = f"127.43.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"
ZONE = """\
right.test. IN MX 10 mx.right.test.
mx.right.test. IN A {here}
_25._tcp.mx.right.test. IN TLSA 3 1 1 {digest}
wrong.test. IN MX 10 mx.wrong.test.
mx.wrong.test. IN A {here}
_25._tcp.mx.wrong.test. IN TLSA 3 1 1 {other}
"""


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"), "mx.right.test", "mx.wrong.test")


@pytest.fixture(scope="module")
def resolver(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[str]:
    zone = ZONE.format(here=HERE, digest=certificates.digest.hex(), other="ab" * 32)
    with running_dns(tmp_path_factory.mktemp("dns"), {"test": zone}) as dns:
        yield dns.resolver


@contextmanager
def listening(certificates: Certificates) -> Iterator[MailPeer]:
    try:
        socket.create_server((HERE, 25)).close()
    except OSError:
        missing("the right to listen on port 25 of a loopback address")
    with mail_peer(certificates.chain, certificates.key, address=HERE, port=25) as peer:
        yield peer


def _check(folder: Path, resolver: str, domain: str) -> tuple["subprocess.CompletedProcess[str]", dict[str, object]]:
    """What people see, and the one server as programs do."""
    command = Command(folder, resolver, "enabled = true")
    (probed,) = json.loads(command.check(domain, "--connect", "--json").stdout)["probed"]
    return command.check(domain, "--connect"), probed


def test_a_server_proves_itself(tmp_path: Path, certificates: Certificates, resolver: str) -> None:
    with listening(certificates) as peer:
        done, probed = _check(tmp_path, resolver, "right.test")
        assert not [line for line in peer.said if line.split()[0] in ("MAIL", "RCPT", "DATA")]
    assert done.returncode == 0, done.stderr
    assert "mx.right.test proves itself (TLSv1.3" in done.stdout
    assert "TLSA 3 1 1" in done.stdout
    assert (probed["server"], probed["trouble"], probed["fits"]) == ("mx.right.test", "", "3 1 1")


def test_a_server_that_shows_another_certificate(tmp_path: Path, certificates: Certificates, resolver: str) -> None:
    with listening(certificates):
        done, probed = _check(tmp_path, resolver, "wrong.test")
    assert done.returncode == 6, done.stderr
    assert "mx.wrong.test does not prove itself" in done.stdout
    assert probed["trouble"] == "proof-failed"


def test_a_server_that_is_away(tmp_path: Path, resolver: str) -> None:
    done, probed = _check(tmp_path, resolver, "right.test")
    assert done.returncode == 0, done.stderr
    assert "mx.right.test cannot be reached" in done.stdout
    assert probed["trouble"] == "direct-away"

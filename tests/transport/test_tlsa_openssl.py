"""The same question put to another implementation: OpenSSL's own DANE, over a real handshake."""

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.ground.databases import missing
from tests.ground.mail_peer import MailPeer, mail_peer
from tests.transport.made import Made, make
from zegel.transport.certificates import public_key
from zegel.transport.dane import matching_record
from zegel.transport.tlsa import Tlsa

pytestmark = pytest.mark.slow

NAME = "mx.example.nl"
YESTERDAY = datetime.now(UTC) - timedelta(days=1)

ROOT = make(authority=True, common_name="root", start=YESTERDAY)
MIDDLE = make(authority=True, common_name="middle", by=ROOT, start=YESTERDAY)
OLD = make(authority=True, common_name="old", start=YESTERDAY - timedelta(days=9), days=3)
FALSE = make(("false.example",), by=ROOT, common_name="false", start=YESTERDAY)
CHAINS = {
    "whole": (make((NAME,), by=MIDDLE, start=YESTERDAY), MIDDLE, ROOT),
    "without root": (make((NAME,), by=MIDDLE, start=YESTERDAY), MIDDLE),
    "alone": (make((NAME,), by=MIDDLE, start=YESTERDAY),),
    "other name": (make(("mx.example.org",), by=MIDDLE, start=YESTERDAY), MIDDLE, ROOT),
    "wildcard": (make(("*.example.nl",), by=MIDDLE, start=YESTERDAY), MIDDLE, ROOT),
    "expired": (make((NAME,), by=MIDDLE, start=YESTERDAY - timedelta(days=9), days=3), MIDDLE, ROOT),
    "no authority": (make((NAME,), by=FALSE, start=YESTERDAY), FALSE, ROOT),
    "beside": (make((NAME,), by=make(authority=True, common_name="root", start=YESTERDAY), start=YESTERDAY), ROOT),
    "old anchor": (make((NAME,), by=OLD, start=YESTERDAY), OLD),
    "common name": (make(by=MIDDLE, common_name=NAME, start=YESTERDAY), MIDDLE, ROOT),
}


def _record(made: Made, usage: int, selector: int, matching: int) -> Tlsa:
    data = public_key(made.der) or b"" if selector else made.der
    digests = (data, hashlib.sha256(data).digest(), hashlib.sha512(data).digest())
    return Tlsa(usage, selector, matching, digests[matching])


@pytest.fixture(scope="module", params=sorted(CHAINS))
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, MailPeer]]:
    if not shutil.which("openssl"):
        missing("openssl")
    folder: Path = tmp_path_factory.mktemp("chain")
    chain = CHAINS[request.param]
    (folder / "chain.pem").write_bytes(b"".join(one.pem for one in chain))
    (folder / "key.pem").write_bytes(chain[0].key_pem)
    with mail_peer(folder / "chain.pem", folder / "key.pem", implicit=True) as peer:
        yield request.param, peer


def _openssl_says(peer: MailPeer, record: Tlsa) -> bool:
    command = [
        "openssl", "s_client", "-connect", f"127.0.0.1:{peer.port}", "-verify_return_error", "-verify", "9",
        "-dane_tlsa_domain", NAME, "-dane_ee_no_namechecks", "-dane_tlsa_rrdata", str(record),
    ]  # fmt: skip
    done = subprocess.run(command, input=b"QUIT\r\n", capture_output=True, timeout=60, check=False)
    text = done.stdout + done.stderr
    assert b"CONNECTED" in text, text
    return b"Verification: OK" in done.stdout


def test_both_judge_alike(served: tuple[str, MailPeer]) -> None:
    name, peer = served
    chain = CHAINS[name]
    subjects = dict.fromkeys([*chain, ROOT, CHAINS["whole"][0]])
    records = [_record(one, usage, *kind) for one in subjects for usage in (2, 3) for kind in ((0, 1), (1, 1))]
    records += [_record(chain[-1], 2, 0, 2), _record(chain[0], 3, 1, 0), _record(ROOT, 2, 0, 0)]
    now = datetime.now(UTC)
    ours = {str(one): matching_record([one], [made.der for made in chain], [NAME], now) == one for one in records}
    theirs = {str(one): _openssl_says(peer, one) for one in records}
    assert ours == theirs
    assert set(ours.values()) == {True, False}

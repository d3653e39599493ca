"""One raw mail to servers that prove themselves, that do not, and that misbehave at every step."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.ground.mail_peer import MailPeer, mail_peer
from tests.transport.made import Made, make
from zegel.outbox.direct import DirectRoute
from zegel.parcels.notify import SILENT, Notify
from zegel.transport.certificates import public_key
from zegel.transport.delivery import Delivered, RawMail
from zegel.transport.tlsa import Tlsa
from zegel.transport.way import Choice, Proven

FROM, TO = "a.bakker@gemeente.example", "j.dejong@example.nl"
MAIL = RawMail(lambda: [b"Subject: x\r\n\r\nhello\r\n"])
YESTERDAY = datetime.now(UTC) - timedelta(days=1)
NAME = "mx.example.nl"


def ee(made: Made) -> Tlsa:
    return Tlsa(3, 1, 1, hashlib.sha256(public_key(made.der) or b"").digest())


class Desk:
    """Certificates in files, and choices that lead to peers."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.root = make(authority=True, common_name="root", start=YESTERDAY)
        self.leaf = make((NAME,), by=self.root, start=YESTERDAY)
        self.key = folder / "leaf.key"
        self.key.write_bytes(self.leaf.key_pem)
        self.chain = self.write("chain.pem", self.leaf, self.root)
        self.authorities = self.write("root.pem", self.root)

    def write(self, name: str, *certificates: Made) -> Path:
        path = self.folder / name
        path.write_bytes(b"".join(one.pem for one in certificates))
        return path

    def dane(self, *records: Tlsa, name: str = NAME, preference: int = 10, address: str = "127.0.0.1") -> Proven:
        return Proven(name, preference, (address,), "dane", name, (name, "example.nl"), records or (ee(self.leaf),))

    def sts(self, name: str = NAME) -> Proven:
        return Proven(name, 10, ("127.0.0.1",), "mta-sts", name, (name,))


def choice(*servers: Proven) -> Choice:
    return Choice("example.nl", servers[0].proof if servers else "none", servers, ())


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("desk"))


@pytest.fixture
def peer(desk: Desk) -> Iterator[MailPeer]:
    with mail_peer(desk.chain, desk.key) as found:
        yield found


def send(
    desk: Desk, peer: MailPeer, *servers: Proven, mail: RawMail = MAIL, to: str = TO, notify: Notify = SILENT
) -> Delivered:
    route = DirectRoute("out.example", port=peer.port, authorities=desk.authorities, patience=5, final_patience=5)
    try:
        return route.deliver(choice(*(servers or (desk.dane(),))), mail, FROM, to, notify)
    finally:
        route.close()


def test_a_mail_arrives_whole_and_what_happened_is_told(desk: Desk, peer: MailPeer) -> None:
    found = send(desk, peer)
    (mail,) = peer.mails
    assert mail.content == b"Subject: x\r\n\r\nhello\r\n"
    assert (mail.mail, mail.rcpt) == (f"MAIL FROM:<{FROM}> BODY=8BITMIME RET=HDRS", f"RCPT TO:<{TO}>")
    assert (found.server, found.address, found.proof, found.fits) == (NAME, "127.0.0.1", "dane", "3 1 1")
    assert (found.tls, found.cipher) == ("TLSv1.3", "TLS_AES_256_GCM_SHA384")
    # Python's server has no hybrid groups where its OpenSSL is older than 3.5; then it is the classic half alone.
    assert found.group.upper() in ("X25519MLKEM768", "X25519")
    # Codes only: the peer's words may quote anything.
    assert found.reply == "250 2.0.0"
    assert peer.asked_for == [NAME]

"""Killed (SIGKILL) at every step between accepting a mail and having delivered it: nothing is lost, and what goes twice
is the same mail.

As ``test_killed``, with a mail that is delivered directly; handing it over is a step of its own.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ground import databases
from tests.ground.delivery import NAME, READER, Delivering, delivering, finish, make_certificates
from tests.ground.mail_peer import MailPeer, mail_peer
from tests.journeys.test_killed import Steps, killed
from zegel.outbox.session import Session

pytestmark = pytest.mark.slow


def in_child(desk: Delivering, peer: MailPeer, deadly: int) -> tuple[bool, int]:
    """Send and deliver in a child; returns whether it was acknowledged, and how many steps it took (0: it died)."""
    peer.rest()

    def work(steps: Steps, tell: Callable[[str], object]) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Session, "deliver", steps.wrap(Session.deliver))
            packing = desk.ground.house.inside_submit().begin(desk.ground.actor)
            mail = f"Message-ID: <{deadly}@x>\r\nFrom: a@b\r\n\r\nbericht {deadly}\r\n".encode()
            finish(packing, (READER,), "direct", pieces=[mail])
            tell("ack")
            desk.ground.announce()

    told, steps = killed(deadly, deadly % 2 == 1, work)
    return "ack" in told, steps


def test_killed_at_every_step(tmp_path: Path, database: databases.Database) -> None:
    certificates = make_certificates(tmp_path / "certificates", NAME)
    with (
        mail_peer(certificates.chain, certificates.key) as peer,
        delivering(tmp_path, certificates, peer.port) as desk,
    ):
        _, steps = in_child(desk, peer, 0)
        assert steps > 30, "the steps are not being counted"
        acknowledged = {0} | {deadly for deadly in range(1, steps + 1) if in_child(desk, peer, deadly)[0]}
        assert 0 < len(acknowledged) < steps
        _check(desk, peer, acknowledged)


def _check(desk: Delivering, peer: MailPeer, acknowledged: set[int]) -> None:
    # A lease that died with its courier runs out; then another courier finishes everything.
    desk.run(minutes=20)
    desk.run(minutes=20)
    parcels = desk.ground.house.follow.parcels(desk.ground.actor, limit=200)
    assert {status.readers[0].state for status in parcels} == {"delivered"}
    arrived = [mail.content for mail in peer.mails]
    wanted = {f"Message-ID: <{number}@x>\r\nFrom: a@b\r\n\r\nbericht {number}\r\n".encode() for number in acknowledged}
    assert wanted <= set(arrived), "a mail that was acknowledged did not arrive"
    assert len(set(arrived)) == len(parcels), "a mail that nobody promised arrived, or one is missing"
    assert max(arrived.count(one) for one in set(arrived)) <= 2
    for status in parcels:
        for slip in desk.ground.house.records.slips_of(status.parcel):
            assert (slip.sealed_slip, slip.share) == (b"", b"")
    assert desk.ground.house.records.count_outbox()["waiting"] == 0
    desk.ground.house.audit.verify()

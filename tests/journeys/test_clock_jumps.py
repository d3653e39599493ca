"""The clock jumps, back an hour or forward a day, between any two steps of the courier: nothing is lost, nobody is told
twice what was recorded as told, and nothing is given up that a true day would not have ended.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.ground.databases import Database
from tests.ground.delivery import Delivering
from tests.ground.house import Ground, make_house
from tests.ground.mail_peer import MailPeer
from zegel.errors import Unavailable

BACK, FORWARD = timedelta(hours=-1), timedelta(days=1)


@pytest.fixture
def ground(tmp_path: Path, database: Database) -> Ground:
    return make_house(tmp_path)


def _state(ground: Ground, parcel: str) -> str:
    return ground.house.follow.parcel(ground.actor, parcel).readers[0].state


def _sent(ground: Ground) -> int:
    folder = ground.folder / "mail" / "new"
    return len(list(folder.iterdir())) if folder.exists() else 0


@pytest.mark.parametrize("jump", [BACK, FORWARD], ids=["back an hour", "forward a day"])
def test_a_lease_of_a_dead_courier_ends_all_the_same(ground: Ground, jump: timedelta) -> None:
    parcel = ground.send()
    (died,) = ground.house.records.lease_outbox(ground.clock(), "died", 10, 300)
    ground.clock.now += jump
    ground.announce()
    # Back: the lease still holds, by the clock that it was made with. Forward: it is over.
    assert _sent(ground) == (1 if jump > timedelta(0) else 0)
    ground.clock.now += -jump + timedelta(minutes=6)
    ground.announce()
    assert (_state(ground, parcel), _sent(ground)) == ("announced", 1)
    with ground.house.records.transaction():
        assert not ground.house.records.finish_outbox([died.row], "died")


@pytest.mark.parametrize("jump", [BACK, FORWARD], ids=["back an hour", "forward a day"])
def test_a_notice_that_is_being_tried_again_goes_once(
    ground: Ground, jump: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ground.house.announce is not None
    notifier: Any = ground.house.announce.handlers["notice"].notifier  # type: ignore[attr-defined]
    tries: list[object] = []

    def away(message: object) -> None:
        tries.append(message)
        raise Unavailable("The mail server is away.", code="mail-away")

    parcel = ground.send()
    with monkeypatch.context() as patched:
        patched.setattr(notifier, "notice", away)
        for _ in range(3):
            ground.announce()
            ground.clock.now += jump
            ground.announce()
            ground.clock.now += -jump + timedelta(minutes=1)
    assert tries
    assert _state(ground, parcel) == "sent", "given up after less than three days"
    # Its next try may lie as far ahead as the clock jumped, and a pause.
    ground.clock.now += abs(jump) + timedelta(hours=1)
    ground.announce()
    ground.announce()
    assert (_state(ground, parcel), _sent(ground)) == ("announced", 1)
    ground.house.audit.verify()


def test_a_courier_that_is_overtaken_by_the_clock_changes_nothing(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it hands over, the clock jumps a day: another courier takes the row, and says the same once more."""
    assert ground.house.announce is not None
    notifier: Any = ground.house.announce.handlers["notice"].notifier  # type: ignore[attr-defined]
    parcel, tell = ground.send(), notifier.notice

    def slowly(message: object) -> None:
        tell(message)
        monkeypatch.setattr(notifier, "notice", tell)
        ground.clock.now += FORWARD
        ground.announce()

    monkeypatch.setattr(notifier, "notice", slowly)
    ground.announce()
    ground.clock.now -= FORWARD
    ground.announce()
    assert _state(ground, parcel) == "announced"
    assert len({mail["Message-ID"] for mail in ground.mails()}) == 1
    events = [entry.event for entry in ground.house.audit.entries() if entry.event == "reader:announced"]
    assert len(events) == 1


def test_a_delivery_waits_out_a_clock_that_went_back(desk: Delivering, peer: MailPeer) -> None:
    peer.steps["mail"] = "451 4.3.0 later"
    parcel = desk.send()
    desk.ground.announce()
    peer.steps.clear()
    desk.clock.now += BACK
    desk.ground.announce()
    assert desk.state(parcel) == "sent"
    desk.run(hours=1, minutes=2)
    assert (desk.state(parcel), len(peer.mails)) == ("delivered", 1)


def test_a_delivery_whose_day_went_by_at_once_becomes_a_notice_and_nothing_weaker(
    desk: Delivering, peer: MailPeer
) -> None:
    peer.steps["mail"] = "451 4.3.0 later"
    parcel = desk.send(proof="mail")
    desk.ground.announce()
    desk.clock.now += FORWARD
    desk.ground.announce()
    peer.steps.clear()
    desk.clock.now -= FORWARD
    desk.run(minutes=10)
    # It was given up as a delivery while the clock was wrong; the notice that it became goes when its own hour comes.
    desk.run(days=1)
    assert (desk.state(parcel), peer.mails) == ("announced", [])
    assert _sent(desk.ground) == 1

"""The courier's batches: many at once, some refused, leases lost, and killed in the middle."""

import os
import signal
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.ground import databases
from tests.ground.house import TELEPHONE, Ground, make_house
from zegel.errors import Mistake, Unavailable
from zegel.post.written import Written

COUNT = 24


@pytest.fixture
def ground(tmp_path: Path, database: databases.Database) -> Ground:
    return make_house(tmp_path)


class Watched:
    """Stands before the mail route of a house and does what a test wants, by the reader's address."""

    def __init__(self, ground: Ground):
        assert ground.house.announce is not None
        notifier: Any = ground.house.announce.handlers["notice"].notifier  # type: ignore[attr-defined]
        self.inner, notifier._mail = notifier._mail, self
        self.sent = 0
        self.lock = threading.Lock()

    def send(self, mail: Written, sender: str, to: str) -> None:
        with self.lock:
            self.sent += 1
            count = self.sent
        self.before(count, to)
        self.inner.send(mail, sender, to)

    def before(self, count: int, to: str) -> None: ...


def _fill(ground: Ground, count: int = COUNT) -> None:
    for number in range(count):
        ground.send(to=(f"lezer{number}@example.net",), attachments=[])


def _states(ground: Ground) -> Counter[str]:
    return Counter(found.readers[0].state for found in ground.house.follow.parcels(ground.actor, limit=200))


def test_one_refusal_and_one_that_is_away_hold_up_nobody(ground: Ground) -> None:
    class Moody(Watched):
        def before(self, count: int, to: str) -> None:
            if to == "lezer3@example.net":
                raise Mistake("Refused.", code="mail-refused")
            if to == "lezer5@example.net" and count <= COUNT:
                raise Unavailable("Away.", code="mail-away")

    _fill(ground)
    Moody(ground)
    assert ground.house.announce is not None
    assert ground.house.announce.round() == COUNT
    assert _states(ground) == {"announced": COUNT - 2, "unreached": 1, "sent": 1}
    ground.clock.move(minutes=10)
    ground.announce()
    assert _states(ground) == {"announced": COUNT - 1, "unreached": 1}
    announced = [entry for entry in ground.house.audit.entries() if entry.event == "reader:announced"]
    assert len({entry.subject for entry in announced}) == len(announced) == COUNT - 1
    ground.house.audit.verify()


def test_several_are_handed_over_at_the_same_time(ground: Ground) -> None:
    together = threading.Barrier(4, timeout=60)

    class Together(Watched):
        def before(self, count: int, to: str) -> None:
            together.wait()

    _fill(ground, 8)
    Together(ground)
    ground.announce()
    assert _states(ground) == {"announced": 8}


def test_a_batch_that_takes_too_long_is_cut_and_what_was_not_begun_given_back(ground: Ground) -> None:
    class Slow(Watched):
        def before(self, count: int, to: str) -> None:
            ground.clock.move(seconds=11)

    _fill(ground)
    slow = Slow(ground)
    announce = ground.house.announce
    assert announce is not None
    announce.round()
    begun = slow.sent
    assert 1 <= begun <= announce.hands
    # Given back at once, and not counted as tried.
    rows = announce.records.lease_outbox(ground.clock(), "look", 100, 300)
    assert len(rows) == COUNT - begun
    assert {row.attempts for row in rows} == {0}
    with announce.records.transaction():
        announce.records.return_outbox([row.row for row in rows], "look")
    ground.announce()
    assert _states(ground) == {"announced": COUNT}
    assert slow.sent == COUNT


def test_a_code_goes_before_a_full_queue(ground: Ground) -> None:
    _fill(ground)
    parcel = ground.send(proof=f"sms:{TELEPHONE}", to=("wacht@example.net",))
    (slip,) = ground.house.records.slips_of(parcel)
    ground.clock.move(minutes=1)
    ground.house.collect.request_code(slip.slip)
    assert ground.house.announce is not None
    ground.house.announce.round(limit=1)
    assert len(ground.codes()) == 1


def test_a_courier_that_lost_its_leases_changes_nothing(ground: Ground) -> None:
    """It was stopped for six minutes with every mail handed over; meanwhile another one did the same again."""
    _fill(ground, 3)
    announce = ground.house.announce
    assert announce is not None
    slow = announce.records.lease_outbox(ground.clock(), "slow", 10, 300)
    ground.clock.move(minutes=6)
    ground.announce()
    before = list(ground.house.audit.entries())
    with announce.records.transaction():
        assert announce.records.finish_outbox([row.row for row in slow], "slow") == set()
        assert announce.records.finish_outbox([row.row for row in slow], "") == set()
    assert list(ground.house.audit.entries()) == before


@pytest.mark.slow
@pytest.mark.parametrize("deadly", [1, 7, COUNT - 1, COUNT])
def test_killed_in_the_middle_of_a_batch(ground: Ground, deadly: int) -> None:
    class Deadly(Watched):
        def before(self, count: int, to: str) -> None:
            if count == deadly:
                os.kill(os.getpid(), signal.SIGKILL)

    _fill(ground)
    databases.leave()
    child = os.fork()
    if child == 0:
        try:
            Deadly(ground)
            ground.announce()
        finally:
            os._exit(0)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    ground.clock.move(minutes=10)
    ground.announce()
    assert _states(ground) == {"announced": COUNT}
    told = Counter(str(mail["To"]) for mail in ground.mails())
    assert set(told) == {f"lezer{number}@example.net" for number in range(COUNT)}
    assert max(told.values()) <= 2
    # Said twice is seen to be the same: one Message-ID a reader.
    assert len({mail["Message-ID"] for mail in ground.mails()}) == COUNT
    ground.house.audit.verify()

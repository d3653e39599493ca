"""The receiving side killed (SIGKILL) at every step between a parcel's first octet from another organisation and its
mailbox, so also when it is stored and not yet answered: what was answered is there, what is asked again is there once.

As ``test_killed``. The child is the outside and the courier; whoever sends lives on, and asks again as a courier does.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.journeys.test_arrive import TEAM, There, there
from tests.journeys.test_killed import Steps, killed
from zegel.parcels.arrivals import Arrival

__all__ = ["there"]
pytestmark = pytest.mark.slow


def in_child(there: There, arrival: Arrival, data: list[bytes], deadly: int) -> tuple[bool, int]:
    """Take it, and bring it to the mailbox, in a child; returns whether it answered, and its steps (0: it died)."""

    def work(steps: Steps, tell: Callable[[str], object]) -> None:
        there.hand_in(arrival, *data)
        tell("answered")
        there.ground.announce()

    told, steps = killed(deadly, deadly % 2 == 1, work)
    return "answered" in told, steps


@pytest.mark.parametrize("takes", ["mail", "message"])
def test_killed_at_every_step(there: There, tmp_path: Path, takes: str) -> None:
    def made(number: int) -> tuple[Arrival, list[bytes]]:
        if takes == "message":
            return there.message()
        arrival, sealed = there.mail(f"From: zorg@wij.test\r\nMessage-ID: <{number}@x>\r\n\r\nGeheim {number}\r\n")
        return arrival, [sealed]

    first = made(0)
    _, steps = in_child(there, *first, deadly=0)
    assert steps > 20, "the steps are not being counted"
    arrivals, answered = [first[0]], 0
    for deadly in range(1, steps + 1):
        arrival, data = made(deadly)
        arrivals.append(arrival)
        lived, _ = in_child(there, arrival, data, deadly)
        answered += lived
        if not lived:
            # Nobody answered: it is handed over again, to the next process.
            there.hand_in(arrival, *data)
    assert 0 < answered < steps
    # Leases that died with their courier run out.
    for _ in range(2):
        there.ground.clock.move(minutes=20)
        there.ground.announce()
    if takes == "mail":
        contents = [content.partition(b"\r\n\t")[2].partition(b"From")[2] for _, content in there.box.mails]
        assert {to for to, _ in there.box.mails} == {TEAM}
        assert len(set(contents)) == len(arrivals)
        assert max(contents.count(one) for one in contents) <= 2
    else:
        house = there.ground.house
        kept = house.inside_receive().messages(house.people.find("balie@loket.test"), limit=500)
        assert sorted(one.reader.slip for one in kept) == sorted(arrival.slip for arrival in arrivals)
    records = there.ground.house.records
    assert records.count_outbox()["waiting"] == 0
    for arrival in arrivals:
        assert tuple(records.blobs_of(arrival.kept_as)) == arrival.blobs
    events = [entry.subject for entry in there.ground.house.audit.entries() if entry.event == "parcel:arrived"]
    assert sorted(events) == sorted(arrival.kept_as for arrival in arrivals)
    there.ground.house.audit.verify()

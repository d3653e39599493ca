"""The corpus through the door: what DATA lets in comes out of the sealed parcel; the rest gets a 5xx with a reason."""

import pytest

from tests.mail_corpus import made, nasty, tricks
from tests.mail_corpus.case import Case
from tests.smtp.ground import Door
from tests.smtp.wire import Wire

_CASES = [*made.cases(), *nasty.cases(), *tricks.cases()]


@pytest.mark.slow
def test_the_whole_corpus_through_the_door(door: Door) -> None:
    wire = Wire(door.port).login()
    for case in _CASES:
        before = len(door.house.deposits)
        reply = wire.deliver(case.raw)
        if reply.startswith("5"):
            wire.socket.close()
            wire = Wire(door.port).login()
        assert reply.startswith("5" if case.refused or not case.door else "250"), (case.name, reply)
        assert len(door.house.deposits) == before + (not case.refused and case.door)
        if reply.startswith("250"):
            _check(case, door)
    wire.socket.close()


def _check(case: Case, door: Door) -> None:
    found = door.house.last
    if case.text is not None:
        assert found.manifest.text.rstrip("\n") == case.text.rstrip("\n"), case.name
    if case.html is not None:
        assert found.manifest.html.rstrip("\n") == case.html.rstrip("\n"), case.name
    assert sorted((name, data) for name, _, _, data in found.files) == sorted(case.files), case.name

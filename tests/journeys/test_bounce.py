"""Mail that comes back to a notice's own return address: from the notice in the Maildir to the sender's list."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ground.databases import Database
from tests.ground.house import Ground, make_house
from zegel.errors import Denied
from zegel.journeys.bounce import Bounce
from zegel.post.bounce import MOST_BYTES

_BOUNCES = Path(__file__).parents[1] / "post/bounces"


@pytest.fixture
def ground(tmp_path: Path, database: Database) -> Ground:
    return make_house(tmp_path)


def _mail(name: str) -> list[bytes]:
    return (_BOUNCES / f"{name}.eml").read_bytes().splitlines(keepends=True)


def _bounce(ground: Ground) -> Bounce:
    assert ground.house.bounce is not None
    return ground.house.bounce


def _return_path(ground: Ground) -> str:
    return str(ground.mails()[-1]["Return-Path"]).strip(" <>")


def _state(ground: Ground, parcel: str, reader: int = 0) -> str:
    return ground.house.follow.parcel(ground.actor, parcel).readers[reader].state


def _events(ground: Ground, event: str) -> list[dict[str, object]]:
    return [entry.facts for entry in ground.house.audit.entries() if entry.event == event]


def _announced(ground: Ground) -> str:
    parcel = ground.send()
    ground.announce()
    return parcel


def test_a_failure_marks_its_reader_and_nobody_else(ground: Ground) -> None:
    parcel = ground.send(to=("a@example.net", "b@example.net"))
    ground.announce()
    notices = {mail["To"]: str(mail["Return-Path"]).strip(" <>") for mail in ground.mails()}
    assert _bounce(ground).is_bounce_address(notices["b@example.net"])
    _bounce(ground).take(notices["b@example.net"], "", _mail("postfix-failed"))
    found = {reader.address: reader.state for reader in ground.house.follow.parcel(ground.actor, parcel).readers}
    assert found == {"a@example.net": "announced", "b@example.net": "unreached"}
    assert _events(ground, "reader:unreached") == [{"reason": "bounced", "status": "5.1.1"}]
    # The same bounce again, as servers do: once is enough.
    _bounce(ground).take(notices["b@example.net"].upper(), "", _mail("postfix-failed"))
    assert len(_events(ground, "reader:unreached")) == 1


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("postfix-delayed", "reader:delayed"),
        ("vacation-exchange", "reader:autoreplied"),
        ("person", ""),
        ("success", ""),
    ],
)
def test_what_is_no_failure_marks_nobody(ground: Ground, name: str, event: str) -> None:
    parcel = _announced(ground)
    before = len(list(ground.house.audit.entries()))
    for _ in range(3):
        _bounce(ground).take(_return_path(ground), "", _mail(name))
    assert _state(ground, parcel) == "announced"
    added = [entry.event for entry in list(ground.house.audit.entries())[before:]]
    assert added == ([event] if event else [])
    ground.house.audit.verify()


def test_a_forged_address_changes_nothing(ground: Ground) -> None:
    parcel = _announced(ground)
    before = list(ground.house.audit.entries())
    made = _return_path(ground)
    local, _, domain = made.partition("@")
    forged = f"{local[:-1]}{'a' if local[-1] != 'a' else 'b'}@{domain}"
    with pytest.raises(Denied):
        _bounce(ground).check(forged)
    with pytest.raises(Denied):
        _bounce(ground).take(forged, "", _mail("postfix-failed"))
    assert _state(ground, parcel) == "announced"
    assert list(ground.house.audit.entries()) == before


def test_a_reader_who_has_opened_was_reached(ground: Ground) -> None:
    parcel = _announced(ground)
    ground.reading.open(ground.links()[-1], "")
    state = _state(ground, parcel)
    _bounce(ground).take(_return_path(ground), "", _mail("postfix-failed"))
    assert _state(ground, parcel) == state
    assert not _events(ground, "reader:unreached")


def test_a_withdrawn_parcel_stays_so(ground: Ground) -> None:
    parcel = _announced(ground)
    ground.house.revoke.parcel(ground.actor, parcel)
    _bounce(ground).take(_return_path(ground), "", _mail("postfix-failed"))
    assert not _events(ground, "reader:unreached")


def test_a_slip_that_was_never_here(ground: Ground) -> None:
    """The key is right (an export was imported elsewhere, a database restored), but there is no such slip."""
    made = _bounce(ground).addresses.make("a" * 26)
    before = list(ground.house.audit.entries())
    _bounce(ground).take(made, "", _mail("postfix-failed"))
    _bounce(ground).take(made, "", _mail("vacation-sieve"))
    assert list(ground.house.audit.entries()) == before


def test_a_huge_mail_is_read_to_its_end_and_kept_nowhere(ground: Ground) -> None:
    parcel = _announced(ground)
    read = 0

    def mail() -> Iterator[bytes]:
        nonlocal read
        yield b"".join(_mail("postfix-failed"))
        for _ in range(200):
            read += 1
            yield b"x" * MOST_BYTES

    _bounce(ground).take(_return_path(ground), "", mail())
    assert read == 200
    assert _state(ground, parcel) == "unreached"


def test_a_mail_that_was_delivered_may_still_come_back(ground: Ground) -> None:
    """Her server took it, and found out later that she is not there; the slip is wiped by then."""
    parcel = _announced(ground)
    (slip,) = ground.house.records.slips_of(parcel)
    with ground.house.records.transaction():
        ground.house.records.mark(slip.slip, "delivered", ground.clock())
        ground.house.records.wipe_slip(slip.slip, ground.clock())
    _bounce(ground).take(_return_path(ground), "", _mail("exchange-failed"))
    assert _state(ground, parcel) == "unreached"
    assert _events(ground, "reader:unreached") == [{"reason": "bounced", "status": "5.1.10"}]


def test_an_expired_parcel_stays_so(ground: Ground) -> None:
    _announced(ground)
    sender = _return_path(ground)
    ground.clock.move(days=400)
    _bounce(ground).take(sender, "", _mail("postfix-failed"))
    assert not _events(ground, "reader:unreached")

"""Notices through a real Postfix that cannot deliver them: what it sends back finds its reader, and her sender."""

import time
from pathlib import Path
from typing import Any

import pytest

from tests.ground.databases import Database
from tests.ground.house import SENDER, Ground, make_house
from tests.ground.sending_postfix import Postfix, sending_postfix
from tests.outbox.sink import Sink, sink
from zegel.outbox.mail import Relay, SmtpRoute

pytestmark = pytest.mark.slow


@pytest.fixture
def ground(tmp_path: Path, sqlite: Database) -> Ground:
    """The database makes no difference here."""
    return make_house(tmp_path)


def _send_through(ground: Ground, postfix: Postfix) -> str:
    """Send a parcel to one reader; its notice goes to Postfix, what goes to the sender into the Maildir."""
    assert ground.house.announce is not None
    notifier: Any = ground.house.announce.handlers["notice"].notifier  # type: ignore[attr-defined]
    kept, notifier._mail = notifier._mail, SmtpRoute(Relay("127.0.0.1", postfix.port, "none"))
    parcel = ground.send(attachments=[])
    ground.announce()
    notifier._mail.close()
    notifier._mail = kept
    return parcel


def _come_back(ground: Ground, home: Sink) -> None:
    """Wait for what Postfix sends to the return address, and take it."""
    until = time.monotonic() + 60
    while not home.mails:
        assert time.monotonic() < until
        time.sleep(0.05)
    ((sender, (to,), content),) = home.mails
    assert sender == "<>"
    assert ground.house.bounce is not None
    ground.house.bounce.take(to, sender, [content])


def test_an_unknown_reader_is_marked_and_her_sender_told(ground: Ground) -> None:
    with sink() as away, sink() as home:
        away.rcpt = "550 5.1.1 no such user"
        transport = f"inline:{{ voorbeeld.example=smtp:[localhost]:{home.port} }}"
        with sending_postfix(away.port, transport_maps=transport) as postfix:
            parcel = _send_through(ground, postfix)
            assert ground.house.follow.parcel(ground.actor, parcel).readers[0].state == "announced"
            _come_back(ground, home)
    assert ground.house.follow.parcel(ground.actor, parcel).readers[0].state == "unreached"
    ground.announce()
    (report,) = ground.mails()
    assert report["To"] == SENDER
    assert "Status: 5.1.1" in report.as_string()


def test_a_delay_is_noted_and_marks_nobody(ground: Ground) -> None:
    with sink() as away, sink() as home:
        away.rcpt = "450 4.2.0 greylisted"
        transport = f"inline:{{ voorbeeld.example=smtp:[localhost]:{home.port} }}"
        with sending_postfix(away.port, transport_maps=transport, delay_warning_time="1s") as postfix:
            parcel = _send_through(ground, postfix)
            _come_back(ground, home)
    assert ground.house.follow.parcel(ground.actor, parcel).readers[0].state == "announced"
    (noted,) = [entry for entry in ground.house.audit.entries() if entry.event == "reader:delayed"]
    assert noted.facts == {"status": "4.2.0"}

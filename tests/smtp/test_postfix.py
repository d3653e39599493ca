"""A Postfix that relays its queue to us: over TLS, with and without a client certificate, and when we have trouble."""

import smtplib
from dataclasses import replace
from email.message import EmailMessage
from ipaddress import ip_network
from pathlib import Path

import pytest

from tests.ground.sending_postfix import Postfix, sending_postfix
from tests.ground.smtp_door import Server
from tests.outbox.sink import Certificate, make_certificate
from tests.smtp.authority import Authority
from tests.smtp.ground import NOW, READER, House, authenticate, listening, open_door
from zegel.doors.smtp.config import DoorConfig
from zegel.doors.smtp.desk import Journeys
from zegel.errors import Unavailable
from zegel.parcels.notify import Notify

pytestmark = pytest.mark.slow
SENDER = "j.jansen@voorbeeld.example"


def _mail(number: int, sender: str = SENDER) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = f"J. Jansen <{sender}>"
    mail["To"] = READER
    mail["Subject"] = f"Beschikking {number}"
    mail["Message-ID"] = f"<{number}@voorbeeld.example>"
    mail.set_content(".een punt vooraan\n.\nen nog wat\n")
    mail.add_attachment(bytes(range(256)) * 40, maintype="application", subtype="pdf", filename="a.pdf")
    return mail


def _give(postfix: Postfix, *mails: EmailMessage, options: list[str] | None = None) -> None:
    with smtplib.SMTP("127.0.0.1", postfix.port, timeout=20) as client:
        for mail in mails:
            client.send_message(mail, rcpt_options=options or [])


def _wait_for_deposits(house: House, count: int) -> None:
    with house.arrived:
        assert house.arrived.wait_for(lambda: len(house.deposits) >= count, 60)


@pytest.fixture
def server(tmp_path: Path) -> Certificate:
    return make_certificate(tmp_path)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    folder = tmp_path / "ca"
    folder.mkdir()
    return Authority(folder)


def _relay(server: Certificate, **facts: object) -> DoorConfig:
    given = {"networks": (ip_network("127.0.0.0/8"),), **facts}
    return listening(kind="relay", tls="starttls", certificate=server.certificate, private_key=server.key, **given)


def _tls(server: Certificate, client: Certificate | None = None) -> dict[str, str]:
    """Settings of a Postfix that verifies us, and shows a certificate if it has one."""
    found = {"smtp_tls_security_level": "verify", "smtp_tls_CAfile": str(server.certificate),
             "smtp_tls_verify_cert_match": "nexthop", "smtp_tls_loglevel": "1"}  # fmt: skip
    if client:
        found |= {"smtp_tls_cert_file": str(client.certificate), "smtp_tls_key_file": str(client.key)}
    return found


def test_a_queue_is_relayed_over_verified_tls_known_by_address(server: Certificate) -> None:
    with open_door(_relay(server)) as door, sending_postfix(door.port, **_tls(server)) as postfix:
        _give(postfix, *(_mail(number) for number in range(20)))
        _wait_for_deposits(door.house, 20)
        log = postfix.wait_for("status=sent (250 2.0.0 Accepted as parcel")
        assert "Verified TLS connection established" in log
        assert "TLSv1.3" in log
        received = door.house.received
        assert sorted(one.manifest.subject for one in received) == sorted(f"Beschikking {n}" for n in range(20))
        assert {one.manifest.text for one in received} == {".een punt vooraan\n.\nen nog wat"}
        assert all(one.file("a.pdf") == bytes(range(256)) * 40 for one in received)
        assert received[0].manifest.from_.name == "J. Jansen"


def test_it_is_known_by_its_certificate(server: Certificate, authority: Authority) -> None:
    config = _relay(server, networks=(), client_ca=authority.path, client_names=("mx.voorbeeld.example",))
    client = authority.issue("mx.voorbeeld.example")
    with open_door(config) as door, sending_postfix(door.port, **_tls(server, client)) as postfix:
        _give(postfix, _mail(1))
        _wait_for_deposits(door.house, 1)
        postfix.wait_for("status=sent")


@pytest.mark.parametrize("certificate", ["none", "another name"])
def test_without_the_right_certificate_it_is_refused(
    server: Certificate, authority: Authority, certificate: str
) -> None:
    config = _relay(server, networks=(), client_ca=authority.path, client_names=("mx.voorbeeld.example",))
    client = authority.issue("mx.elders.example") if certificate == "another name" else None
    with open_door(config) as door, sending_postfix(door.port, **_tls(server, client)) as postfix:
        _give(postfix, _mail(1))
        assert "550 5.7.1" in postfix.wait_for("status=bounced")
        assert not door.house.deposits


def test_in_the_clear_it_is_told_to_use_tls(server: Certificate) -> None:
    """On loopback that is allowed; the door of this test takes its address for another one."""
    config = _relay(server)
    config = replace(config, listeners=(replace(config.listeners[0], host="0.0.0.0"),))
    settings = {"smtp_tls_security_level": "none"}
    with open_door(config) as door, sending_postfix(door.port, **settings) as postfix:
        _give(postfix, _mail(1))
        assert "530 5.7.0" in postfix.wait_for("status=bounced")
        assert not door.house.deposits


def test_wishes_for_reports_come_through(server: Certificate) -> None:
    with open_door(_relay(server)) as door, sending_postfix(door.port, **_tls(server)) as postfix:
        _give(postfix, _mail(1), options=["NOTIFY=SUCCESS,DELAY", f"ORCPT=rfc822;{READER}"])
        _wait_for_deposits(door.house, 1)
        wish = door.house.deposits[0].readers[0].notify
        assert wish == Notify(True, False, True, True, wish.envid, f"rfc822;{READER}")


def test_a_foreign_sender_bounces(server: Certificate) -> None:
    with open_door(_relay(server)) as door, sending_postfix(door.port, **_tls(server)) as postfix:
        _give(postfix, _mail(1, "x@elders.example"))
        assert "550 5.7.1" in postfix.wait_for("status=bounced")
        assert not door.house.deposits


def test_our_trouble_keeps_the_mail_in_its_queue_until_it_is_over(server: Certificate) -> None:
    house = House()
    house.store.broken = True

    def away() -> None:
        raise Unavailable("The database cannot be reached.", code="database-away")

    with open_door(_relay(server), house) as door, sending_postfix(door.port, **_tls(server)) as postfix:
        _give(postfix, _mail(1))
        assert "451 4.3.0" in postfix.wait_for("status=deferred")
        house.store.broken = False
        house.before_deposit = away
        postfix.flush()
        house.before_deposit = lambda: None
        postfix.flush()
        _wait_for_deposits(house, 1)
        postfix.wait_for("status=sent")
    assert len(door.house.deposits) == 1


def test_a_door_that_stops_in_the_middle_of_a_queue_loses_none(server: Certificate) -> None:
    """Stopped and started again on the same port while a queue of fifty comes in."""
    house = House()
    with open_door(_relay(server), house) as first, sending_postfix(first.port, **_tls(server)) as postfix:
        _give(postfix, *(_mail(number) for number in range(50)))
        _wait_for_deposits(house, 5)
        first.server.stop()
        config = _relay(server)
        config = replace(config, listeners=(replace(config.listeners[0], port=first.port),))
        second = Server(config, Journeys(house.submit, authenticate, house.authors, lambda: NOW))
        second.start()
        try:
            _wait_for_deposits(house, 50)
            postfix.wait_for_empty()
        finally:
            second.stop()
    subjects = [one.manifest.subject for one in house.received]
    assert sorted(subjects) == sorted(f"Beschikking {n}" for n in range(50))

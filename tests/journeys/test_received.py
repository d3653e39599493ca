"""Mail for a mailbox in the portal: in by SMTP, kept sealed, opened by whoever may; on both databases."""

import smtplib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.ground.databases import Database
from tests.ground.house import SENDER, Clock, Ground, make_house
from tests.ground.smtp_door import Server
from zegel import seal
from zegel.doors.smtp.config import DoorConfig, Listener
from zegel.doors.smtp.desk import Journeys
from zegel.doors.smtp.logins import Logins
from zegel.errors import Denied, NotFound, Unavailable
from zegel.journeys.incoming import Incoming
from zegel.journeys.ports.people import Actor
from zegel.journeys.ways import MailboxCarrier, Ways
from zegel.keys.mailboxes import MailboxKeys

TEAM, ANS, BOB = "team@loket.example", "ans@loket.example", "bob@loket.example"
PORTAL = frozenset({"loket.example"})


@dataclass
class Desk:
    """A house with its door open; Ans may read the team's mail, Bob his own alone."""

    ground: Ground
    door: int
    ans: Actor
    bob: Actor

    def send(self, *to: str, notify: str = "") -> dict[str, tuple[int, bytes]]:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = SENDER, ", ".join(to), "Besluit"
        mail["Zegel-Proof"] = "mail"
        mail.set_content("Geheim-XYZZY")
        mail.add_attachment(b"%PDF-1.4 besluit", maintype="application", subtype="pdf", filename="besluit.pdf")
        with smtplib.SMTP("127.0.0.1", self.door, timeout=120) as client:
            client.login(SENDER, self.ground.password)
            return client.send_message(mail, SENDER, to, rcpt_options=[f"NOTIFY={notify}"] if notify else ())

    def states(self) -> dict[str, tuple[str, str]]:
        (status, *_) = self.ground.house.follow.parcels(self.ground.actor)
        return {reader.address: (reader.way, reader.state) for reader in status.readers}


@pytest.fixture
def desk(tmp_path: Path, database: Database) -> Iterator[Desk]:
    clock = Clock()
    with ThreadPoolExecutor(2) as pool:
        ways = Ways(frozenset(), None, pool, clock, portal=PORTAL)
        ground = make_house(tmp_path, clock=clock, ways=ways, mailboxes=MailboxKeys(tmp_path / "mailboxes"))
        house = ground.house
        ways = replace(ways, is_used=house.people.is_used)
        ans, bob = house.welcome.add(ANS, "Ans", None), house.welcome.add(BOB, "Bob", None)
        house.authors.allow(ANS, "Team@loket.example", "Team")
        config = DoorConfig("post.voorbeeld.example", (Listener(port=0),))
        server = Server(
            config, Journeys(house.inside_submit(), Logins(house.people), house.authors, house.clock, ways=ways)
        )
        server.start()
        yield Desk(ground, server.ports[0], ans, bob)
        server.stop()


def opened(desk: Desk, slip: str, number: int) -> bytes:
    receive = desk.ground.house.inside_receive()
    found = receive.open(desk.ans, slip)
    blob, size = found.blobs[number]
    assert receive.blob_size(desk.ans, slip, blob) == size
    sealed = receive.blob(desk.ans, slip, blob)
    return b"".join(seal.open_iter(sealed, seal.HybridIdentity.parse(found.key)))


def test_a_mail_is_kept_and_read_by_who_may(desk: Desk) -> None:
    assert desk.send("TEAM@loket.example", "team@loket.example", "j.dejong@example.net") == {}
    assert desk.states() == {TEAM: ("portal", "kept"), "j.dejong@example.net": ("link", "sent")}
    desk.ground.announce()
    assert [mail["To"] for mail in desk.ground.mails()] == ["j.dejong@example.net"]

    receive = desk.ground.house.inside_receive()
    assert receive.messages(desk.bob) == []
    [message] = receive.messages(desk.ans)
    slip = message.reader.slip
    with pytest.raises(NotFound, match="no such message"):
        receive.open(desk.bob, slip)
    assert b"Geheim-XYZZY" in opened(desk, slip, 0)
    assert desk.states()[TEAM] == ("portal", "opened")
    assert opened(desk, slip, 1) == b"%PDF-1.4 besluit"
    assert desk.states()[TEAM] == ("portal", "downloaded")
    told = [(str(entry.event), entry.actor) for entry in desk.ground.house.audit.entries() if entry.subject == slip]
    by = f"account:{desk.ans.account}"
    assert told == [("key:released", by), ("manifest:fetched", by), ("key:released", by), ("attachment:fetched", by)]

    # The link's reader has a slip of another kind: no account opens it, and no link opens the mailbox's.
    [parcel] = desk.ground.house.follow.parcels(desk.ground.actor)
    [link] = [reader.slip for reader in parcel.readers if reader.way == "link"]
    with pytest.raises(NotFound):
        receive.open(desk.ans, link)
    with pytest.raises(NotFound):
        desk.ground.house.collect.open(slip)

    # A right that is taken back closes the mailbox.
    desk.ground.house.authors.disallow(ANS, "Team@loket.example")
    with pytest.raises(NotFound):
        receive.open(desk.ans, slip)


def test_who_asks_hears_that_it_lies_in_the_mailbox(desk: Desk) -> None:
    desk.send(ANS, notify="FAILURE")
    desk.send(ANS, BOB, notify="SUCCESS,FAILURE")
    desk.ground.announce()
    reports = desk.ground.mails()
    assert {mail["To"] for mail in reports} == {SENDER}
    assert sorted(mail["Subject"] for mail in reports) == [f"Bezorgd: {ANS}", f"Bezorgd: {BOB}"]
    for report in reports:
        assert "Action: delivered" in report.as_string()
        assert "ligt in de postbus van" in " ".join(report.get_body(("plain",)).get_content().split())  # type: ignore[union-attr]
        assert "XYZZY" not in report.as_string()


def test_withdrawn_or_expired_it_is_gone(desk: Desk) -> None:
    house = desk.ground.house
    for _ in range(2):
        desk.send(ANS)
    first, second = house.inside_receive().messages(desk.ans)
    parcels = {parcel.readers[0].slip: parcel.parcel for parcel in house.follow.parcels(desk.ground.actor)}
    house.revoke.reader(desk.ground.actor, parcels[first.reader.slip], first.reader.slip)
    with pytest.raises(NotFound, match="withdrawn"):
        house.inside_receive().open(desk.ans, first.reader.slip)
    assert house.follow.parcel(desk.ground.actor, parcels[first.reader.slip]).state == "gone"
    desk.ground.clock.now = second.expires + timedelta(seconds=1)
    with pytest.raises(NotFound, match="available until"):
        house.inside_receive().open(desk.ans, second.reader.slip)
    house.expire.round()
    assert house.records.slip(second.reader.slip).sealed_slip == b""
    assert {message.state for message in house.inside_receive().messages(desk.ans)} == {"revoked", "expired"}


def test_a_mail_for_a_mailbox_that_nobody_reads_is_refused(desk: Desk) -> None:
    with pytest.raises(smtplib.SMTPResponseException, match=r"no mailbox|geen postbus"):
        desk.send("tema@loket.example")
    assert desk.ground.house.follow.parcels(desk.ground.actor) == []


def test_a_stranger_is_told_at_once_that_there_is_no_such_mailbox(desk: Desk) -> None:
    is_used = desk.ground.house.people.is_used
    incoming = Incoming(MailboxCarrier({}), PORTAL, "post.voorbeeld.example", PORTAL, is_used)
    assert incoming.is_mailbox("x@Loket.example")
    incoming.check("Team@loket.example")
    with pytest.raises(Denied, match="no mailbox"):
        incoming.check("tema@loket.example")


def test_what_is_exported_for_a_mailbox_opens_with_its_key(desk: Desk, tmp_path: Path) -> None:
    desk.send(ANS)
    [parcel] = desk.ground.house.follow.parcels(desk.ground.actor)
    files = {name: b"".join(pieces) for name, pieces in desk.ground.house.export.files(parcel.parcel, ANS)}
    text = MailboxKeys(tmp_path / "mailboxes").open_sealed("loket.example", files["slip.age"]).decode()
    assert text.startswith(f"# zegel slip v1 parcel {parcel.parcel}\n")
    assert "release-share.txt" not in files
    assert b"keys/mailboxes" in files["README.txt"]


def test_the_outside_has_no_key_and_no_journey_that_would_use_one(desk: Desk) -> None:
    outside = replace(desk.ground.house, receive=None)
    with pytest.raises(Unavailable, match="holds no keys"):
        outside.inside_receive()

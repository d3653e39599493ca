"""The mail itself to a server that proves itself, to one that stops doing so, and to one that lies; both databases."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import dkim
import pytest

from tests.ground import databases
from tests.ground.delivery import (
    MAIL,
    NAME,
    OWN,
    READER,
    Certificates,
    Delivering,
    delivering,
    failing,
    finish,
    make_certificates,
    proving,
    unproven,
)
from tests.ground.mail_peer import CUT, MailPeer, mail_peer
from zegel import seal
from zegel.errors import Mistake, NotFound
from zegel.keys.dkim import DkimKeys
from zegel.outbox.direct import MailServer
from zegel.parcels.notify import Notify
from zegel.parcels.proofs import Proof
from zegel.parcels.ways import Way
from zegel.records.models import Slip

BOUNCES = Path(__file__).parent.parent / "post/bounces"


def test_a_mail_is_delivered_and_what_opens_it_is_destroyed(desk: Delivering, peer: MailPeer) -> None:
    parcel = desk.send()
    desk.ground.announce()
    assert [mail.content for mail in peer.mails] == [MAIL]
    slip = desk.ground.house.records.slip(desk.slip(parcel))
    assert (desk.state(parcel), slip.sealed_slip, slip.share, slip.revoked) == ("delivered", b"", b"", None)
    assert desk.events(slip.slip) == ["reader:delivered"]
    (entry,) = [one for one in desk.ground.house.audit.entries() if one.event == "reader:delivered"]
    assert (entry.facts["way"], entry.facts["proof"], entry.facts["tls"]) == ("direct", "dane", "TLSv1.3")
    # Bounces come to an address of this reader's own.
    assert peer.mails[0].mail.startswith("MAIL FROM:<post+")
    assert not (desk.ground.folder / "mail" / "new").exists() or not desk.ground.mails()


def test_a_delivered_mail_cannot_be_opened_with_a_link_nor_taken_back(desk: Delivering, peer: MailPeer) -> None:
    parcel = desk.send()
    desk.ground.announce()
    with pytest.raises(NotFound):
        desk.ground.house.collect.look(desk.slip(parcel))
    with pytest.raises(Mistake, match="delivered"):
        desk.ground.house.revoke.reader(desk.ground.actor, parcel, desk.slip(parcel))
    desk.ground.house.revoke.parcel(desk.ground.actor, parcel)
    assert desk.state(parcel) == "delivered"


def test_what_lies_in_storage_and_database_cannot_be_read(
    desk: Delivering, peer: MailPeer, database: databases.Database
) -> None:
    desk.send()
    for path in (desk.ground.folder / "store").rglob("*"):
        assert not path.is_file() or b"XYZZY" not in path.read_bytes()
    assert b"XYZZY" not in databases.dump(database)
    assert b"AGE-SECRET-KEY" not in databases.dump(database)


@pytest.mark.parametrize("way", ["direct", "link"])
def test_whoever_writes_the_database_sends_nothing_elsewhere(desk: Delivering, peer: MailPeer, way: Way) -> None:
    """The attack: a hostile outside zone writes its own address into a slip, and the courier brings it the mail."""
    parcel = desk.send(way=way, proof="mail")
    Slip.objects.filter(slip=desk.slip(parcel)).update(address="dief@example.nl")
    for _ in range(3):
        desk.run(hours=1)
    assert peer.mails == []
    assert not [mail for mail in desk.ground.mails() if "dief@example.nl" in str(mail["To"])]
    assert desk.state(parcel) == "unreached"


def test_whoever_writes_the_database_chooses_no_weaker_way(desk: Delivering, peer: MailPeer) -> None:
    """The attack: what should only go where it stays sealed goes to a mail server in the clear."""
    parcel = desk.send(way="zegel", proof="mail")
    Slip.objects.filter(slip=desk.slip(parcel)).update(way="direct")
    desk.ground.announce()
    assert peer.mails == []


@pytest.mark.parametrize("key", [b"", b"k" * 32])
@pytest.mark.parametrize("proof", ["", "mail"])
def test_whoever_writes_the_database_sends_no_mail_of_his_own(
    desk: Delivering, peer: MailPeer, key: bytes, proof: str
) -> None:
    """The attack: the courier's recipient is public, so anybody can seal a row for it, with a mail that he wrote."""
    forger = replace(desk.ground.house.inside_submit(), row_key=key)
    parcel = finish(forger.begin(desk.ground.actor), (READER,), "direct", Proof(proof) if proof else None)
    for _ in range(3):
        desk.run(hours=1)
    assert peer.mails == []
    assert desk.state(parcel) == "unreached"
    # Nor does it become a notice of ours about a message that he wrote.
    assert not [mail for mail in desk.ground.mails() if READER in str(mail["To"])]


def test_a_server_that_is_away_is_tried_again(desk: Delivering, peer: MailPeer) -> None:
    peer.steps["mail"] = "451 4.3.0 later"
    parcel = desk.send()
    desk.ground.announce()
    assert desk.state(parcel) == "sent"
    del peer.steps["mail"]
    desk.run(minutes=5)
    assert desk.state(parcel) == "delivered"
    assert len(peer.mails) == 1


def test_after_a_day_of_trying_it_becomes_a_notice(desk: Delivering, peer: MailPeer) -> None:
    peer.steps["mail"] = "451 4.3.0 later"
    parcel = desk.send(proof="mail")
    for _ in range(30):
        desk.run(hours=1)
    assert desk.state(parcel) == "announced"
    assert peer.mails == []
    opened = desk.ground.reading.open(desk.ground.links()[0], "")
    assert opened.manifest.text == "Geheim-XYZZY"
    status = desk.ground.house.follow.parcel(desk.ground.actor, parcel)
    assert status.readers[0].way == "link"
    assert "reader:rerouted" in desk.events(desk.slip(parcel))


def test_a_domain_that_stops_proving_itself_gets_a_notice_at_once(desk: Delivering, peer: MailPeer) -> None:
    parcel = desk.send(proof="mail")
    desk.domains.offers["example.nl"] = unproven(desk.domains.offers["example.nl"])
    desk.ground.announce()
    assert (desk.state(parcel), peer.connections) == ("announced", 0)


def test_without_a_proof_the_sender_is_asked_and_nothing_is_sent(desk: Delivering, peer: MailPeer) -> None:
    parcel = desk.send()
    desk.domains.offers["example.nl"] = unproven(desk.domains.offers["example.nl"])
    desk.ground.announce()
    assert desk.state(parcel) == "waiting"
    assert desk.ground.house.records.count_outbox()["held"] == 1
    (request,) = desk.ground.mails()
    assert request["To"] == desk.ground.actor.address
    assert "XYZZY" not in request.as_string()


def test_a_wrong_certificate_is_an_alarm_and_gets_no_mail(desk: Delivering, peer: MailPeer, tmp_path: Path) -> None:
    other = make_certificates(tmp_path / "other", "mx.example.nl")
    desk.domains.offers["example.nl"] = proving(other)
    parcel = desk.send(proof="mail")
    desk.ground.announce()
    desk.run(minutes=5)
    assert desk.events(desk.slip(parcel)) == ["reader:alarmed"]
    assert not any(line.startswith("MAIL") for line in peer.said), "the envelope was told to a liar"
    for _ in range(30):
        desk.run(hours=1)
    assert (desk.state(parcel), peer.mails) == ("announced", [])


def test_a_replaced_certificate_with_its_record_is_no_alarm(
    desk: Delivering, peer: MailPeer, certificates: Certificates, tmp_path: Path
) -> None:
    """The record was replaced after it was asked for last."""
    stale = proving(make_certificates(tmp_path / "stale", "mx.example.nl"))
    kept, asked = desk.domains, []

    def offer(domain: str, *, fresh: bool = False) -> object:
        asked.append(fresh)
        return kept.offers[domain] if fresh else stale

    kept.offer = offer  # type: ignore[method-assign, assignment]
    parcel = desk.send()
    desk.ground.announce()
    assert (desk.state(parcel), asked) == ("delivered", [False, True])
    assert desk.events(desk.slip(parcel)) == ["reader:delivered"]


def test_dns_that_does_not_answer_is_asked_again(desk: Delivering, peer: MailPeer) -> None:
    proven = desk.domains.offers["example.nl"]
    desk.domains.offers["example.nl"] = failing(proven)
    parcel = desk.send()
    desk.ground.announce()
    assert desk.state(parcel) == "sent"
    desk.domains.offers["example.nl"] = proven
    desk.run(minutes=5)
    assert desk.state(parcel) == "delivered"


def test_a_reader_whose_server_refuses_is_unreached_and_the_sender_hears(desk: Delivering, peer: MailPeer) -> None:
    peer.steps["rcpt"] = "550 5.1.1 no such user"
    parcel = desk.send(proof="mail")
    desk.ground.announce()
    assert desk.state(parcel) == "unreached"
    (report,) = desk.ground.mails()
    assert report["To"] == desk.ground.actor.address
    assert READER in report.as_string()


def test_a_mail_too_large_for_the_server_becomes_a_notice(desk: Delivering, peer: MailPeer) -> None:
    peer.extensions = ("mx.example.nl", "SIZE 10", "8BITMIME")
    parcel = desk.send(proof="mail")
    desk.ground.announce()
    assert desk.state(parcel) == "announced"


def test_without_an_answer_to_the_end_the_same_mail_goes_again(desk: Delivering, peer: MailPeer) -> None:
    """At least once: the server may have it, and gets it again under the same Message-ID."""
    peer.steps["end"] = CUT
    parcel = desk.send()
    desk.ground.announce()
    assert desk.state(parcel) == "sent"
    del peer.steps["end"]
    desk.run(minutes=5)
    assert desk.state(parcel) == "delivered"
    assert len({mail.content for mail in peer.mails}) == 1


def test_nothing_is_sent_of_what_was_withdrawn_or_is_over(desk: Delivering, peer: MailPeer) -> None:
    peer.steps["mail"] = "451 4.3.0 later"
    withdrawn, over = desk.send(), desk.send()
    desk.ground.announce()
    peer.steps.clear()
    desk.ground.house.revoke.parcel(desk.ground.actor, withdrawn)
    desk.run(days=40)
    assert (desk.state(withdrawn), desk.state(over), peer.mails) == ("revoked", "unreached", [])


def test_a_server_hears_how_large_the_mail_is(desk: Delivering, peer: MailPeer) -> None:
    peer.extensions = ("mx.example.nl", "SIZE 1000")
    desk.send()
    desk.ground.announce()
    assert peer.mails[0].mail.endswith(f" SIZE={len(MAIL)}")


def test_a_wish_to_hear_of_success_travels_and_is_granted(desk: Delivering, peer: MailPeer) -> None:
    wish = Notify(success=True, failure=True, asked=True, envid="e1", orcpt="rfc822;j.dejong@example.nl")
    desk.send(notify=wish)
    desk.ground.announce()
    assert "NOTIFY=SUCCESS,FAILURE" in peer.mails[0].rcpt
    assert "ENVID=e1" in peer.mails[0].mail
    (report,) = desk.ground.mails()
    assert "delivered" in report.as_string()


def test_a_bounce_after_the_delivery_is_told_to_the_sender(desk: Delivering, peer: MailPeer) -> None:
    parcel = desk.send()
    desk.ground.announce()
    address = peer.mails[0].mail.partition("<")[2].partition(">")[0]
    bounce = (BOUNCES / "postfix-failed.eml").read_bytes()
    assert desk.ground.house.bounce
    desk.ground.house.bounce.take(address, "", [bounce])
    desk.ground.announce()
    assert desk.state(parcel) == "unreached"
    (report,) = desk.ground.mails()
    assert report["To"] == desk.ground.actor.address


def test_a_mailbox_of_ours_gets_the_mail_over_lmtp(
    tmp_path: Path, database: databases.Database, certificates: Certificates
) -> None:
    with mail_peer(certificates.chain, certificates.key) as box:
        server = MailServer("127.0.0.1", box.port, "lmtp", "starttls", certificates.authorities, NAME)
        with delivering(tmp_path, certificates, 1, mailbox=server) as desk:
            box.steps["mail"] = "451 4.3.0 later"
            parcel = desk.send(OWN, way="mailbox")
            for _ in range(30):
                desk.run(hours=1)
            assert desk.state(parcel) == "sent", "an own mailbox is not given up after a day"
            box.steps.clear()
            desk.run(hours=5)
            assert (desk.state(parcel), [mail.content for mail in box.mails]) == ("delivered", [MAIL])


def test_a_mailbox_server_without_a_right_certificate_gets_nothing(
    tmp_path: Path, database: databases.Database, certificates: Certificates
) -> None:
    other = make_certificates(tmp_path / "other", "elsewhere.example")
    with mail_peer(certificates.chain, certificates.key) as box:
        server = MailServer("127.0.0.1", box.port, "lmtp", "starttls", other.authorities, NAME)
        with delivering(tmp_path, certificates, 1, mailbox=server) as desk:
            parcel = desk.send(OWN, way="mailbox")
            desk.ground.announce()
            assert (desk.state(parcel), box.mails) == ("sent", [])
            assert desk.events(desk.slip(parcel)) == ["reader:alarmed"]


def test_what_goes_direct_is_signed_and_another_verifier_agrees(
    tmp_path: Path, database: databases.Database, certificates: Certificates, peer: MailPeer
) -> None:
    keys = DkimKeys(tmp_path / "dkim", "voorbeeld.example")
    records = {record.name: record.text.encode() for record in keys.make("2026a")}
    signer = keys.signer("2026a", lambda: datetime.now(UTC))
    long = MAIL + b"regel\r\n" * 50_000 + b".\r\n\r\n"
    with delivering(tmp_path, certificates, peer.port, signer=signer) as desk:
        desk.send()
        desk.send(mail=long)
        desk.ground.announce()
    for mail, sent in zip(sorted(peer.mails, key=lambda one: len(one.content)), (MAIL, long), strict=True):
        assert mail.content.endswith(sent)
        verifier = dkim.DKIM(mail.content)
        for index in (0, 1):
            assert verifier.verify(idx=index, dnsfunc=lambda name, timeout=5: records[name.decode().rstrip(".")])


def test_what_passes_is_signed_when_it_is_ours_and_its_report_speaks_of_no_notice(
    tmp_path: Path, database: databases.Database, certificates: Certificates
) -> None:
    keys = DkimKeys(tmp_path / "dkim", "voorbeeld.example")
    records = {record.name: record.text.encode() for record in keys.make("2026a")}
    signer = keys.signer("2026a", lambda: datetime.now(UTC))
    foreign = MAIL.replace(b"a@voorbeeld.example", b"a@voorbeeld.example, b@elders.example")
    with mail_peer() as relay:
        plain = MailServer("127.0.0.1", relay.port, "smtp", "none")
        with delivering(tmp_path, certificates, 1, plain=plain, signer=signer) as desk:
            desk.send(way="plain", notify=Notify(success=True, asked=True))
            desk.ground.announce()
            desk.send(way="plain", mail=foreign)
            desk.ground.announce()
            (report,) = desk.ground.mails()
    ours, theirs = relay.mails
    assert ours.content.endswith(MAIL)
    for index in (0, 1):
        verifier = dkim.DKIM(ours.content)
        assert verifier.verify(idx=index, dnsfunc=lambda name, timeout=5: records[name.decode().rstrip(".")])
    assert theirs.content == foreign
    assert report["Subject"] == f"Doorgegeven: {READER}"
    assert "Action: relayed" in report.as_string()
    assert "aankondiging" not in report.as_string()


def test_a_server_that_did_not_prove_itself_is_noted_when_another_took_the_mail(
    desk: Delivering, peer: MailPeer, tmp_path: Path
) -> None:
    (true,) = desk.domains.offers["example.nl"].servers
    (false,) = proving(make_certificates(tmp_path / "other", "mx.example.nl")).servers
    servers = (replace(false, name="mx0.example.nl", base="mx0.example.nl", preference=5), true)
    desk.domains.offers["example.nl"] = replace(desk.domains.offers["example.nl"], servers=servers)
    parcel = desk.send()
    desk.ground.announce()
    assert desk.state(parcel) == "delivered"
    (entry,) = [one for one in desk.ground.house.audit.entries() if one.event == "reader:delivered"]
    assert entry.facts["distrusted"] == 1


def test_a_delay_is_told_with_the_time_when_it_becomes_a_notice(desk: Delivering, peer: MailPeer) -> None:
    peer.steps["mail"] = "451 4.3.0 later"
    desk.send(proof="mail", notify=Notify(failure=True, delay=True, asked=True))
    for _ in range(6):
        desk.run(hours=1)
    (report,) = desk.ground.mails()
    body = report.get_body(("plain",))
    assert body is not None
    words = " ".join(body.get_content().split())
    # A day after it was sent (``direct.hours``), not three.
    assert "proberen tot zaterdag 21 november 2026" in words
    assert "wordt het een aankondiging met een link" in words


@pytest.mark.slow
def test_a_mail_of_100_megabytes_takes_flat_memory(
    tmp_path: Path, database: databases.Database, certificates: Certificates
) -> None:
    line = b"x" * 16_382 + b"\r\n"
    pieces = (line * 16 for _ in range(400))
    with mail_peer(certificates.chain, certificates.key) as peer:
        peer.keep, peer.extensions = False, ("mx", "SIZE 200000000")
        with delivering(tmp_path, certificates, peer.port) as desk:
            desk.send()
            desk.ground.announce()
            packing = desk.ground.house.inside_submit().begin(desk.ground.actor)
            before = peak(reset=True)
            finish(packing, (READER,), "direct", pieces=pieces)
            desk.ground.announce()
            assert peak() - before < 48 * 1024**2
            assert peer.size == len(MAIL) + 400 * 16 * len(line)
    (latest, _) = desk.ground.house.follow.parcels(desk.ground.actor)
    assert latest.readers[0].state == "delivered"


def peak(*, reset: bool = False) -> int:
    """The most memory that this process had (bytes), since the last time it was reset."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) * 1024


def test_whoever_has_a_link_does_not_get_the_mail_itself(desk: Delivering, peer: MailPeer) -> None:
    """The mail is a blob like the others; what a reader is offered, and an export for her, do not have it."""
    parcel = desk.send(proof="mail")
    desk.domains.offers["example.nl"] = unproven(desk.domains.offers["example.nl"])
    desk.ground.announce()
    manifest, mail = desk.ground.house.records.blobs_of(parcel)
    names = {name for name, _ in desk.ground.house.export.files(parcel, READER)}
    assert f"blobs/{manifest.blob}.age" in names
    assert f"blobs/{mail.blob}.age" not in names
    link = desk.ground.links()[0]
    released = desk.ground.house.collect.open(link.slip, "")
    assert [blob for blob, _ in released.blobs] == [manifest.blob]
    with pytest.raises(NotFound):
        desk.ground.house.collect.blob_size(link.slip, mail.blob, released.ticket)


def test_the_archive_can_open_the_mail_itself(
    tmp_path: Path, database: databases.Database, certificates: Certificates, peer: MailPeer
) -> None:
    identity = seal.HybridIdentity.generate()
    with delivering(tmp_path, certificates, peer.port, archive=str(identity.recipient)) as desk:
        parcel = desk.send()
        desk.ground.announce()
        files = {name: b"".join(pieces) for name, pieces in desk.ground.house.export.files(parcel, "archive")}
        key = seal.HybridIdentity.parse(seal.open_(files["slip.age"], identity).decode().split()[-1])
        mail = desk.ground.house.records.blobs_of(parcel)[1].blob
        assert seal.open_(files[f"blobs/{mail}.age"], key) == MAIL
        assert f"blobs/{mail}.age > mail.eml" in files["README.txt"].decode()


def test_readers_by_link_are_not_shown_the_mail_itself(desk: Delivering, peer: MailPeer) -> None:
    """One parcel, two ways: who reads in the browser sees what the manifest names and no more."""
    desk.send(READER, "k@elders.example", proof="mail")
    desk.ground.announce()
    assert len(peer.mails) == 1
    opened = desk.ground.reading.open(desk.ground.links()[0], "")
    assert opened.manifest.attachments == ()

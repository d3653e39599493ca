"""From sender to reader through the journeys, on both databases, with the real hands."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from tests.ground import databases
from tests.ground.house import READER, SENDER, Ground, make_house
from zegel import seal
from zegel.errors import Damaged, Denied, Mistake, NotFound, Unavailable
from zegel.journeys.submit import Message, ReaderWish
from zegel.parcels import proofs
from zegel.parcels.claim import Link
from zegel.parcels.deposit import Deposit
from zegel.parcels.limits import Limits
from zegel.parcels.proofs import parse_proof
from zegel.peers.server import RemoteActor
from zegel.records.models import Copy


@pytest.fixture
def ground(tmp_path: Path, database: databases.Database) -> Ground:
    return make_house(tmp_path)


def read_all(ground: Ground, link: Link, code: str = "") -> dict[str, bytes]:
    opened = ground.reading.open(link, code)
    assert opened.unverified == ""
    return {item.name: b"".join(opened.attachment(item)) for item in opened.manifest.attachments}


def events(ground: Ground) -> list[str]:
    return [str(entry.event) for entry in ground.house.audit.entries()]


def test_a_message_arrives_as_it_was_sent(ground: Ground) -> None:
    files = [("leeg.txt", "text/plain", b""), ("groot.bin", "application/octet-stream", bytes(range(256)) * 1000)]
    link = ground.send_and_link(subject="Beschikking é", text="Geachte …", html="<p>Geachte …", attachments=files)
    opened = ground.reading.open(link, "")
    assert (opened.manifest.subject, opened.manifest.text, opened.manifest.html) == (
        "Beschikking é",
        "Geachte …",
        "<p>Geachte …",
    )
    assert read_all(ground, link) == {name: data for name, _, data in files}


def test_the_sender_sees_every_milestone(ground: Ground) -> None:
    parcel = ground.send()

    def state() -> str:
        return ground.house.follow.parcel(ground.actor, parcel).readers[0].state

    assert state() == "sent"
    ground.announce()
    assert state() == "announced"
    opened = ground.reading.open(ground.links()[0], "")
    assert state() == "opened"
    assert b"".join(opened.attachment(opened.manifest.attachments[0]))
    assert state() == "downloaded"
    assert events(ground)[-4:] == ["reader:announced", "share:released", "manifest:fetched", "attachment:fetched"]
    ground.house.audit.verify()


def test_nothing_readable_lies_in_storage_or_database(tmp_path: Path, database: databases.Database) -> None:
    ground = make_house(tmp_path)
    ground.send_and_link(
        subject="Onderwerp-XYZZY", text="Tekst-XYZZY", attachments=[("Naam-XYZZY.txt", "text/plain", b"Bijlage-XYZZY")]
    )
    secret = str(ground.links()[0]).partition("#")[2].encode()
    for path in (tmp_path / "zegel" / "store").rglob("*"):
        assert not path.is_file() or b"XYZZY" not in path.read_bytes()
    dumped = databases.dump(database)
    assert b"XYZZY" not in dumped
    assert secret not in dumped
    assert READER.encode() in dumped


def test_an_sms_code_opens_once(ground: Ground) -> None:
    link = ground.send_and_link(proof="sms:+31612345642")
    ground.reading.request_code(link, "nl")
    ground.announce()
    code = ground.codes()[0]
    assert read_all(ground, link, code)
    with pytest.raises(Denied, match="no longer valid"):
        ground.reading.open(link, code)


@pytest.mark.parametrize("wrong", ["000000", "", "12345", "x" * 10_000, "１２３４５６"])
def test_a_wrong_and_a_never_requested_code_have_one_answer(ground: Ground, wrong: str) -> None:
    link = ground.send_and_link(proof="sms:+31612345642")
    with pytest.raises(Denied) as never:
        ground.reading.open(link, wrong)
    ground.reading.request_code(link, "nl")
    ground.announce()
    with pytest.raises(Denied) as failed:
        ground.reading.open(link, wrong if wrong != ground.codes()[0] else "000001")
    assert (str(never.value), never.value.kind) == (str(failed.value), failed.value.kind)


def test_an_old_code_stops_counting(ground: Ground) -> None:
    link = ground.send_and_link(proof="sms:+31612345642")
    ground.reading.request_code(link, "nl")
    ground.announce()
    first = ground.codes()[0]
    ground.clock.move(minutes=2)
    ground.reading.request_code(link, "nl")
    ground.announce()
    if ground.codes()[1] != first:
        with pytest.raises(Denied):
            ground.reading.open(link, first)
    assert read_all(ground, link, ground.codes()[1])


def test_a_code_expires_after_ten_minutes(ground: Ground) -> None:
    link = ground.send_and_link(proof="sms:+31612345642")
    ground.reading.request_code(link, "nl")
    ground.announce()
    ground.clock.move(minutes=10)
    with pytest.raises(Denied, match="no longer valid"):
        ground.reading.open(link, ground.codes()[0])


def test_five_tries_and_the_right_code_is_too_late(ground: Ground) -> None:
    link = ground.send_and_link(proof="sms:+31612345642")
    ground.reading.request_code(link, "nl")
    ground.announce()
    right = ground.codes()[0]
    wrong = "000000" if right != "000000" else "000001"
    for _ in range(5):
        with pytest.raises(Denied):
            ground.reading.open(link, wrong)
    with pytest.raises(Denied, match="too many") as paused:
        ground.reading.open(link, right)
    assert paused.value.retry_after
    ground.clock.move(minutes=2)
    with pytest.raises(Denied, match="no longer valid"):
        ground.reading.open(link, right)


def test_codes_cannot_be_ordered_in_bulk(ground: Ground) -> None:
    link = ground.send_and_link(proof="sms:+31612345642")
    refused = []
    for _ in range(90):
        try:
            ground.reading.request_code(link, "nl")
        except Denied as error:
            refused.append(error)
        ground.clock.move(seconds=30)
    assert len(refused) == 85
    assert all(error.kind == "code-paused" and error.retry_after for error in refused)


def test_an_access_code_is_recognised(ground: Ground) -> None:
    link = ground.send_and_link(proof="code:Klant-1234")
    with pytest.raises(Denied):
        ground.reading.open(link, "klant-1235")
    assert read_all(ground, link, "klant 1234")


def test_a_wrong_link_opens_nothing(ground: Ground) -> None:
    link = ground.send_and_link()
    with pytest.raises(Denied, match="altered"):
        ground.reading.open(Link(link.base, link.slip, b"x" * 32), "")


def test_the_slip_of_another_parcel_is_refused(ground: Ground) -> None:
    """The server swaps parcels behind a reader's back: slip and share of one, blobs of another."""
    first, second = ground.send_and_link(), ground.send_and_link()
    releases = ground.reading.releases
    other = releases.open(second.slip, "").parcel
    honest = releases.open

    def swapped(slip: str, code: str):  # type: ignore[no-untyped-def]
        return replace(honest(slip, code), parcel=other)

    reading = ground.reading
    reading.releases.open = swapped  # type: ignore[method-assign]
    with pytest.raises(Damaged, match="another parcel"):
        reading.open(first, "")


def blob_paths(ground: Ground, parcel: str) -> list[Path]:
    blobs = ground.house.records.blobs_of(parcel)
    return [ground.folder / "store" / "blobs" / blob.blob[:2] / blob.blob for blob in blobs]


@pytest.mark.parametrize("position", [0, 30, 1200, -1])
def test_a_damaged_blob_is_refused(ground: Ground, position: int) -> None:
    link = ground.send_and_link()
    parcel = ground.house.follow.parcels(ground.actor)[0].parcel
    for path in blob_paths(ground, parcel):
        data = bytearray(path.read_bytes())
        data[position] ^= 1
        whole = path.read_bytes()
        path.write_bytes(data)
        with pytest.raises((Damaged, Denied)):
            read_all(ground, link)
        path.write_bytes(whole)
    assert read_all(ground, link)


def test_swapped_and_cut_attachments_are_refused(ground: Ground) -> None:
    link = ground.send_and_link(attachments=[("a", "text/plain", b"aaaa"), ("b", "text/plain", b"bbbb")])
    parcel = ground.house.follow.parcels(ground.actor)[0].parcel
    _, first, second = blob_paths(ground, parcel)
    a, b = first.read_bytes(), second.read_bytes()
    first.write_bytes(b)
    with pytest.raises(Damaged, match="something else than what was written"):
        read_all(ground, link)
    # A hostile outside, which alters its records too, is caught by the reader herself.
    Copy.objects.filter(blob=first.name).update(size=len(b), sha256=hashlib.sha256(b).hexdigest())
    with pytest.raises(Damaged, match="not the one that was sent"):
        read_all(ground, link)
    first.write_bytes(a[:-1])
    with pytest.raises(Damaged):
        read_all(ground, link)


def test_a_missing_blob_says_so(ground: Ground) -> None:
    link = ground.send_and_link()
    blob_paths(ground, ground.house.follow.parcels(ground.actor)[0].parcel)[1].unlink()
    with pytest.raises(NotFound, match="storage"):
        read_all(ground, link)


def test_revoking_one_reader_leaves_the_others(ground: Ground) -> None:
    parcel = ground.send(to=("a@example.net", "b@example.net"))
    ground.announce()
    links = {mail["To"]: ground.link_in(mail) for mail in ground.mails()}
    first = ground.house.follow.parcel(ground.actor, parcel).readers[0]
    ground.house.revoke.reader(ground.actor, parcel, first.slip)
    with pytest.raises(NotFound, match="withdrawn"):
        ground.reading.open(links[first.address], "")
    del links[first.address]
    assert read_all(ground, *links.values())


def test_revoking_the_last_reader_ends_the_parcel(ground: Ground) -> None:
    parcel = ground.send()
    paths = blob_paths(ground, parcel)
    slip = ground.house.follow.parcel(ground.actor, parcel).readers[0].slip
    ground.house.revoke.reader(ground.actor, parcel, slip)
    assert ground.house.follow.parcel(ground.actor, parcel).state == "gone"
    assert not any(path.exists() for path in paths)
    assert ground.house.records.slip(slip).sealed_slip == b""


def test_a_revoked_parcel_is_announced_to_nobody(ground: Ground) -> None:
    parcel = ground.send()
    ground.house.revoke.parcel(ground.actor, parcel)
    ground.house.revoke.parcel(ground.actor, parcel)
    ground.announce()
    assert not (ground.folder / "mail" / "new").exists() or ground.mails() == []
    assert events(ground).count("parcel:revoked") == 1


def test_a_reader_with_a_ticket_is_cut_off_by_revoking(ground: Ground) -> None:
    link = ground.send_and_link()
    opened = ground.reading.open(link, "")
    ground.house.revoke.parcel(ground.actor, opened.manifest.parcel)
    with pytest.raises(NotFound, match="withdrawn"):
        list(opened.attachment(opened.manifest.attachments[0]))


def test_expiry_closes_at_once_and_cleans_up_later(ground: Ground) -> None:
    link = ground.send_and_link()
    parcel = ground.house.follow.parcels(ground.actor)[0].parcel
    paths = blob_paths(ground, parcel)
    ground.clock.move(days=31)
    with pytest.raises(NotFound, match="available until"):
        ground.reading.look(link)
    assert all(path.exists() for path in paths)
    assert ground.house.expire.round() >= 1
    assert not any(path.exists() for path in paths)
    assert ground.house.follow.parcel(ground.actor, parcel).state == "gone"
    assert ground.house.expire.round() == 0
    assert events(ground)[-2:] == ["parcel:expired", "parcel:gone"]


def test_more_time_can_be_given_until_the_end(ground: Ground) -> None:
    link = ground.send_and_link()
    parcel = ground.house.follow.parcels(ground.actor)[0].parcel
    ground.house.revoke.expiry(ground.actor, parcel, ground.clock().replace(year=2027, month=2))
    ground.clock.move(days=31)
    ground.house.expire.round()
    assert read_all(ground, link)
    with pytest.raises(Mistake, match="past"):
        ground.house.revoke.expiry(ground.actor, parcel, ground.clock())
    ground.clock.move(days=100)
    ground.house.expire.round()
    with pytest.raises(Mistake, match="ended"):
        ground.house.revoke.expiry(ground.actor, parcel, ground.clock().replace(month=12))


def test_a_message_withdrawn_while_the_proof_is_judged_is_not_released(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = ground.send_and_link(proof="code:geheim")
    parcel = ground.house.follow.parcels(ground.actor)[0].parcel
    honest = proofs.code_matches

    def slow(proof: proofs.Proof, code: str) -> bool:
        ground.house.revoke.parcel(ground.actor, parcel)
        return honest(proof, code)

    monkeypatch.setattr(proofs, "code_matches", slow)
    with pytest.raises(NotFound, match="withdrawn"):
        ground.reading.open(link, "geheim")


def test_a_closed_account_sends_nothing(ground: Ground) -> None:
    with pytest.raises(Denied, match="closed"):
        ground.house.inside_submit().begin(RemoteActor("a", "a@example.net", "A", active=False))


def test_old_outbox_rows_are_forgotten(ground: Ground) -> None:
    ground.send_and_link()
    assert ground.house.records.count_outbox()["done"] == 1
    ground.clock.move(days=31)
    ground.house.expire.sweep()
    assert ground.house.records.count_outbox()["done"] == 0


def test_somebody_elses_parcel_does_not_exist(ground: Ground) -> None:
    parcel = ground.send()
    other = ground.house.welcome.add("ander@voorbeeld.example", "Ander")
    for attempt in (
        lambda: ground.house.follow.parcel(other, parcel),
        lambda: ground.house.revoke.parcel(other, parcel),
        lambda: ground.house.revoke.expiry(other, parcel, ground.clock().replace(month=12)),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert ground.house.follow.parcels(other) == []


def test_orphans_are_swept_after_their_grace(ground: Ground) -> None:
    parcel = ground.send()
    packing = ground.house.inside_submit().begin(ground.actor)
    writer = packing.attachment("nooit.bin")
    writer.write(b"x" * 100_000)
    writer.close()
    assert ground.house.expire.sweep() == 0
    # The store's files carry the machine's own time; the clock of the house decides.
    ground.clock.now = ground.clock.now.replace(year=2100)
    assert ground.house.expire.sweep() == 1
    assert all(path.exists() for path in blob_paths(ground, parcel))


def test_a_refused_message_leaves_nothing(ground: Ground) -> None:
    packing = ground.house.inside_submit().begin(ground.actor)
    writer = packing.attachment("a.txt")
    writer.write(b"x")
    writer.close()
    with pytest.raises(Mistake):
        packing.finish(Message("S", "T", (ReaderWish("geen adres", parse_proof("mail")),)))
    packing.abort()
    assert not [
        path for path in (ground.folder / "store").rglob("*") if path.is_file() and path.parent.name != "journal"
    ]
    assert ground.house.follow.parcels(ground.actor) == []


def test_an_answer_lost_at_the_commit_costs_no_reader_her_message(ground: Ground) -> None:
    """The deposit is written, the answer is not: the sender gives up, and the parcel must stay whole."""

    class Lossy:
        def deposit(self, actor: object, deposit: Deposit) -> str:
            ground.house.send.deposit(ground.actor, deposit)
            raise Unavailable("The database does not answer.", code="database-unavailable")

    packing = replace(ground.house.inside_submit(), depositor=Lossy()).begin(ground.actor)
    writer = packing.attachment("a.txt")
    writer.write(b"x")
    writer.close()
    with pytest.raises(Unavailable):
        packing.finish(Message("S", "T", (ReaderWish(READER, parse_proof("mail")),)))
    packing.abort()
    ground.announce()
    assert read_all(ground, ground.links()[0]) == {"a.txt": b"x"}


def test_limits_hold(tmp_path: Path, sqlite: databases.Database) -> None:
    ground = make_house(tmp_path, limits=Limits(readers=3, attachments=2, parcel_bytes=1024 * 1024))
    with pytest.raises(Mistake, match="3 readers"):
        ground.send(to=tuple(f"r{number}@example.net" for number in range(10_000)))
    with pytest.raises(Mistake, match="2 attachments"):
        ground.send(attachments=[("a", "text/plain", b"")] * 3)
    with pytest.raises(Mistake, match="bytes"):
        ground.send(attachments=[("a", "text/plain", bytes(1024 * 1024 + 1))])


def test_the_same_reader_twice_gets_one_slip(ground: Ground) -> None:
    parcel = ground.send(to=(READER, READER, "J.DEJONG@example.net".replace("J.DEJONG", "j.dejong")))
    assert len(ground.house.follow.parcel(ground.actor, parcel).readers) == 1


def test_the_archive_gets_a_slip_that_its_key_opens(tmp_path: Path, database: databases.Database) -> None:
    archive = seal.HybridIdentity.generate()
    ground = make_house(tmp_path, archive=str(archive.recipient))
    link = ground.send_and_link()
    assert ground.reading.open(link, "").manifest.archive
    parcel = ground.house.follow.parcels(ground.actor)[0].parcel
    files = {name: b"".join(pieces) for name, pieces in ground.house.export.files(parcel, "archive")}
    key = seal.parse_identities(seal.open_(files["slip.age"], archive).decode())
    manifest = next(name for name in files if name.startswith("blobs/"))
    assert b"Geachte mevrouw" in seal.open_(files[manifest], *key)
    assert len(ground.mails()) == 1


def test_a_notice_that_was_moved_to_another_row_is_not_sent(ground: Ground) -> None:
    """Whoever writes in the database swaps two sealed notices: each reader would get the other's secret."""
    from zegel.records.models import Outbox

    ground.send(to=("a@example.net",))
    ground.send(to=("b@example.net",))
    first, second = Outbox.objects.order_by("pk")
    Outbox.objects.filter(pk=first.pk).update(sealed=second.sealed)
    Outbox.objects.filter(pk=second.pk).update(sealed=first.sealed)
    ground.announce()
    # The sender hears that neither was reached; no reader gets anything.
    assert [mail["To"] for mail in ground.mails()] == [SENDER, SENDER]
    assert {item.readers[0].state for item in ground.house.follow.parcels(ground.actor)} == {"unreached"}


def test_a_mail_server_that_is_away_is_tried_again_for_days(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    parcel = ground.send()
    assert ground.house.announce is not None
    notifier = ground.house.announce.handlers["notice"].notifier
    honest, tries = notifier.notice, []

    def away(message: object) -> None:
        tries.append(ground.clock())
        raise Unavailable("The mail server does not answer.", code="mail-unavailable")

    monkeypatch.setattr(notifier, "notice", away)
    for _ in range(24):
        ground.announce()
        ground.clock.move(hours=1)
    assert 4 <= len(tries) <= 20
    monkeypatch.setattr(notifier, "notice", honest)
    ground.clock.move(hours=5)
    ground.announce()
    assert ground.house.follow.parcel(ground.actor, parcel).readers[0].state == "announced"


def test_a_reader_who_is_never_reached_is_reported(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    parcel = ground.send()
    assert ground.house.announce is not None

    def away(message: object) -> None:
        raise Unavailable("The mail server does not answer.", code="mail-unavailable")

    monkeypatch.setattr(ground.house.announce.handlers["notice"].notifier, "notice", away)
    for _ in range(5 * 24):
        ground.announce()
        ground.clock.move(hours=1)
    assert ground.house.follow.parcel(ground.actor, parcel).readers[0].state == "unreached"
    assert events(ground)[-1] == "reader:unreached"


def test_a_clock_that_jumps_back_loses_nothing(ground: Ground) -> None:
    ground.send()
    ground.clock.move(hours=-2)
    ground.announce()
    ground.clock.move(hours=3)
    ground.announce()
    assert len(ground.mails()) == 1

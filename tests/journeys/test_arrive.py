"""A parcel from another organisation, from the outside's door to the mailbox; on both databases. DNS is by hand."""

import hashlib
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.ground.databases import Database
from tests.ground.house import Clock, Ground, make_house
from zegel import seal
from zegel.doors.web.published import profile_members
from zegel.errors import Damaged, Denied, Mistake, NotFound, Unavailable
from zegel.journeys.arrive import Arrive
from zegel.journeys.budget import LEAST, Budget
from zegel.journeys.uploads import Uploads
from zegel.keys.arrivals import ArrivalKey
from zegel.keys.custody import Custody, make_keys
from zegel.keys.mailboxes import MailboxKeys
from zegel.parcels.addresses import Person
from zegel.parcels.arrivals import Arrival, Peer, Place, Said, Signed, arrival_statement, read_peer, spell_arrival
from zegel.parcels.deposit import Blob
from zegel.parcels.identifiers import new_identifier
from zegel.parcels.limits import Limits
from zegel.parcels.manifest import Manifest, Organisation, spell_manifest, statement
from zegel.parcels.notify import SILENT, Notify
from zegel.parcels.origin import Origin, spell_origin
from zegel.parcels.signature import Signature, spell_signed
from zegel.records.models import Slip
from zegel.transport.delivery import Delivered, RawMail
from zegel.transport.zegel import Promise, ZegelRecord
from zegel.wiring.joining import Peers

SENDER, TEAM, DESK = "zorg@wij.test", "team@ander.test", "balie@loket.test"
THERE = "post.wij.test"
LIMITS = Limits(part_bytes=65536)


@dataclass
class Told:
    """``journeys.ports.domains.Zegels``: one other organisation, as DNS would tell."""

    custody: Custody
    away: bool = False
    domains: frozenset[str] = frozenset({"wij.test"})
    host: str = THERE
    """Where the domain's record says that it is; whatever it calls itself."""

    returns: str = ""
    """Another domain that its DNS promises for, once that is asked anew."""

    def promise(self, domain: str, *, fresh: bool = False) -> Promise:
        if domain == "weg.test":
            return Promise(domain, "failed")
        if domain != self.returns or not fresh:
            return Promise(domain, "absent")
        return Promise(domain, "found", ZegelRecord(self.host, 443, (self.custody.public.signing[0].fingerprint,)))

    def place(self, domain: str, *, fresh: bool = False) -> Place:
        if self.away:
            raise Unavailable("away", code="peer-away")
        if domain not in self.domains:
            raise NotFound("none", code="no-zegel")
        keys = self.custody.public.signing
        return Place(Peer("Gemeente Wij", THERE, keys, None), self.host, 443, (keys[0].fingerprint,), ())


@dataclass
class Box:
    """A mailbox server that keeps what it is given, whoever dies meanwhile."""

    folder: Path

    @property
    def mails(self) -> list[tuple[str, bytes]]:
        """Address and content, in the order in which they came."""
        found = sorted(self.folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        return [(path.name.partition(" ")[2], path.read_bytes()) for path in found]

    def deliver(self, mail: RawMail, sender: str, to: str, notify: Notify = SILENT) -> Delivered:
        content = b"".join(mail.open())
        assert len(content) <= mail.size
        kept = self.folder.parent / f"{new_identifier()} {to}"
        kept.write_bytes(content)
        kept.rename(self.folder / kept.name)
        return Delivered("box", "local", reply="250")


@dataclass
class There:
    """The receiving house, and whoever sends to it."""

    ground: Ground
    told: Told
    box: Box
    recipient: str

    @property
    def arrive(self) -> Arrive:
        return self.ground.house.here_arrive()

    @property
    def uploads(self) -> Uploads:
        return self.ground.house.uploads

    def mail(
        self, text: str = f"From: {SENDER}\r\nSubject: x\r\n\r\nGeheim\r\n", **facts: Any
    ) -> tuple[Arrival, bytes]:
        key = seal.HybridIdentity.generate()
        sealed = seal.seal(text.encode(), key.recipient)
        return self._arrival(key, [sealed], to=facts.pop("to", TEAM), takes="mail", **facts), sealed

    def message(self, **facts: Any) -> tuple[Arrival, list[bytes]]:
        key, parcel = seal.HybridIdentity.generate(), new_identifier()
        now = self.ground.clock().replace(microsecond=0)
        line = spell_manifest(
            Manifest(
                parcel, Organisation("Gemeente Wij", facts.pop("host", THERE)), Person("", facts.pop("named", SENDER)),
                (), (), "Besluit", "Geheim", "", 2, "nl", now, now + timedelta(days=9), (), False,
            )
        )  # fmt: skip
        signer = facts.pop("signer", self.told.custody)
        digest = statement(THERE, parcel, SENDER, line, now)
        signature = Signature(*_first(signer.sign(digest)), THERE, SENDER, now, *signer.sign(digest)[1:])
        sealed = seal.seal(spell_signed(line, signature), key.recipient)
        return self._arrival(key, [sealed], parcel=parcel, to=DESK, takes="message", **facts), [sealed]

    def _arrival(self, key: seal.HybridIdentity, sealed: list[bytes], **facts: Any) -> Arrival:
        parcel = facts.pop("parcel", new_identifier())
        slip = f"# zegel slip v1 parcel {parcel}\n{key}\n".encode()
        found = Arrival(
            parcel=parcel, slip=new_identifier(), to="", sender=Person("Zorg", SENDER), return_to="terug@wij.test",
            organisation=THERE, destination="post.voorbeeld.example", takes="mail", form="7bit", class_=2,
            language="nl", expires=self.ground.clock().replace(microsecond=0) + timedelta(days=9),
            blobs=tuple(Blob(new_identifier(), len(one), hashlib.sha256(one).hexdigest()) for one in sealed),
            sealed_slip=seal.seal(slip, seal.parse_recipient(self.recipient)),
        )  # fmt: skip
        return replace(found, **facts)

    def say(self, arrival: Arrival) -> Said:
        now, text = self.ground.clock().replace(microsecond=0), spell_arrival(arrival)
        key, ed25519, mldsa65 = self.told.custody.sign(arrival_statement(text, now))
        return Said(text, Signed(key, now, ed25519, mldsa65))

    def hand_in(self, arrival: Arrival, *data: bytes) -> None:
        said = self.say(arrival)
        tickets, receipts = self.arrive.take(said, {}), {}
        for blob, one in zip(arrival.blobs, data, strict=True):
            if blob.blob in tickets:
                visitor = self.uploads.visitor(tickets[blob.blob])
                receipts[blob.blob] = self.uploads.put(visitor, blob.blob, iter([one]), len(one))[1]
        assert self.arrive.take(said, receipts) == {}

    def told_to_sender(self) -> list[str]:
        return [str(mail["To"]) for mail in self.ground.mails()]


def _first(made: tuple[str, bytes, bytes]) -> tuple[str]:
    return (made[0],)


@pytest.fixture
def there(tmp_path: Path, database: Database) -> There:
    told, box = Told(make_keys(tmp_path / "theirs")), Box(tmp_path / "mailboxes")
    box.folder.mkdir()
    (tmp_path / "ours").mkdir()
    key = ArrivalKey(tmp_path / "ours")
    peers = Peers(told, _Nobody(), {"ander.test": "mail", "loket.test": "message"}, Budget(10**6, 10**6))
    ground = make_house(
        tmp_path, peers=peers, arrivals=key, mailboxes=MailboxKeys(tmp_path / "boxes"), carriers={"mailbox": box},
        limits=LIMITS, clock=Clock(),
    )  # fmt: skip
    ground.house.welcome.add(DESK, "Balie", None)
    return There(ground, told, box, key.recipient)


class _Nobody:
    def deliver(self, place: Place, arrival: Arrival, said: Said, read: Any) -> None:
        raise AssertionError("nothing leaves from here")


def test_a_mail_goes_into_its_mailbox_and_leaves_no_key(there: There) -> None:
    arrival, sealed = there.mail()
    there.hand_in(arrival, sealed)
    assert there.box.mails == []
    there.ground.announce()
    ((to, content),) = there.box.mails
    assert (to, content.endswith(b"Geheim\r\n")) == (TEAM, True)
    assert content.startswith(f"Received: from {THERE} (Zegel, sealed)\r\n\tby post.voorbeeld.example".encode())
    slip = there.ground.house.records.slip(arrival.slip)
    assert (slip.sealed_slip, bool(slip.delivered)) == (b"", True)
    # Said again, with the lost answer of before: taken, and nothing happens.
    assert there.arrive.take(there.say(arrival), {}) == {}
    there.ground.announce()
    assert len(there.box.mails) == 1
    assert there.told_to_sender() == []


def test_a_message_is_kept_for_who_may_read_it(there: There) -> None:
    arrival, sealed = there.message()
    there.hand_in(arrival, *sealed)
    receive, reader = there.ground.house.inside_receive(), there.ground.house.people.find(DESK)
    assert receive.messages(reader) == []
    there.ground.announce()
    (kept,) = receive.messages(reader)
    opened = receive.open(reader, kept.reader.slip)
    assert opened.origin is not None
    assert (opened.origin.name, opened.origin.keys) == ("Gemeente Wij", there.told.custody.public.signing)
    with pytest.raises(NotFound):
        receive.open(there.ground.actor, kept.reader.slip)


def test_whoever_writes_the_database_makes_nobody_else_of_a_sender(there: There, tmp_path: Path) -> None:
    arrival, sealed = there.message()
    there.hand_in(arrival, *sealed)
    there.ground.announce()
    forger = make_keys(tmp_path / "forger")
    forged = spell_origin(Origin("Gemeente Wij", THERE, forger.public.signing), arrival.slip, forger.sign)
    Slip.objects.filter(slip=arrival.slip).update(origin=forged)
    with pytest.raises(Damaged, match="Who sent"):
        there.ground.house.inside_receive().open(there.ground.house.people.find(DESK), arrival.slip)


def test_the_inside_asks_for_itself(there: There, tmp_path: Path) -> None:
    """What the outside took, or made up, counts for nothing: the domain now names another key."""
    arrival, sealed = there.mail()
    there.hand_in(arrival, sealed)
    there.told.custody = make_keys(tmp_path / "others")
    there.ground.announce()
    assert there.box.mails == []
    assert there.told_to_sender() == ["terug@wij.test"]


def test_while_nobody_can_tell_it_waits(there: There) -> None:
    arrival, sealed = there.mail()
    there.hand_in(arrival, sealed)
    there.told.away = True
    there.ground.announce()
    assert (there.box.mails, there.told_to_sender() if (there.ground.folder / "mail").exists() else []) == ([], [])
    there.told.away = False
    there.ground.clock.move(hours=1)
    there.ground.announce()
    assert len(there.box.mails) == 1


@pytest.mark.parametrize("spoil", ["another name", "another key", "another host", "another slip", "not a slip"])
def test_what_does_not_open_or_fit_is_told_to_the_return_address(there: There, tmp_path: Path, spoil: str) -> None:
    match spoil:
        case "another name":
            arrival, sealed = there.message(named="wethouder@wij.test")
        case "another key":
            arrival, sealed = there.message(signer=make_keys(tmp_path / "forger"))
        case "another host":
            arrival, sealed = there.message(host="post.elders.test")
        case "another slip":
            arrival, sealed = there.message()
            arrival = replace(arrival, sealed_slip=there.message()[0].sealed_slip)
        case _:
            arrival, sealed = there.message()
            arrival = replace(arrival, sealed_slip=seal.seal(b"x", seal.parse_recipient(there.recipient)))
    there.hand_in(arrival, *sealed)
    there.ground.announce()
    assert there.ground.house.inside_receive().messages(there.ground.house.people.find(DESK)) == []
    assert there.told_to_sender() == ["terug@wij.test"]


@pytest.mark.parametrize(
    "top",
    [
        f"Subject: x\rFrom: baas@ander.test\r\nFrom: {SENDER}",
        f"From: {SENDER}\r\ngeen veld\r\nFrom: baas@ander.test",
        f"From: <baas@ander.test> <{SENDER}>",
        "\r\n".join([*["Received: from a by b"] * 51, f"From: {SENDER}"]),
    ],
    ids=["a bare CR", "a line that is no field", "two in angles", "a loop"],
)
def test_whoever_vouches_for_one_name_hides_no_other_in_the_mail(there: There, top: str) -> None:
    """The attack: our reading of From is the organisation's own, and her mail server's is our director's."""
    arrival, sealed = there.mail(f"{top}\r\nSubject: x\r\n\r\nVals\r\n")
    there.hand_in(arrival, sealed)
    there.ground.announce()
    assert there.box.mails == []
    assert there.told_to_sender() == ["terug@wij.test"]


def test_an_unknown_mailbox_is_only_told_to_who_has_a_name(there: There, tmp_path: Path) -> None:
    arrival, _ = there.message()
    unknown = replace(arrival, to="wie@loket.test")
    with pytest.raises(Denied) as error:
        there.arrive.take(there.say(unknown), {})
    assert error.value.kind == "unknown-mailbox"
    said, other = there.say(unknown), make_keys(tmp_path / "others")
    there.told.custody = other
    with pytest.raises(Denied) as error:
        there.arrive.take(said, {})
    assert error.value.kind == "bad-arrival-signature"


def test_a_large_blob_comes_in_parts_and_no_more_of_it(there: There) -> None:
    arrival, sealed = there.mail(f"From: {SENDER}\r\n\r\n" + "x" * 100_000)
    said, (blob,) = there.say(arrival), arrival.blobs
    visitor = there.uploads.visitor(there.arrive.take(said, {})[blob.blob])
    parts = [sealed[at : at + LIMITS.part_bytes] for at in range(0, len(sealed), LIMITS.part_bytes)]
    for number, part in enumerate(parts):
        there.uploads.put_part(visitor, blob.blob, number, iter([part]), len(part))
    with pytest.raises(Denied):
        there.uploads.put_part(visitor, blob.blob, len(parts), iter([b"x"]), 1)
    _, receipt = there.uploads.join(visitor, blob.blob, len(parts))
    assert there.arrive.take(said, {blob.blob: receipt}) == {}
    there.ground.announce()
    assert len(there.box.mails) == 1


def test_an_account_and_a_stranger_have_nothing_of_each_others(there: There) -> None:
    arrival, sealed = there.mail()
    said, (blob,) = there.say(arrival), arrival.blobs
    ticket = there.arrive.take(said, {})[blob.blob]
    _, receipt = there.uploads.put(there.uploads.visitor(ticket), blob.blob, iter([sealed]), len(sealed))
    with pytest.raises(Mistake):
        there.uploads.redeem(there.ground.actor, blob.blob, receipt)
    with pytest.raises(Denied):
        there.uploads.visitor(receipt)
    own = there.uploads.receipt(there.ground.actor, blob)
    with pytest.raises(Mistake):
        there.arrive.take(said, {blob.blob: own})


def test_a_blob_of_ours_cannot_be_claimed(there: There) -> None:
    """Whoever knows the name of a blob that is here gets no ticket for it, and so can alter or delete nothing."""
    parcel = there.ground.send()
    kept = there.ground.house.records.blobs_of(parcel)[1]
    arrival, _ = there.mail()
    for blob in (kept, replace(kept, sha256="0" * 64)):
        with pytest.raises(Mistake) as error:
            there.arrive.take(there.say(replace(arrival, blobs=(blob,))), {})
        assert error.value.kind == "parcel-exists"
    assert b"".join(there.ground.house.store.read(kept.blob))


def test_an_hour_has_so_many_bytes(there: There) -> None:
    arrival, _ = there.mail()
    large = replace(arrival.blobs[0], size=600_000)
    there.arrive.take(there.say(replace(arrival, blobs=(large,))), {})
    again = replace(arrival, slip=new_identifier(), parcel=new_identifier(), blobs=(large,))
    with pytest.raises(Denied) as error:
        there.arrive.take(there.say(again), {})
    assert (error.value.kind, bool(error.value.retry_after)) == ("too-many", True)
    there.ground.clock.move(minutes=61)
    assert there.arrive.take(there.say(again), {})


def test_what_is_published_is_signed_anew_when_it_changes(there: There) -> None:
    house = there.ground.house
    assert house.reception is not None
    assert house.reception_signed() == {}
    assert [house.reception.round(), house.reception.round()] == [1, 0]
    members = profile_members(house.profile, house.reception_signed())
    peer = read_peer(json.dumps(members).encode(), [key.fingerprint for key in house.profile.signing])
    assert peer.takes("loket.test") == "message"
    assert peer.reception is not None
    assert peer.reception.recipient == there.recipient
    closed = replace(house.reception, reception=None)
    assert [closed.round(), closed.round()] == [1, 0]
    assert house.reception_signed() == {}


def test_what_arrived_before_it_was_switched_off_is_told(there: There) -> None:
    arrival, sealed = there.mail()
    there.hand_in(arrival, sealed)
    announce = there.ground.house.announce
    assert announce is not None
    handler: Any = announce.handlers["arrival"]
    off = replace(announce, handlers={**announce.handlers, "arrival": replace(handler, zegels=None)})
    for _ in range(40):
        while off.round():
            pass
        there.ground.clock.move(hours=3)
    assert there.box.mails == []
    assert there.told_to_sender() == ["terug@wij.test"]


def test_who_calls_himself_like_another_spends_his_own_budget(there: There) -> None:
    """The attack: a stranger whose Zegel gives the name of a ministry brings so much that the ministry may not."""
    arrive = replace(there.arrive, budget=Budget(10**6, 10**7))

    def ask(size: int) -> dict[str, str]:
        (arrival, _) = there.mail()
        large = replace(arrival, blobs=(replace(arrival.blobs[0], size=size),))
        return arrive.take(there.say(large), {})

    there.told.host = "post.vreemd.test"
    assert ask(900_000)
    with pytest.raises(Denied, match="too much"):
        ask(900_000)
    there.told.host = THERE
    assert ask(900_000)


def test_words_alone_keep_nobody_out(there: There) -> None:
    """The attack: names for nothing, each with its own budget, announce all that there is room for and bring none."""
    for number in range(5):
        there.told.host = f"post{number}.vreemd.test"
        (arrival, _) = there.mail()
        assert there.arrive.take(there.say(replace(arrival, blobs=(replace(arrival.blobs[0], size=900_000),))), {})
    there.told.host = THERE
    arrival, sealed = there.mail()
    there.hand_in(arrival, sealed)
    there.ground.announce()
    assert len(there.box.mails) == 1


def test_what_comes_counts_for_all_together(there: There) -> None:
    budget = Budget(10**6, 3 * LEAST)
    arrive, uploads = replace(there.arrive, budget=budget), replace(there.uploads, budget=budget)
    (arrival, sealed) = there.mail()
    (blob,) = arrival.blobs
    visitor = uploads.visitor(arrive.take(there.say(arrival), {})[blob.blob])
    for _ in range(3):
        uploads.put(visitor, blob.blob, iter([sealed]), len(sealed))
    with pytest.raises(Denied, match="too much"):
        uploads.put(visitor, blob.blob, iter([sealed]), len(sealed))
    # What has an account is not counted, and not kept out.
    there.uploads.put(there.ground.actor, new_identifier(), iter([sealed]), len(sealed))
    there.ground.clock.move(minutes=62)
    assert uploads.put(visitor, blob.blob, iter([sealed]), len(sealed))


def test_what_no_hour_has_room_for_is_refused_at_once(there: There) -> None:
    arrival, _ = there.mail()
    with pytest.raises(Mistake, match="at most 1000000"):
        there.arrive.take(there.say(replace(arrival, blobs=(replace(arrival.blobs[0], size=1_000_001),))), {})


def test_readers_who_bring_no_blob_are_counted_too(there: There) -> None:
    """The attack: one blob, and then mail upon mail into a mailbox, which cost nothing."""
    arrive = replace(there.arrive, limits=replace(LIMITS, readers=3))
    arrival, sealed = there.mail()
    there.hand_in(arrival, sealed)

    def again() -> Said:
        return there.say(replace(arrival, slip=new_identifier()))

    assert [arrive.take(again(), {}), arrive.take(again(), {})] == [{}, {}]
    with pytest.raises(Mistake, match="at most 3 readers"):
        arrive.take(again(), {})
    poor = replace(there.arrive, budget=Budget(40_000, 10**6))
    assert [poor.take(again(), {}), poor.take(again(), {})] == [{}, {}]
    with pytest.raises(Denied, match="too much"):
        poor.take(again(), {})


def test_a_clock_that_was_wrong_for_a_moment_keeps_nobody_out(there: There) -> None:
    budget = Budget(100_000, 100_000)
    budget.announce("a", 90_000, there.ground.clock() + timedelta(days=400))
    budget.bring(90_000, there.ground.clock() + timedelta(days=400))
    budget.announce("a", 90_000, there.ground.clock())
    budget.bring(90_000, there.ground.clock())


def test_a_mail_that_was_delivered_does_not_lie_here_for_a_year(there: There) -> None:
    """The attack: five gigabytes an hour that nobody can open, kept for as long as their sender likes."""
    mail, sealed = there.mail(expires=there.ground.clock().replace(microsecond=0) + timedelta(days=300))
    there.hand_in(mail, sealed)
    message, blobs = there.message(expires=there.ground.clock().replace(microsecond=0) + timedelta(days=300))
    there.hand_in(message, *blobs)
    there.ground.announce()
    there.ground.clock.move(days=15)
    there.ground.house.expire.round()
    records = there.ground.house.records
    assert [records.parcel(one.kept_as).state for one in (mail, message)] == ["gone", "live"]


def test_whoever_writes_the_database_brings_nothing_again_after_long(there: There) -> None:
    """The attack: a hostile outside kept an arrival, and has it told once more when that suits it."""
    arrival, sealed = there.mail()
    there.hand_in(arrival, sealed)
    there.ground.clock.move(days=15)
    there.ground.announce()
    assert there.box.mails == []
    assert there.told_to_sender() == ["terug@wij.test"]


@dataclass
class Slow(Told):
    """Some domains' Zegels answer only when ``ending`` is set; ``asking`` counts them."""

    ending: threading.Event = field(default_factory=threading.Event)
    asking: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def place(self, domain: str, *, fresh: bool = False) -> Place:
        if domain.endswith("traag.test"):
            self.asking.release()
            assert self.ending.wait(120)
        return super().place(domain, fresh=fresh)


def test_hosts_that_never_answer_keep_nobody_out(there: There) -> None:
    """The attack: requests that cost nothing, about domains whose hosts take all our patience, and all our places."""
    slow = Slow(there.told.custody)
    arrive = replace(there.arrive, zegels=slow)

    def ask(domain: str) -> None:
        arrival, _ = there.mail(sender=Person("", f"a@{domain}"))
        arrive.take(there.say(arrival), {})

    arrival, _ = there.mail()
    assert arrive.take(there.say(arrival), {})
    with ThreadPoolExecutor(8) as pool:
        try:
            held = [pool.submit(ask, f"{number // 2}.traag.test") for number in range(8)]
            for _ in held:
                assert slow.asking.acquire(timeout=120)
            # One domain has two places, those that were never heard of have eight; whoever vouched before has others.
            for domain in ("0.traag.test", "nieuw.test"):
                with pytest.raises(Unavailable, match="busy"):
                    ask(domain)
            assert arrive.take(there.say(arrival), {})
        finally:
            slow.ending.set()
        assert {type(one.exception()) for one in held} == {Denied}
    with pytest.raises(Denied):
        ask("nieuw.test")


def test_reports_go_to_nobody_whom_a_stranger_names(there: There) -> None:
    """The attack: thousands of mails that do not open, each of which has us write to whoever is to be annoyed."""
    (arrival, _) = there.mail(return_to="doelwit@elders.test")
    with pytest.raises(Denied) as error:
        there.arrive.take(there.say(arrival), {})
    assert error.value.kind == "unknown-organisation"
    there.told.returns = "elders.test"
    assert there.arrive.take(there.say(arrival), {})
    with pytest.raises(Unavailable):
        there.arrive.take(there.say(replace(arrival, return_to="a@weg.test")), {})

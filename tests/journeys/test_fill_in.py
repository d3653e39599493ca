"""A proof that is missing: one reader waits, the others do not; the sender fills it in, once, and she is told."""

from pathlib import Path

import pytest

from tests.ground.house import READER, SENDER, TELEPHONE, Ground, make_house
from zegel.audit.events import Event
from zegel.errors import Denied, Mistake, NotFound, Unavailable
from zegel.parcels import vouchers
from zegel.parcels.proofs import Proof, code_proof, sms_proof
from zegel.parcels.states import ReaderStatus

OTHER, THIRD = "ander@example.org", "derde@example.org"
SMS = sms_proof(TELEPHONE)


@pytest.fixture
def ground(database: str, tmp_path: Path) -> Ground:
    return make_house(tmp_path)


def _send(ground: Ground, *to: str) -> str:
    """To these without a proof, and to READER with one."""
    return ground.send(proof="missing", to=(READER, *to), **{READER: Proof("mail")})


def _reader(ground: Ground, parcel: str, address: str) -> ReaderStatus:
    readers = ground.house.follow.parcel(ground.actor, parcel).readers
    return next(reader for reader in readers if reader.address == address)


def _voucher(ground: Ground, parcel: str) -> str:
    link = ground.house.fill_in.link(ground.house.records.slips_of(parcel)[0])
    assert link.startswith(f"{ground.house.profile.url}/fill/{parcel}#")
    return link.partition("#")[2]


def _events(ground: Ground, subject: str) -> list[tuple[str, str]]:
    entries = ground.house.records.audit_entries()
    return [(entry.event, entry.actor) for entry in entries if entry.subject == subject]


def test_she_waits_and_the_others_are_told(ground: Ground) -> None:
    parcel = _send(ground, OTHER)
    ground.announce()
    assert (_reader(ground, parcel, READER).state, _reader(ground, parcel, OTHER).state) == ("announced", "waiting")
    told = {mail["To"] for mail in ground.mails()}
    assert (READER in told, OTHER in told) == (True, False)
    slip = _reader(ground, parcel, OTHER).slip
    for ask in (ground.house.collect.look, ground.house.collect.request_code, ground.house.collect.open):
        with pytest.raises(NotFound) as caught:
            ask(slip)
        assert caught.value.kind == "not-ready"


def test_the_sender_is_asked_once_for_all_readers_of_a_parcel(ground: Ground) -> None:
    parcel = _send(ground, OTHER, THIRD)
    ground.announce()
    asked = [mail for mail in ground.mails() if mail["To"] == SENDER]
    assert len(asked) == 1
    text = asked[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert f"{ground.house.profile.url}/fill/{parcel}#" in text
    assert OTHER in text
    assert (Event.PROOF_ASKED, "courier") in _events(ground, _reader(ground, parcel, OTHER).slip)


@pytest.mark.parametrize("proof", [SMS, code_proof("Tulp-2026")])
def test_what_is_filled_in_is_asked_of_her_and_never_changed_again(ground: Ground, proof: Proof) -> None:
    parcel = _send(ground, OTHER)
    voucher, slip = _voucher(ground, parcel), _reader(ground, parcel, OTHER).slip
    ground.house.fill_in.by_link(parcel, voucher, slip, proof)
    ground.announce()
    assert _reader(ground, parcel, OTHER).state == "announced"
    assert ground.house.records.slip(slip).proof == proof
    link = next(ground.link_in(mail) for mail in ground.mails() if mail["To"] == OTHER)
    if proof.kind == "sms":
        ground.house.collect.request_code(slip)
        ground.announce()
    code = ground.codes()[-1] if proof.kind == "sms" else "tulp 2026"
    assert ground.reading.open(link, code).manifest.subject == "Beschikking"
    for again in (SMS, code_proof("ander")):
        with pytest.raises(Mistake) as caught:
            ground.house.fill_in.by_link(parcel, voucher, slip, again)
        assert caught.value.kind == "proof-known"
        with pytest.raises(Mistake):
            ground.house.fill_in.by_sender(ground.actor, slip, again)
    assert ground.house.records.slip(slip).proof == proof
    assert (Event.PROOF_GIVEN, "sender") in _events(ground, slip)


def test_what_breaks_halfway_has_changed_nothing(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    parcel = _send(ground, OTHER)
    ground.announce()
    slip = _reader(ground, parcel, OTHER).slip

    def away(*_: object) -> None:
        raise Unavailable("The database cannot be reached.", code="database-away")

    with monkeypatch.context() as broken:
        broken.setattr(type(ground.house.records), "append_audit", away)
        with pytest.raises(Unavailable):
            ground.house.fill_in.by_sender(ground.actor, slip, SMS)
    ground.announce()
    assert (ground.house.records.slip(slip).proof.kind, ground.house.records.count_outbox()["held"]) == ("missing", 1)
    ground.house.fill_in.by_sender(ground.actor, slip, SMS)
    ground.announce()
    assert _reader(ground, parcel, OTHER).state == "announced"


def test_a_reader_whose_proof_was_known_is_out_of_reach_of_the_link(ground: Ground) -> None:
    parcel = _send(ground, OTHER)
    voucher, known = _voucher(ground, parcel), _reader(ground, parcel, READER).slip
    for act in (
        lambda: ground.house.fill_in.by_link(parcel, voucher, known, SMS),
        lambda: ground.house.fill_in.withdraw_by_link(parcel, voucher, known),
    ):
        with pytest.raises(Mistake) as caught:
            act()
        assert caught.value.kind == "proof-known"
    assert _reader(ground, parcel, READER).revoked is None


def test_the_weakest_proof_cannot_be_filled_in(ground: Ground) -> None:
    parcel = _send(ground, OTHER)
    for proof in (Proof("mail"), Proof("missing")):
        with pytest.raises(Mistake) as caught:
            ground.house.fill_in.by_link(parcel, _voucher(ground, parcel), _reader(ground, parcel, OTHER).slip, proof)
        assert caught.value.kind == "no-such-choice"


def test_the_sender_fills_in_his_own_parcels_only(ground: Ground) -> None:
    parcel = _send(ground, OTHER)
    slip = _reader(ground, parcel, OTHER).slip
    other = ground.house.welcome.add("burgerzaken@voorbeeld.example", "Burgerzaken", None)
    with pytest.raises(NotFound):
        ground.house.fill_in.by_sender(other, slip, SMS)
    ground.house.fill_in.by_sender(ground.actor, slip, SMS)
    assert (Event.PROOF_GIVEN, f"account:{ground.actor.account}") in _events(ground, slip)


def test_a_link_is_for_one_parcel_one_sender_and_one_purpose(ground: Ground) -> None:
    parcel, another = _send(ground, OTHER), _send(ground, OTHER)
    key, until = b"k" * 32, ground.house.records.parcel(parcel).expires
    right = _voucher(ground, parcel)
    body, _, mac = right.partition(".")
    assert ground.house.fill_in.look(parcel, right).parcel == parcel
    wrong = [
        "", "x", right[:-2], f"{body}.{'B' if mac[0] == 'A' else 'A'}{mac[1:]}", _voucher(ground, another),
        vouchers.mint(b"x" * 32, "fill", {"parcel": parcel, "sender": SENDER}, until),
        vouchers.mint(key, "ticket", {"parcel": parcel, "sender": SENDER}, until),
        vouchers.mint(key, "fill", {"parcel": parcel, "sender": "x@voorbeeld.example"}, until),
        vouchers.mint(key, "fill", {"slip": parcel}, until),
    ]  # fmt: skip
    for voucher in wrong:
        with pytest.raises(Denied) as caught:
            ground.house.fill_in.look(parcel, voucher)
        assert caught.value.kind == "bad-fill-link"
    with pytest.raises(Denied):
        ground.house.fill_in.look("a" * 26, right)
    ground.clock.move(days=31)
    with pytest.raises(Denied):
        ground.house.fill_in.look(parcel, right)


def test_withdrawn_by_link_she_never_hears_of_it_and_the_last_one_ends_the_parcel(ground: Ground) -> None:
    parcel = ground.send(proof="missing", to=(OTHER, THIRD))
    voucher = _voucher(ground, parcel)
    first, second = (_reader(ground, parcel, address).slip for address in (OTHER, THIRD))
    ground.house.fill_in.withdraw_by_link(parcel, voucher, first)
    assert _reader(ground, parcel, OTHER).state == "revoked"
    with pytest.raises(NotFound):
        ground.house.fill_in.by_link(parcel, voucher, first, SMS)
    assert [reader.slip for reader in ground.house.fill_in.waiting(parcel)] == [second]
    ground.house.fill_in.withdraw_by_link(parcel, voucher, second)
    assert ground.house.records.parcel(parcel).state == "gone"
    ground.announce()
    assert not [mail for mail in ground.mails() if mail["To"] in (OTHER, THIRD)]


def test_withdrawn_from_one_he_is_still_asked_about_the_other(ground: Ground) -> None:
    parcel = ground.send(proof="missing", to=(OTHER, THIRD))
    ground.house.revoke.reader(ground.actor, parcel, _reader(ground, parcel, OTHER).slip)
    ground.announce()
    (asked,) = ground.mails()
    text = asked.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert (THIRD in text, OTHER in text) == (True, False)


def test_nobody_filled_it_in_and_it_expired(ground: Ground) -> None:
    parcel = _send(ground, OTHER)
    slip = _reader(ground, parcel, OTHER).slip
    ground.announce()
    ground.clock.move(days=31)
    with pytest.raises(NotFound) as caught:
        ground.house.fill_in.by_sender(ground.actor, slip, SMS)
    assert caught.value.kind == "expired"
    ground.house.expire.round()
    ground.announce()
    assert ground.house.records.parcel(parcel).state == "gone"
    assert not [mail for mail in ground.mails() if mail["To"] == OTHER]


def test_when_he_was_quicker_than_the_courier_he_is_not_asked(ground: Ground) -> None:
    parcel = _send(ground, OTHER)
    ground.house.fill_in.by_sender(ground.actor, _reader(ground, parcel, OTHER).slip, SMS)
    ground.announce()
    assert not [mail for mail in ground.mails() if mail["To"] == SENDER]

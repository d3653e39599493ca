"""A deposit is written whole or not at all, once, and read back as it was."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.ground.deposits import NOW, SENDER, make_archive, make_deposit, make_reader, put
from zegel.errors import Mistake, NotFound
from zegel.parcels.deposit import Accepted, Blob, Deposit, digest
from zegel.parcels.identifiers import new_identifier
from zegel.parcels.proofs import Proof, code_proof
from zegel.records import models
from zegel.records.sql import SqlRecords


def rows() -> int:
    """All rows that a deposit makes."""
    return sum(model.objects.count() for model in (models.Parcel, models.Blob, models.Slip, models.Outbox))


def test_a_deposit_is_read_back_as_it_was(records: SqlRecords) -> None:
    readers = (make_reader("a@example.net"), make_reader("b@example.net", code_proof("appel-taart"), language="en"))
    deposit = put(records, replace(make_deposit(attachments=2), readers=readers))

    assert records.blobs_of(deposit.parcel) == list(deposit.blobs)
    for reader in readers:
        slip = records.slip(reader.slip)
        assert (slip.sealed_slip, slip.share, slip.proof) == (reader.sealed_slip, reader.share, reader.proof)
        assert (slip.parcel, slip.parcel_state, slip.address) == (deposit.parcel, "live", reader.address)
        assert (slip.sender, slip.sender_name, slip.language) == (SENDER, "Afdeling Zorg", reader.language)
        assert (slip.created, slip.expires, slip.revoked) == (NOW, deposit.expires, None)


def test_the_status_tells_what_the_sender_may_know(records: SqlRecords) -> None:
    readers = (make_reader("a@example.net", Proof("mail")), make_archive(), make_reader("b@example.net"))
    deposit = put(records, replace(make_deposit(attachments=2), readers=readers))

    status = records.parcel(deposit.parcel)

    assert (status.sender, status.class_, status.created, status.expires) == (SENDER, 2, NOW, deposit.expires)
    assert (status.state, status.size, status.attachments) == ("live", deposit.size, 2)
    assert [(r.address, r.proof, r.state) for r in status.readers] == [
        ("a@example.net", "mail", "sent"),
        ("b@example.net", "sms", "sent"),
    ]
    assert [slip.kind for slip in records.slips_of(deposit.parcel)] == ["claim", "archive", "claim"]


def test_every_reader_with_a_claim_gets_a_notice(records: SqlRecords) -> None:
    readers = (make_reader(), make_archive(), make_reader())
    put(records, replace(make_deposit(), readers=readers))

    leased = records.lease_outbox(NOW, "courier-1", 10, 60)

    wanted = {(r.slip, r.sealed_notice) for r in readers if r.kind == "claim"}
    assert {(row.slip, row.sealed) for row in leased} == wanted
    assert {(row.kind, row.attempts, row.created) for row in leased} == {("notice", 0, NOW)}


def test_the_same_deposit_again_writes_nothing(records: SqlRecords) -> None:
    deposit = put(records)
    before = rows()
    with records.transaction():
        assert records.add_deposit(deposit, digest(deposit), NOW + timedelta(hours=1), "Anders") is False
    assert rows() == before
    assert records.parcel(deposit.parcel).created == NOW


def _with_blob(deposit: Deposit, blob: str) -> Deposit:
    return replace(deposit, blobs=(Blob(blob, 1, "0" * 64),))


def _with_slip(deposit: Deposit, slip: str) -> Deposit:
    return replace(deposit, readers=(make_reader(slip=slip),))


@pytest.mark.parametrize(
    "thief",
    [
        lambda first: make_deposit(parcel=first.parcel),
        lambda first: _with_blob(make_deposit(), first.blobs[1].blob),
        lambda first: _with_slip(make_deposit(), first.readers[0].slip),
    ],
    ids=["parcel", "blob", "slip"],
)
def test_a_taken_identifier_is_refused_and_nothing_is_written(records: SqlRecords, thief) -> None:
    first = put(records)
    before, other = rows(), thief(first)
    with pytest.raises(Mistake) as refused, records.transaction():
        records.add_deposit(other, digest(other), NOW, "")
    assert refused.value.kind == "parcel-exists"
    assert rows() == before
    assert records.slip(first.readers[0].slip).sealed_slip == first.readers[0].sealed_slip


def test_a_deposit_takes_the_same_few_statements_for_many_readers(records: SqlRecords) -> None:
    counts = []
    for readers in (1, 50):
        deposit = make_deposit(readers=readers)
        with records.transaction(), CaptureQueriesContext(connection) as queries:
            records.add_deposit(deposit, digest(deposit), NOW, "")
        counts.append(len(queries))
    # The parcel first, to know whether it is there; PostgreSQL takes the rest in one go.
    assert counts == ([2, 2] if connection.vendor == "postgresql" else [4, 4])


def _accepted(deposit: Deposit, once: bytes = b"") -> Accepted:
    return Accepted(deposit, digest(deposit), NOW, "Afdeling Zorg", once)


@pytest.mark.parametrize("readers", [1, 200], ids=["few", "more rows than go at once"])
def test_several_deposits_are_written_as_one_by_one(records: SqlRecords, readers: int) -> None:
    several = [make_deposit(readers=readers, attachments=number) for number in range(5)]
    with records.transaction():
        records.add_deposits([_accepted(one, bytes([number])) for number, one in enumerate(several)])
    single = put(records, readers=readers, attachments=0)
    for number, deposit in enumerate(several):
        assert records.blobs_of(deposit.parcel) == list(deposit.blobs)
        assert [slip.sealed_slip for slip in records.slips_of(deposit.parcel)] == [
            reader.sealed_slip for reader in deposit.readers
        ]
        status = records.parcel(deposit.parcel)
        assert (status.attachments, status.created) == (number, records.parcel(single.parcel).created)
        with records.transaction():
            assert records.add_deposit(deposit, digest(deposit), NOW, "") is False
            assert records.first_parcel(bytes([number]), "other", NOW) == deposit.parcel
    assert records.count_outbox()["waiting"] == 6 * readers


@pytest.mark.parametrize(
    "thief",
    [
        _accepted,
        lambda first: _accepted(_with_blob(make_deposit(), first.blobs[0].blob)),
        lambda first: _accepted(_with_slip(make_deposit(), first.readers[0].slip)),
        lambda first: _accepted(make_deposit(), b"mail"),
    ],
    ids=["parcel", "blob", "slip", "mail"],
)
def test_of_several_deposits_none_is_written_when_one_is_known(records: SqlRecords, thief) -> None:
    first = make_deposit()
    with records.transaction():
        records.add_deposits([_accepted(first, b"mail")])
    before = rows()
    with pytest.raises(Mistake) as refused, records.transaction():
        records.add_deposits([_accepted(make_deposit()), thief(first), _accepted(make_deposit())])
    assert refused.value.kind == "parcel-exists"
    assert rows() == before


def test_five_hundred_readers_and_attachments_fit(records: SqlRecords) -> None:
    deposit = put(records, readers=500, attachments=500)
    assert len(records.parcel(deposit.parcel).readers) == 500
    assert [blob.blob for blob in records.blobs_of(deposit.parcel)] == [blob.blob for blob in deposit.blobs]


@pytest.mark.parametrize("name", ["k3mt3zmvwvuqrppbmm5mvjdu4q", "", "kort", "\0" * 26, "x" * 10_000, "' OR 1=1 --"])
def test_what_is_not_there_is_not_found(records: SqlRecords, name: str) -> None:
    put(records)
    for question in (records.parcel, records.slip, records.blobs_of):
        with pytest.raises(NotFound):
            question(name)
    assert records.slips_of(name) == []
    assert records.known_blobs([name]) == set()


def test_a_value_that_no_column_holds_is_a_mistake_and_condemns_the_transaction(postgres: object) -> None:
    records, deposit = SqlRecords(), make_deposit()
    with pytest.raises(Mistake), records.transaction():
        records.add_deposit(deposit, digest(deposit), NOW, "Afdeling\0Zorg")
    assert rows() == 0


def test_known_blobs_are_those_of_parcels_that_are_not_gone(records: SqlRecords) -> None:
    kept, gone = put(records, attachments=3), put(records)
    with records.transaction():
        records.set_state(gone.parcel, "expired")
        records.set_state(gone.parcel, "gone")
    asked = [blob.blob for deposit in (kept, gone) for blob in deposit.blobs] + [new_identifier() for _ in range(2000)]
    assert records.known_blobs(asked) == {blob.blob for blob in kept.blobs}

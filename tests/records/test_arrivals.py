"""What comes from other organisations, as rows; on both databases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.ground.databases import Database
from zegel.errors import Mistake
from zegel.parcels.addresses import Person
from zegel.parcels.arrivals import Arrival
from zegel.parcels.deposit import Blob
from zegel.parcels.identifiers import new_identifier
from zegel.records.sql import SqlRecords

NOW = datetime(2026, 11, 25, 9, 14, tzinfo=UTC)
EXPIRES = NOW + timedelta(days=30)
SEALED = b"age-encryption.org/v1\nrow"


@pytest.fixture
def records(database: Database) -> SqlRecords:
    return SqlRecords()


def arrival(blobs: int = 1, **facts: object) -> Arrival:
    listed = tuple(Blob(new_identifier(), 100 + number, f"{number:064x}") for number in range(blobs))
    found = Arrival(
        new_identifier(), new_identifier(), "Team@ander.test", Person("Zorg", "zorg@wij.test"), "post+b@wij.test",
        "post.wij.test", "post.ander.test", "message", "8bit", 3, "nl", EXPIRES, listed, b"age-encryption.org/v1\nslip",
    )  # fmt: skip
    return replace(found, **facts)  # type: ignore[arg-type]


def add(records: SqlRecords, one: Arrival) -> bool:
    with records.transaction():
        return records.add_arrival(one, SEALED, EXPIRES, NOW)


def test_a_message_waits_for_the_inside_and_moves_into_its_mailbox(records: SqlRecords) -> None:
    one = arrival(3)
    assert add(records, one)
    slip = records.slip(one.slip)
    assert (slip.kind, slip.way, slip.address, slip.parcel) == ("arrival", "portal", "team@ander.test", one.parcel)
    assert (slip.return_to, slip.sender, slip.class_, slip.attachments) == ("post+b@wij.test", "zorg@wij.test", 3, 2)
    assert tuple(records.blobs_of(one.parcel)) == one.blobs
    assert records.received(["team@ander.test"]) == []
    (row,) = records.lease_outbox(NOW, "lease", 9, 60)
    assert (row.kind, row.slip, row.sealed) == ("arrival", one.slip, SEALED)
    with records.transaction():
        records.move_in(one.slip, b"sealed anew", "origin")
    slip = records.slip(one.slip)
    assert (slip.kind, slip.sealed_slip, slip.origin) == ("mailbox", b"sealed anew", "origin")
    (kept,) = records.received(["team@ander.test"])
    assert (kept.sender, kept.state) == ("zorg@wij.test", "new")


def test_the_same_reader_is_there_once_and_the_next_shares_the_blobs(records: SqlRecords) -> None:
    first = arrival(2)
    second = replace(first, slip=new_identifier(), to="balie@ander.test", sealed_slip=b"age-encryption.org/v1\nother")
    assert add(records, first)
    assert not add(records, first)
    assert not add(records, second)
    assert not add(records, second)
    assert [slip.slip for slip in records.slips_of(first.parcel)] == [first.slip, second.slip]
    assert len(records.lease_outbox(NOW, "lease", 9, 60)) == 2


def test_a_mail_and_a_message_of_one_parcel_are_two(records: SqlRecords) -> None:
    message = arrival(2)
    mail = replace(arrival(), parcel=message.parcel, takes="mail")
    assert add(records, message)
    assert add(records, mail)
    assert records.slip(mail.slip).way == "mailbox"
    assert records.slip(mail.slip).address == "Team@ander.test"
    assert tuple(records.blobs_of(mail.kept_as)) == mail.blobs


def test_what_is_taken_by_something_else_is_refused_whole(records: SqlRecords) -> None:
    one = arrival(2)
    add(records, one)
    for same in ({"parcel": one.parcel}, {"slip": one.slip}, {"blobs": one.blobs}):
        other = replace(arrival(2), **same)  # type: ignore[arg-type]
        with pytest.raises(Mistake) as error:
            add(records, other)
        assert error.value.kind == "parcel-exists"
    assert len(records.lease_outbox(NOW, "lease", 9, 60)) == 1


def test_what_was_withdrawn_before_it_was_taken_in_stays_away(records: SqlRecords) -> None:
    one = arrival()
    add(records, one)
    with records.transaction():
        records.destroy_slips(one.parcel, NOW)
        records.move_in(one.slip, b"sealed anew", "origin")
    assert records.slip(one.slip).sealed_slip == b""
    assert records.lease_outbox(NOW, "lease", 9, 60) == []


def test_what_is_published_is_the_last(records: SqlRecords) -> None:
    assert records.published("arrivals") == {}
    for said in ({"a": 1}, {"b": ["ü"]}):
        with records.transaction():
            records.publish("arrivals", said, NOW)
        assert records.published("arrivals") == said
    assert records.published("other") == {}

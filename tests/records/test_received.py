"""What own mailboxes got, as the portal lists it, on both databases."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.ground.deposits import NOW, make_archive, make_deposit, make_reader, put
from zegel.errors import Mistake, NotFound
from zegel.parcels.deposit import Reader, check_deposit
from zegel.parcels.limits import Limits
from zegel.parcels.proofs import Proof
from zegel.parcels.states import check_open
from zegel.records.sql import SqlRecords

TEAM, ANS = "team@loket.example", "ans@loket.example"


def kept(address: str = TEAM) -> Reader:
    return make_reader(address, Proof("mail"), kind="mailbox", way="portal", share=b"", sealed_notice=b"")


def test_a_mailbox_gets_a_slip_and_nobody_a_notice(records: SqlRecords) -> None:
    reader = kept()
    deposit = put(records, replace(make_deposit(), readers=(reader, make_archive())))

    assert records.count_outbox()["waiting"] == 0
    [status] = records.parcel(deposit.parcel).readers
    assert (status.address, status.way, status.state) == (TEAM, "portal", "kept")
    [found] = records.received([TEAM.upper()])
    assert (found.reader.slip, found.sender, found.class_, found.state) == (reader.slip, deposit.sender, 2, "new")
    with records.transaction():
        records.mark(reader.slip, "opened", NOW)
    assert records.received([TEAM])[0].state == "opened"


def test_only_what_is_for_these_addresses_newest_first_and_in_pages(records: SqlRecords) -> None:
    mine = [kept(address) for address in (TEAM, ANS, TEAM, ANS, TEAM)]
    for day, reader in enumerate(mine):
        others = (kept("bob@loket.example"), make_reader(TEAM))
        moment = NOW + timedelta(days=day // 2)
        put(records, replace(make_deposit(), readers=(reader, *others)), moment)

    whole = [found.reader.slip for found in records.received([TEAM, ANS])]
    assert sorted(whole) == sorted(reader.slip for reader in mine)
    assert whole[0] == mine[4].slip
    paged: list[str] = []
    while page := records.received([TEAM, ANS], paged[-1] if paged else "", 2):
        paged += [found.reader.slip for found in page]
    assert paged == whole
    with pytest.raises(NotFound):
        records.received([ANS], mine[0].slip)


def test_withdrawn_it_can_be_opened_by_nobody(records: SqlRecords) -> None:
    reader, other = kept(), kept(ANS)
    deposit = put(records, replace(make_deposit(), readers=(reader, other)))
    with records.transaction():
        records.destroy_slips(deposit.parcel, NOW, reader.slip)
    assert [found.state for found in records.received([TEAM, ANS])].count("revoked") == 1
    assert records.slip(reader.slip).sealed_slip == b""
    with pytest.raises(NotFound, match="withdrawn"):
        check_open(records.slip(reader.slip), NOW)
    check_open(records.slip(other.slip), NOW)


@pytest.mark.parametrize(
    "facts",
    [
        {"share": b"x" * 32},
        {"sealed_notice": b"age-encryption.org/v1\n"},
        {"address": "Team@loket.example"},
        {"way": "link"},
        {"kind": "claim"},
    ],
)
def test_the_slip_of_a_mailbox_has_nothing_else(facts: dict[str, str]) -> None:
    deposit = replace(make_deposit(), readers=(kept(),))
    check_deposit(deposit, NOW, Limits())
    with pytest.raises(Mistake):
        check_deposit(replace(deposit, readers=(replace(kept(), **facts),)), NOW, Limits())

"""Saying how a reader proves who she is, on both databases: once, and never after she was withdrawn."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.ground.deposits import NOW, SMS, make_deposit, make_reader, put
from zegel.parcels.deposit import Deposit, Reader
from zegel.parcels.proofs import Proof, code_proof
from zegel.records.sql import SqlRecords

MISSING = Proof("missing")


def _put(records: SqlRecords, *readers: Reader) -> Deposit:
    return put(records, replace(make_deposit(), readers=readers))


@pytest.mark.usefixtures("database")
def test_the_proof_is_kept_and_what_was_held_waits() -> None:
    records, proof = SqlRecords(), code_proof("Tulp-2026")
    deposit = _put(records, make_reader(proof=MISSING), make_reader("b@example.net", MISSING))
    first, second = (reader.slip for reader in deposit.readers)
    assert not records.lease_outbox(NOW, "a", 10, 60)
    with records.transaction():
        assert records.give_proof(first, proof, NOW)
        assert not records.give_proof(first, SMS, NOW)
    assert records.slip(first).proof == proof
    assert [row.slip for row in records.lease_outbox(NOW, "b", 10, 60)] == [first]
    assert records.slip(second).proof == MISSING


@pytest.mark.usefixtures("database")
def test_not_where_it_is_known_withdrawn_over_or_unknown() -> None:
    records = SqlRecords()
    known = _put(records, make_reader()).readers[0].slip
    gone = _put(records, make_reader(proof=MISSING))
    over = _put(records, make_reader(proof=MISSING)).readers[0].slip
    with records.transaction():
        records.destroy_slips(gone.parcel, NOW)
        for slip, now in ((known, NOW), (gone.readers[0].slip, NOW), (over, NOW + timedelta(days=31)), ("a" * 26, NOW)):
            assert not records.give_proof(slip, SMS, now)
        assert not records.give_proof("\0", SMS, NOW)
    assert not [row for row in records.lease_outbox(NOW, "a", 10, 60) if row.slip != known]


@pytest.mark.slow
@pytest.mark.usefixtures("database")
def test_two_at_once_and_a_withdrawal_leave_one_answer() -> None:
    records = SqlRecords()
    for _ in range(10):
        deposit = _put(records, make_reader(proof=MISSING))
        slip, given, ready = deposit.readers[0].slip, [], threading.Barrier(3)

        def give(proof: Proof, slip: str = slip, given: list[Proof] = given, ready: threading.Barrier = ready) -> None:
            ready.wait(60)
            with records.transaction():
                if records.give_proof(slip, proof, NOW):
                    given.append(proof)
            records.release()

        def destroy(parcel: str = deposit.parcel, ready: threading.Barrier = ready) -> None:
            ready.wait(60)
            with records.transaction():
                records.destroy_slips(parcel, NOW)
            records.release()

        threads = [
            threading.Thread(target=give, args=(SMS,)),
            threading.Thread(target=give, args=(code_proof("1234"),)),
        ]
        threads.append(threading.Thread(target=destroy))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert len(given) <= 1
        assert not records.lease_outbox(NOW, slip, 10, 60)
        kept = records.slip(slip)
        assert (kept.sealed_slip, kept.proof.telephone, kept.proof.verifier) == (b"", "", b"")

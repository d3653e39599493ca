"""Deposits to write down: right in shape, with bytes that nobody will open (the records never do)."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from zegel.parcels.deposit import Blob, Deposit, Reader, digest
from zegel.parcels.identifiers import new_identifier
from zegel.parcels.proofs import Proof

NOW = datetime(2026, 11, 20, 9, 14, tzinfo=UTC)
SENDER = "zorg@voorbeeld.example"
SMS = Proof("sms", telephone="+31612345678")
_AGE = b"age-encryption.org/v1\n"


def make_reader(address: str = "lezer@example.net", proof: Proof = SMS, **facts: Any) -> Reader:
    """One reader with a slip of about real size."""
    made = {
        "slip": new_identifier(),
        "sealed_slip": _AGE + secrets.token_bytes(1900),
        "share": secrets.token_bytes(32),
        "sealed_notice": _AGE + secrets.token_bytes(1600),
    }
    return Reader(address=address, proof=proof, **{**made, **facts})


def make_archive() -> Reader:
    """The organisation's own slip."""
    return make_reader("", Proof("mail"), kind="archive", share=b"", sealed_notice=b"")


def make_deposit(readers: int = 1, attachments: int = 1, **facts: Any) -> Deposit:
    """A deposit with that many readers and attachments; ``facts`` replace what is made."""
    made: dict[str, Any] = {
        "parcel": new_identifier(),
        "sender": SENDER,
        "class_": 2,
        "expires": NOW + timedelta(days=30),
        "blobs": tuple(Blob(new_identifier(), 20_000 + i, secrets.token_hex(32)) for i in range(attachments + 1)),
        "readers": tuple(make_reader(f"lezer{i}@example.net") for i in range(readers)),
    }
    return Deposit(**{**made, **facts})


def put(records: Any, deposit: Deposit | None = None, now: datetime = NOW, **facts: Any) -> Deposit:
    """Write a deposit in a transaction of its own and return it."""
    deposit = deposit or make_deposit(**facts)
    with records.transaction():
        assert records.add_deposit(deposit, digest(deposit), now, "Afdeling Zorg")
    return deposit

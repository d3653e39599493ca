"""A blob that is uploaded again is young again: the sweep must not take it from under a fresh receipt."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from zegel.parcels.identifiers import new_identifier
from zegel.stores.drivers.local import LocalStore


def test_the_same_bytes_again_make_a_blob_young(tmp_path: Path) -> None:
    store, blob = LocalStore(tmp_path), new_identifier()
    long_ago = datetime.now(UTC) - timedelta(days=3)
    put(store, blob)
    os.utime(tmp_path / "blobs" / blob[:2] / blob, (long_ago.timestamp(), long_ago.timestamp()))
    put(store, blob)
    (listed,) = store.listing()
    assert listed.moment > long_ago + timedelta(days=2)


def put(store: LocalStore, blob: str) -> None:
    writer = store.open_write(blob)
    writer.write(b"sealed")
    writer.commit()

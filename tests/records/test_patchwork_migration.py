"""An installation of before the patchwork: what it stored lies at the patch ``local`` afterwards."""

import pytest
from django.core.management import call_command

from tests.ground.deposits import NOW, put
from zegel.records import connect
from zegel.records.sql import SqlRecords


@pytest.mark.usefixtures("database")
def test_blobs_of_before_lie_at_the_first_patch() -> None:
    records = SqlRecords()
    live, ended = put(records, attachments=2), put(records)
    with records.transaction():
        records.destroy_slips(ended.parcel, NOW)
        records.set_state(ended.parcel, "expired")
    # Back to the tables of before, with these parcels in them.
    call_command("migrate", "records", "0002", interactive=False, verbosity=0)
    connect.migrate()
    found = records.copies_of([blob.blob for blob in (*live.blobs, *ended.blobs)])
    assert {(blob.size, blob.sha256) for blob in live.blobs} == {
        (copy.size, copy.sha256) for blob in live.blobs for copy in found[blob.blob]
    }
    states = {copy.state for blob in live.blobs for copy in found[blob.blob]}
    assert (states, {copy.patch for copies in found.values() for copy in copies}) == ({"whole"}, {"local"})
    assert {copy.state for blob in ended.blobs for copy in found[blob.blob]} == {"doomed"}
    assert {copy.class_ for copies in found.values() for copy in copies} == {2}

"""Leave Azure: parcels that lie there move to a European bucket and our own disk, and every link goes on working."""

import os
from pathlib import Path

import pytest

from tests.ground import s3
from tests.ground.azure import running_azurite
from tests.ground.databases import Database
from tests.ground.house import Clock, make_house
from tests.suppliers.made import AMERICAN, make_supplier
from zegel.journeys.evacuate import Evacuate
from zegel.parcels.claim import Link
from zegel.records.sql import SqlRecords
from zegel.stores.choosing import Patch
from zegel.stores.drivers.azure import AzureStore
from zegel.stores.drivers.local import LocalStore
from zegel.stores.drivers.s3 import S3Store
from zegel.stores.patchwork import Patchwork
from zegel.stores.placement import Spread
from zegel.suppliers.register import spell_supplier

pytestmark = [pytest.mark.slow, pytest.mark.node]


def test_azure_is_left_with_a_proof_and_nothing_is_lost(tmp_path: Path, sqlite: Database) -> None:
    clock, records = Clock(), SqlRecords()
    suppliers = [make_supplier("redmond", owner=(AMERICAN,)), make_supplier("par-cloud")]
    with records.transaction():
        records.put_suppliers({one.name: spell_supplier(one) for one in suppliers}, clock())
    (tmp_path / "azurite").mkdir()
    with running_azurite(tmp_path / "azurite") as azurite, s3.running_swift(tmp_path / "swift") as swift:
        old = AzureStore(azurite.fresh())
        stores = [("old", old, "redmond", 0), ("home", LocalStore(tmp_path / "home"), "own", 1)]
        stores.append(("par", S3Store(swift.fresh()), "par-cloud", 2))
        patches = [Patch(name, driver, supplier, rank) for name, driver, supplier, rank in stores]
        patchwork = Patchwork(patches, records, clock, spreads={2: Spread(2, 1)})
        ground = make_house(tmp_path, store=patchwork, clock=clock)
        sent: list[tuple[Link, bytes]] = []
        for size in (10, 100_000, 9_000_000):
            data = os.urandom(size)
            sent.append((ground.send_and_link(attachments=[("a.bin", "", data)], class_=2), data))
        assert sum(1 for _ in old.listing()) == 6

        def all_are_read() -> None:
            for link, data in sent:
                opened = ground.reading.open(link, "")
                assert b"".join(opened.attachment(opened.manifest.attachments[0])) == data

        all_are_read()
        report = Evacuate(records, patchwork, clock, wait=lambda _seconds: None).run("old", reason="sold")
        assert (report.complete, report.empty, report.deleted, report.failed) == (True, True, 6, {})
        assert old.remains().nothing
        assert sum(1 for _ in stores[2][1].listing()) == 6
        all_are_read()

"""A house on three patches: one of our own and two of European suppliers, all folders that can be told to fail."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.ground.databases import Database
from tests.ground.house import Clock, Ground, make_house
from tests.patchwork.moody import Moody
from tests.suppliers.made import make_supplier
from zegel.records.sql import SqlRecords
from zegel.stores.choosing import Patch
from zegel.stores.health import Health
from zegel.stores.patchwork import Patchwork
from zegel.stores.placement import Spread
from zegel.suppliers.register import spell_supplier
from zegel.suppliers.supplier import Supplier

AMS, PAR = make_supplier("ams-cloud"), make_supplier("par-cloud", seat="FR", hosting=("FR",))


@dataclass
class Quilt:
    """A patchwork, its folders by patch, and the house that stands on it."""

    patchwork: Patchwork
    stores: dict[str, Moody]
    records: SqlRecords
    clock: Clock
    ground: Ground
    timer: list[float]
    """Seconds, as circuit breakers see them."""

    def put(self, data: bytes, class_: int = 2) -> str:
        """Write and deposit a blob's rows, as a send does."""
        from zegel.parcels.identifiers import new_identifier

        blob = new_identifier()
        writer = self.patchwork.open_write(blob, class_)
        writer.write(data)
        done = writer.commit()
        copies = self.patchwork.settle([done], class_)
        with self.records.transaction():
            self.records.add_copies(copies, self.clock())
        return blob

    def get(self, blob: str, start: int = 0, length: int | None = None) -> bytes:
        return b"".join(self.patchwork.read(blob, start, length))

    def states(self, blob: str) -> dict[str, str]:
        return {copy.patch: copy.state for copy in self.records.copies_of([blob]).get(blob, [])}

    def has(self, blob: str) -> set[str]:
        """The patches whose folder really has it."""
        return {name for name, store in self.stores.items() if list(store.blobs.glob(f"*/{blob}*"))}


def make_quilt(
    tmp_path: Path,
    spreads: Mapping[int, Spread],
    suppliers: tuple[Supplier, ...] = (AMS, PAR),
    more: Mapping[str, str] | None = None,
    **ranks: int,
) -> Quilt:
    """``more`` patches, with the names of their suppliers."""
    clock, records = Clock(), SqlRecords()
    names = {"home": "own", "ams": "ams-cloud", "par": "par-cloud", **(more or {})}
    stores = {name: Moody(tmp_path / name) for name in names}
    with records.transaction():
        records.put_suppliers({one.name: spell_supplier(one) for one in suppliers}, clock())
    timer = [0.0]
    patches = [
        Patch(name, store, names[name], ranks.get(name, 0), Health(now=lambda: timer[0]))
        for name, store in stores.items()
    ]
    patchwork = Patchwork(patches, records, clock, spreads=spreads)
    return Quilt(patchwork, stores, records, clock, make_house(tmp_path, store=patchwork, clock=clock), timer)


@pytest.fixture
def quilt(tmp_path: Path, database: Database) -> Quilt:
    """Two copies of classes 0 to 3, one of which must be durable at once; suppliers first."""
    spreads = {class_: Spread(2, 1) for class_ in range(4)}
    return make_quilt(tmp_path, spreads, home=5)

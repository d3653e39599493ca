"""What is lost when a patch goes, over a million blobs with random names: ``uv run bench/what_if.py [--rows 1000000]``.

On SQLite and on a PostgreSQL that is started for it and waits for its disk as one should. Each blob lies at one of two
patches, half of them at a third one too. The design wants the answer within two seconds; nothing passes or fails here.
"""

import argparse
import os
import sys
import tempfile
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.cost import Meter
from tests.ground import databases

TEMPORARY = tempfile.TemporaryDirectory(prefix="zegel-bench-")
databases.configure_django(f"sqlite://{TEMPORARY.name}/bench.db")

from django.db import connection  # noqa: E402
from tests.suppliers.made import make_supplier  # noqa: E402

from zegel.journeys.what_if import Survey  # noqa: E402
from zegel.records import connect  # noqa: E402
from zegel.records.sql import SqlRecords  # noqa: E402
from zegel.stores.choosing import Patch  # noqa: E402
from zegel.stores.drivers.local import LocalStore  # noqa: E402
from zegel.stores.patchwork import Patchwork  # noqa: E402
from zegel.stores.placement import Spread  # noqa: E402
from zegel.suppliers.register import spell_supplier  # noqa: E402


def now() -> datetime:
    return datetime.now(UTC)


def what_if(rows: int) -> None:
    """Fill, ask, print."""
    records, names = SqlRecords(), ("one", "two")
    with records.transaction():
        suppliers = {f"cloud-{name}": spell_supplier(make_supplier(f"cloud-{name}")) for name in names}
        records.put_suppliers(suppliers, now())
    patches = [Patch(name, LocalStore(Path(TEMPORARY.name) / name), f"cloud-{name}") for name in names]
    patchwork = Patchwork(patches, records, now, spreads={2: Spread(1, 1)})
    fill(rows)
    meter = Meter()
    answer = Survey(records, patchwork, now).what_if("one")
    load = os.getloadavg()[0]
    print(f"{connection.vendor}: {rows} blobs, {rows + rows // 2} rows: {meter()}; ", end="")
    print(f"{answer.leaving.unreadable} lost [load {load:.1f}]", flush=True)


def fill(rows: int) -> None:
    """Rows of copies as SQL writes them, on SQLite or PostgreSQL."""
    if connection.vendor == "sqlite":
        numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %s) SELECT i FROM n"
        name = "lower(hex(randomblob(13)))"
    else:
        numbers, name = "SELECT generate_series(1, %s) AS i", "substr(md5(random()::text), 1, 26)"
        # As in production. A commit that nobody waited for is not known to be one when VACUUM comes right after it: it
        # marks no page as visible to all then, and the index is not enough for any of them.
        with connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit = on")
    columns = "(blob, patch, share, needed, state, class_number, size, sha256, since)"
    facts = "-1, 1, 'whole', 2, 20000 + i %% 5000, '', '2026-01-01'"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE blobs AS SELECT i, {name} AS blob FROM ({numbers}) AS n", [rows])
        for patch, which in (("CASE i %% 3 WHEN 0 THEN 'one' ELSE 'two' END", "true"), ("'three'", "i %% 2 = 0")):
            text = f"INSERT INTO blob_copy {columns} SELECT blob, {patch}, {facts} FROM blobs WHERE {which} AND i > %s"
            cursor.execute(text, [0])
        cursor.execute("DROP TABLE blobs")
        # What PostgreSQL does by itself within a minute: without it no index is known to be enough.
        cursor.execute("ANALYZE blob_copy" if connection.vendor == "sqlite" else "VACUUM ANALYZE blob_copy")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rows", type=int, default=1_000_000)
    rows = asked.parse_args().rows
    os.environ.setdefault("ZEGEL_TEST_CACHE", str(Path.home() / ".cache" / "zegel-tests"))
    connect.migrate()
    what_if(rows)
    if databases.postgres_programs() is None:
        return
    with contextmanager(databases.running_cluster)(durable=True) as cluster:
        databases.switch(databases.make_postgres_database(cluster))
        what_if(rows)
        databases.leave()


if __name__ == "__main__":
    main()

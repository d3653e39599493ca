"""How many deposits a second become durable, next to plain SQL that writes the same rows: ``python bench/records.py``.

Both sides take turns in one run, on one PostgreSQL (fsync on, its own throw-away cluster) and on one SQLite file
(synchronous=FULL), because a shared machine differs more from minute to minute than they do from each other. A deposit
is what a parcel of 20 kB to one reader needs: parcel, two blobs, slip, outbox row, audit entry and the chain's head.

Then the same questions on a thousand and on a million parcels (``--parcels``). Medians; nothing passes or fails here.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.ground import databases
from tests.ground.deposits import NOW, make_deposit

databases.configure_django()

# Models can be imported once Django is configured, and not before.
# ruff: noqa: E402
from django.db import connection, connections

from zegel.audit.entry import Head, next_entry, spell_facts
from zegel.parcels.deposit import Deposit, digest
from zegel.records import connect
from zegel.records.sql import SqlRecords

DEPOSITS = 300
ROUNDS = 5
NAMES = ("deposits", "few", "many")
LISTED = "sender7@voorbeeld.example"


def durable_entry(url: str) -> dict[str, Any]:
    """What production uses; the tests' own entry does not wait for disks."""
    return connect.database(url)


@contextmanager
def postgres() -> Iterator[list[str]]:
    """Three databases in a throw-away cluster that waits for its disk."""
    cluster = databases.running_cluster(durable=True)
    found = next(cluster)
    for name in NAMES:
        found.execute(f"CREATE DATABASE {name}")
    yield [found.url(name) for name in NAMES]
    cluster.close()


@contextmanager
def sqlite() -> Iterator[list[str]]:
    """Three files."""
    with tempfile.TemporaryDirectory() as folder:
        yield [connect.sqlite_url(Path(folder) / name) for name in NAMES]


# Deposits: ours ---------------------------------------------------------------------------------------------------


def deposit_all(deposits: list[Deposit]) -> None:
    """As the journey does: one transaction per deposit, the audit entry last."""
    records = SqlRecords()
    for deposit in deposits:
        with records.transaction():
            records.add_deposit(deposit, digest(deposit), NOW, "Afdeling Zorg")
            records.append_audit(NOW, "operator", "parcel:deposited", deposit.parcel, {"readers": 1, "blobs": 2})


def deposit_in_threads(deposits: list[Deposit], threads: int = 4) -> None:
    """The same from several threads, as the web door does."""
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(deposit_all, [deposits[i::threads] for i in range(threads)]))


# Deposits: plain SQL ----------------------------------------------------------------------------------------------

COLUMNS = {
    "parcel": "parcel digest sender sender_name suite class_number language created expires state ended size"
    " attachments",
    "blob": "blob parcel_id place size sha256",
    "slip": "slip parcel_id place kind address language proof telephone salt verifier sealed_slip share tries code_hash"
    " code_tries",
    "outbox": "kind slip sealed added due attempts lease state reason",
    "audit_entry": "number moment actor event subject facts previous hash",
}


def plain_rows(deposit: Deposit, head: Head) -> tuple[dict[str, list[tuple[Any, ...]]], Head]:
    """The same rows as ours, as tuples."""
    reader = deposit.readers[0]
    entry = next_entry(head, NOW, "operator", "parcel:deposited", deposit.parcel, {"readers": 1, "blobs": 2})
    return {
        "parcel": [(deposit.parcel, digest(deposit), deposit.sender, "Afdeling Zorg", deposit.suite, deposit.class_,
                    deposit.language, NOW, deposit.expires, "live", "", deposit.size, 1)],
        "blob": [(b.blob, deposit.parcel, i, b.size, b.sha256) for i, b in enumerate(deposit.blobs)],
        "slip": [(reader.slip, deposit.parcel, 0, reader.kind, reader.address, reader.language, reader.proof.kind,
                  reader.proof.telephone, b"", b"", reader.sealed_slip, reader.share, 0, b"", 0)],
        "outbox": [("notice", reader.slip, reader.sealed_notice, NOW, NOW, 0, "", "waiting", "")],
        "audit_entry": [(entry.number, entry.moment, entry.actor, entry.event, entry.subject,
                         spell_facts(entry.facts), entry.previous, entry.hash)],
    }, entry.head  # fmt: skip


def plain_postgres(url: str, deposits: list[Deposit]) -> None:
    """psycopg with prepared statements on one connection that stays open."""
    import psycopg

    with psycopg.connect(url, prepare_threshold=0) as plain:
        plain.commit()
        for deposit in deposits:
            with plain.transaction():
                found = plain.execute(
                    "SELECT number, hash FROM audit_head WHERE row = 1 FOR UPDATE".replace("row", '"row"')
                )
                head = Head(*found.fetchone())
                tables, head = plain_rows(deposit, head)
                for table, rows in tables.items():
                    names = COLUMNS[table].split()
                    marks = "(" + ",".join(["%s"] * len(names)) + ")"
                    values = [value for row in rows for value in row]
                    statement = f"INSERT INTO {table} ({','.join(names)}) VALUES {','.join([marks] * len(rows))}"
                    plain.execute(statement, values)
                plain.execute("UPDATE audit_head SET number = %s, hash = %s", (head.number, head.hash))


def plain_sqlite(path: str, deposits: list[Deposit]) -> None:
    """sqlite3 with the same pragmas."""
    import sqlite3

    plain = sqlite3.connect(path, isolation_level=None)
    for pragma in durable_entry(f"sqlite://{path}")["OPTIONS"]["init_command"].split(";"):
        plain.execute(pragma)
    for deposit in deposits:
        plain.execute("BEGIN IMMEDIATE")
        head = Head(*plain.execute("SELECT number, hash FROM audit_head").fetchone())
        tables, head = plain_rows(deposit, head)
        for table, rows in tables.items():
            names = COLUMNS[table].split()
            statement = f"INSERT INTO {table} ({','.join(names)}) VALUES ({','.join('?' * len(names))})"
            plain.executemany(statement, [[spelled(value) for value in row] for row in rows])
        plain.execute("UPDATE audit_head SET number = ?, hash = ?", (head.number, head.hash))
        plain.execute("COMMIT")
    plain.close()


def spelled(value: Any) -> Any:
    """Moments as Django spells them on SQLite."""
    return value.replace(tzinfo=None).isoformat(" ") if isinstance(value, datetime) else value


def per_second(work: Callable[[list[Deposit]], None], deposits: list[Deposit]) -> float:
    """Deposits a second."""
    start = time.perf_counter()
    work(deposits)
    return len(deposits) / (time.perf_counter() - start)


def bench_deposits(name: str, url: str) -> None:
    """Take turns and print medians."""
    connect.migrate()
    plain = (
        (lambda d: plain_postgres(url, d)) if name == "PostgreSQL"
        else (lambda d: plain_sqlite(connection.settings_dict["NAME"], d))
    )  # fmt: skip
    workers: dict[str, Callable[[list[Deposit]], None]] = {
        "zegel, 1 thread": deposit_all,
        "zegel, 4 threads": deposit_in_threads,
        "plain SQL, 1 connection": plain,
    }
    rates: dict[str, list[float]] = {worker: [] for worker in workers}
    for _ in range(ROUNDS):
        for worker, work in workers.items():
            rates[worker].append(per_second(work, [make_deposit() for _ in range(DEPOSITS)]))
    medians = {worker: statistics.median(found) for worker, found in rates.items()}
    print(f"\n{name}: durable deposits a second, median of {ROUNDS} rounds of {DEPOSITS}")
    for worker, median in medians.items():
        ratio = median / medians["plain SQL, 1 connection"]
        print(f"  {worker:26} {median:7.0f}/s   {ratio:5.2f} × plain   (min {min(rates[worker]):.0f})")


# Lists ------------------------------------------------------------------------------------------------------------


def fill(parcels: int) -> None:
    """Write that many old parcels with a slip and a done outbox row each, for a hundred senders, and 500 that wait."""
    postgresql = connection.vendor == "postgresql"
    series = (
        f"SELECT i FROM generate_series(1, {parcels}) AS s(i)" if postgresql
        else f"WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < {parcels}) SELECT i FROM s"
    )  # fmt: skip
    name = "substr(md5({}), 1, 26)" if postgresql else "lower(substr(hex(randomblob(8)), 1, 6)) || printf('%020d', i)"
    moment = (
        "timestamptz '2025-01-01' + i * interval '20 seconds'" if postgresql
        else "datetime('2025-01-01', '+' || (i * 20) || ' seconds')"
    )  # fmt: skip
    parcel = name.format("i::text")
    empty = "''::bytea" if postgresql else "x''"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE made AS SELECT i, {parcel} AS p, {moment} AS m FROM ({series}) AS t")
        cursor.execute(
            "INSERT INTO parcel SELECT p, p, 'sender' || (i % 100) || '@voorbeeld.example', 'Afdeling', 'age', 2, 'nl',"
            f" m, m, {'CASE WHEN i % 1000 = 0 THEN'} 'live' ELSE 'gone' END, 'expired', 20000, 1 FROM made"
        )
        cursor.execute(
            "INSERT INTO slip (slip, parcel_id, place, kind, address, language, proof, telephone, salt, verifier,"
            " sealed_slip, share, announced, tries, code_hash, code_tries) SELECT p, p, 0, 'claim',"
            f" 'lezer@example.net', 'nl', 'sms', '', {empty}, {empty}, {empty}, {empty}, m, 0, {empty}, 0 FROM made"
        )
        cursor.execute(
            "INSERT INTO outbox (kind, slip, sealed, added, due, attempts, lease, state, reason) SELECT 'notice', p,"
            f" {empty}, m, m, 1, '', CASE WHEN i <= 500 THEN 'waiting' ELSE 'done' END, '' FROM made"
        )
        cursor.execute("ANALYZE")


def questions() -> dict[str, Callable[[], object]]:
    """What pages, the sweeper and the courier ask."""
    records = SqlRecords()
    first = records.parcels_of(LISTED, limit=10)
    deep = first
    for _ in range(30):
        deep = records.parcels_of(LISTED, deep[-1].parcel, 10) or deep
    leases = iter(range(10**6))
    return {
        "a sender's first page": lambda: records.parcels_of(LISTED, limit=10),
        "a page far down": lambda: records.parcels_of(LISTED, deep[0].parcel, 10),
        "one parcel": lambda: records.parcel(first[0].parcel),
        "one slip": lambda: records.slip(first[0].parcel),
        "what is due": lambda: records.due_parcels(NOW, 1),
        "what has ended": records.ended_parcels,
        "lease ten rows": lambda: records.lease_outbox(
            NOW + timedelta(days=next(leases)), f"lease{next(leases)}", 10, 1
        ),
        "count the outbox": records.count_outbox,
    }


def use(url: str) -> None:
    """Make a database the default, as production would have it."""
    databases.leave()
    connections.settings["default"] = connections.configure_settings({"default": durable_entry(url)})["default"]
    connection.ensure_connection()


def bench_lists(name: str, urls: list[str], parcels: int) -> None:
    """The same questions on few and on many parcels, in turns."""
    taken: list[dict[str, list[float]]] = [defaultdict(list), defaultdict(list)]
    asked = []
    for url, count in zip(urls, (1000, parcels), strict=True):
        use(url)
        connect.migrate()
        fill(count)
        asked.append(questions())
    for _ in range(ROUNDS):
        for url, found, ask in zip(urls, taken, asked, strict=True):
            use(url)
            for question, work in ask.items():
                work()
                for _ in range(10):
                    start = time.perf_counter()
                    work()
                    found[question].append((time.perf_counter() - start) * 1000)
    databases.leave()
    print(f"\n{name}: milliseconds on 1000 and on {parcels} parcels, medians of {ROUNDS} rounds in turns")
    for question in taken[0]:
        few, many = (statistics.median(found[question]) for found in taken)
        print(f"  {question:26} {few:8.2f} {many:8.2f}   {many / few:5.2f} ×")


def main() -> None:
    """Run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--parcels", type=int, default=1_000_000)
    parser.add_argument("--only", choices=("deposits", "lists"))
    chosen = parser.parse_args()
    for name, make in (("PostgreSQL", postgres), ("SQLite", sqlite)):
        with make() as urls:
            if chosen.only != "lists":
                use(urls[0])
                bench_deposits(name, urls[0])
            if chosen.only != "deposits":
                bench_lists(name, urls[1:], chosen.parcels)
            databases.leave()


if __name__ == "__main__":
    main()

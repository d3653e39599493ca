"""The patchwork against its peers, side by side in one run, on real S3 servers started here.

    uv run bench/patchwork.py [--objects 20000] [--kilobytes 20] [--large 20] [--megabytes 512] [--rows 1000000]
    uv run --with obstore bench/patchwork.py …    obstore's figures too

evacuate   everything from OpenStack Swift to Ceph, and from Ceph to Swift (or between two Swifts): copied, verified,
           recorded, and deleted at the source; against ``rclone sync --checksum`` (deletes nothing) and ``rclone move``
           of the same objects between the same servers. Besides seconds, the processor time of client and servers
           together: on a machine that does other things too, that is the steadier figure
write/read one patch through the patchwork against plain boto3 (and obstore)
what-if    over a million blobs (SQLite)
patrol     copies checked per second on a local patch
"""

import argparse
import os
import resource
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.ground import databases, s3

TEMPORARY = Path(tempfile.mkdtemp(prefix="zegel-bench-"))
databases.configure_django(f"sqlite://{TEMPORARY}/bench.db")

from tests.suppliers.made import make_supplier  # noqa: E402

from zegel.journeys.evacuate import Evacuate  # noqa: E402
from zegel.journeys.tend import Tend  # noqa: E402
from zegel.journeys.what_if import Survey  # noqa: E402
from zegel.parcels.identifiers import new_identifier  # noqa: E402
from zegel.records import connect  # noqa: E402
from zegel.records.sql import SqlRecords  # noqa: E402
from zegel.stores.choosing import Patch  # noqa: E402
from zegel.stores.drivers.local import LocalStore  # noqa: E402
from zegel.stores.drivers.s3 import Bucket, S3Store  # noqa: E402
from zegel.stores.patchwork import Patchwork  # noqa: E402
from zegel.stores.placement import Spread  # noqa: E402
from zegel.suppliers.register import spell_supplier  # noqa: E402

WORKERS = 8


def now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def servers() -> Iterator[tuple[s3.Server, s3.Server]]:
    """Where everything comes from, and where it goes."""
    with ExitStack() as stack:
        source = stack.enter_context(s3.running_swift(TEMPORARY / "swift"))
        if shutil.which("radosgw"):
            (TEMPORARY / "ceph").mkdir()
            yield source, stack.enter_context(s3.running_ceph(TEMPORARY / "ceph"))
        else:
            yield source, stack.enter_context(s3.running_swift(TEMPORARY / "swift2"))


def quilt(records: SqlRecords, **stores: object) -> Patchwork:
    """Patches with one copy each way; the first one is taken first."""
    with records.transaction():
        known = {name: spell_supplier(make_supplier(f"cloud-{name}")) for name in stores}
        records.put_suppliers({f"cloud-{name}": text for name, text in known.items()}, now())
    patches = [
        Patch(name, store, f"cloud-{name}", rank)  # type: ignore[arg-type]
        for rank, (name, store) in enumerate(stores.items())
    ]
    return Patchwork(patches, records, now, spreads={2: Spread(1, 1)})


def fill(patchwork: Patchwork, records: SqlRecords, count: int, size: int) -> float:
    """Write and record that many blobs of random bytes with eight writers; returns seconds."""
    data = secrets.token_bytes(min(size, 1 << 20))

    def one(_: int) -> list[object]:
        writer = patchwork.open_write(new_identifier(), 2)
        left = size
        while left:
            left -= len(piece := memoryview(data)[: min(left, len(data))])
            writer.write(piece)
        return list(patchwork.settle([writer.commit()], 2))

    began = time.monotonic()
    rows = [row for found in _pool(one, count) for row in found]
    seconds = time.monotonic() - began
    with records.transaction():
        records.add_copies(rows, now())  # type: ignore[arg-type]
    return seconds


def _pool(work: Callable[[int], object], count: int) -> list[object]:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(work, range(count)))


def rclone(verb: str, source: Bucket, target: Bucket) -> None:
    """``rclone sync`` or ``rclone move`` with ``--checksum``."""
    config = TEMPORARY / "rclone.conf"
    text = ""
    for name, bucket in (("source", source), ("target", target)):
        text += (
            f"[{name}]\ntype = s3\nprovider = Other\nendpoint = {bucket.endpoint}\nregion = {bucket.region}\n"
            f"access_key_id = {bucket.access_key}\nsecret_access_key = {bucket.secret_key}\nforce_path_style = true\n"
        )
    config.write_text(text)
    subprocess.run(
        ["rclone", "--config", config, verb, "--checksum", f"source:{source.bucket}",
         f"target:{target.bucket}", "--transfers", str(WORKERS), "--checkers", str(WORKERS), "-q"],
        check=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
    )  # fmt: skip


def warm(store: S3Store) -> None:
    """A fresh Ceph makes its pools at the first write of each kind, which takes it seconds."""
    name = new_identifier()
    writer = store.open_write(name)
    writer.write(bytes(9 << 20))
    writer.commit()
    store.delete([name])


def processor() -> float:
    """Seconds of processor time that we, our servers and our finished children have taken."""
    ours, theirs, ticks, running = (
        resource.getrusage(resource.RUSAGE_SELF),
        resource.getrusage(resource.RUSAGE_CHILDREN),
        os.sysconf("SC_CLK_TCK"),
        0,
    )
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            facts = stat.read_text().rpartition(")")[2].split()
            if int(facts[1]) == os.getpid():
                running += int(facts[11]) + int(facts[12])
    return ours.ru_utime + ours.ru_stime + theirs.ru_utime + theirs.ru_stime + running / ticks


@dataclass(frozen=True)
class Cost:
    """What something took."""

    seconds: float
    processor: float

    def against(self, other: "Cost") -> str:
        """How many times the other one takes of it."""
        return f"{other.seconds / self.seconds:.2f}x (processor {other.processor / self.processor:.2f}x)"

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s, {self.processor:.1f} s of processor"


class Meter:
    """Measures from when it is made."""

    def __init__(self) -> None:
        self._began, self._before = time.monotonic(), processor()

    def __call__(self) -> Cost:
        return Cost(time.monotonic() - self._began, processor() - self._before)


def by_rclone(verb: str, source: Bucket, target: Bucket) -> Cost:
    meter = Meter()
    rclone(verb, source, target)
    return meter()


def evacuation(source: s3.Server, target: s3.Server, count: int, size: int, label: str) -> None:
    """Fill, let rclone copy it to one bucket, then leave the source for another."""
    records = SqlRecords()
    a, b, c = source.fresh(), target.fresh(), target.fresh()
    name = f"{source.kind}-{target.kind}-{label}"
    patchwork = quilt(records, **{f"from-{name}": S3Store(a), f"to-{name}": S3Store(b)})
    fill(patchwork, records, count, size)
    warm(S3Store(target.fresh()))
    theirs = moved = None
    if shutil.which("rclone"):
        theirs = by_rclone("sync", a, c)
        empty(c)
        d, e = source.fresh(), target.fresh()
        other = quilt(records, **{f"other-{name}": S3Store(d)})
        fill(other, records, count, size)
        moved = by_rclone("move", d, e)
        empty(e)
    patchwork = quilt(records, **{f"from-{name}": S3Store(a), f"to-{name}": S3Store(b)})
    before, meter = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, Meter()
    safe: list[Cost] = []
    report = Evacuate(records, patchwork, now, wait=lambda _: None).run(
        f"from-{name}", workers=WORKERS, progress=lambda _: safe.append(meter())
    )
    ours = meter()
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    assert report.empty, report
    print(
        f"evacuate {count} x {label}, {source.kind} to {target.kind}: copied, verified and recorded after {safe[-1]} "
        f"({count / safe[-1].seconds:.0f} objects/s, {count * size / 1e6 / safe[-1].seconds:.1f} MB/s), "
        f"deleted too after {ours}; peak memory +{grown} MiB"
    )
    if theirs and moved:
        print(
            f"  rclone sync --checksum, deletes nothing: {theirs}; "
            f"copying {safe[-1].against(theirs)} (reach 1.0x), with deleting {ours.against(theirs)}"
        )
        print(f"  rclone move --checksum, deletes too: {moved}; with deleting {ours.against(moved)}", flush=True)
    empty(b)


def empty(bucket: Bucket) -> None:
    """Give the disk back."""
    store = S3Store(bucket)
    keys = [entry["Key"] for entry in store._entries("")]
    for first in range(0, len(keys), 1000):
        objects = [{"Key": key} for key in keys[first : first + 1000]]
        store.client.delete_objects(Bucket=bucket.bucket, Delete={"Objects": objects, "Quiet": True})


def one_by_one(work: Callable[[int], object], count: int) -> list[float]:
    """Seconds of each."""
    taken = []
    for number in range(count):
        began = time.monotonic()
        work(number)
        taken.append(time.monotonic() - began)
    return taken


def plain(server: s3.Server, size: int, count: int) -> None:
    """Write and read through the patchwork against boto3 (and obstore) with the same bucket."""
    bucket, records = server.fresh(), SqlRecords()
    patchwork = quilt(records, **{f"plain-{server.kind}": S3Store(bucket)})
    data, blobs = secrets.token_bytes(size), [new_identifier() for _ in range(count)]
    client = S3Store(bucket).client

    def write(number: int) -> None:
        writer = patchwork.open_write(blobs[number], 2)
        writer.write(data)
        rows = patchwork.settle([writer.commit()], 2)
        with records.transaction():
            records.add_copies(rows, now())

    def read(number: int) -> None:
        for _piece in patchwork.read(blobs[number]):
            pass

    write_boto = partial(_put_boto, client, bucket.bucket, data)
    rivals = {"boto3": (write_boto, partial(_get_boto, client, bucket.bucket)), **_obstore(bucket, data)}
    write_boto(count)  # so that nobody pays for what a server does once
    ours = {"write, recorded": one_by_one(write, count), "read, verified": one_by_one(read, count)}
    theirs = {name: [one_by_one(use, count) for use in uses] for name, uses in rivals.items()}
    for at, (what, taken) in enumerate(ours.items()):
        said = [f"{server.kind}, {size // 1000} kB, one at a time, {what}: {_speed(taken)}"]
        for name, both in theirs.items():
            said.append(f"{name} {_speed(both[at])}, ratio {sum(both[at]) / sum(taken):.2f}x")
        print("; ".join(said), flush=True)


def _put_boto(client: Any, bucket: str, data: bytes, number: int) -> None:
    client.put_object(Bucket=bucket, Key=f"plain/{number}", Body=data)


def _get_boto(client: Any, bucket: str, number: int) -> None:
    client.get_object(Bucket=bucket, Key=f"plain/{number}")["Body"].read()


def _obstore(bucket: Bucket, data: bytes) -> dict[str, Any]:
    try:
        from obstore.store import S3Store as Obstore  # type: ignore[import-not-found]
    except ImportError:
        return {}
    store = Obstore(
        bucket.bucket, endpoint=bucket.endpoint, region=bucket.region, access_key_id=bucket.access_key,
        secret_access_key=bucket.secret_key, virtual_hosted_style_request=False, client_options={"allow_http": True},
    )  # fmt: skip
    return {
        "obstore": (
            lambda number: store.put(f"obstore/{number}", data),
            lambda number: bytes(store.get(f"obstore/{number}").bytes()),
        )
    }


def _speed(taken: list[float]) -> str:
    ordered = sorted(taken)
    middle, high = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
    return f"{len(taken) / sum(taken):.0f}/s (median {middle * 1e3:.1f} ms, 99 % {high * 1e3:.0f} ms)"


def what_if(rows: int) -> None:
    """The answer over so many blobs with random names at two patches, half of them at a third one too."""
    from django.db import connection

    records = SqlRecords()
    patchwork = quilt(records, one=LocalStore(TEMPORARY / "one"), two=LocalStore(TEMPORARY / "two"))
    fill_rows(rows)
    began, before = time.monotonic(), processor()
    answer = Survey(records, patchwork, now).what_if("one")
    took = Cost(time.monotonic() - began, processor() - before)
    print(
        f"what-if over {rows} blobs, {rows + rows // 2} rows, {connection.vendor}: {took} (reach < 2 s); "
        f"{answer.leaving.unreadable} lost",
        flush=True,
    )
    empty_rows()


def fill_rows(rows: int) -> None:
    """Rows of copies as SQL writes them, on SQLite or PostgreSQL."""
    from django.db import connection

    if connection.vendor == "sqlite":
        numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %s) SELECT i FROM n"
        name = "lower(hex(randomblob(13)))"
    else:
        numbers, name = "SELECT generate_series(1, %s) AS i", "substr(md5(random()::text), 1, 26)"
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


def empty_rows() -> None:
    """What :func:`fill_rows` wrote goes."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM blob_copy")


def what_if_on_postgres(rows: int) -> None:
    """The same on a PostgreSQL that is started for it, and waits for its disk as one should."""
    if databases.postgres_programs() is None:
        return
    with contextmanager(databases.running_cluster)(durable=True) as cluster:
        url = databases.make_postgres_database(cluster)
        databases.switch(url)
        what_if(rows)
        databases.leave()
    databases.switch(f"sqlite://{TEMPORARY}/bench.db")


def patrol(count: int) -> None:
    """Copies that a patrol checks per second."""
    records = SqlRecords()
    patchwork = quilt(records, ground=LocalStore(TEMPORARY / "ground"))
    fill(patchwork, records, count, 20_000)
    began = time.monotonic()
    seen = Tend(records, patchwork, now).patrol("ground", count)
    seconds = time.monotonic() - began
    assert (seen.looked, seen.broken) == (count, 0)
    minutes = seconds / count * 1e6 / 60
    print(f"patrol, local, 20 kB: {count / seconds:.0f} copies/s; a million blobs take {minutes:.1f} minutes")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--objects", type=int, default=20_000)
    parser.add_argument("--kilobytes", type=int, default=20)
    parser.add_argument("--large", type=int, default=20)
    parser.add_argument("--megabytes", type=int, default=512)
    parser.add_argument("--rows", type=int, default=1_000_000)
    chosen = parser.parse_args()
    os.environ.setdefault("ZEGEL_TEST_CACHE", str(Path.home() / ".cache" / "zegel-tests"))
    connect.migrate()
    try:
        what_if(chosen.rows)
        what_if_on_postgres(chosen.rows)
        patrol(min(chosen.objects, 2000))
        with servers() as (source, target):
            for server in (source, target):
                plain(server, 20_000, min(chosen.objects, 200))
            for here, there in ((source, target), (target, source)):
                evacuation(here, there, chosen.objects, chosen.kilobytes * 1000, f"{chosen.kilobytes}kb")
                evacuation(here, there, chosen.large, chosen.megabytes << 20, f"{chosen.megabytes}mib")
    finally:
        shutil.rmtree(TEMPORARY, ignore_errors=True)


if __name__ == "__main__":
    main()

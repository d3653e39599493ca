"""The patchwork against its peers, side by side in one run, on real S3 servers started here.

    uv run bench/patchwork.py [--objects 20000] [--kilobytes 20] [--large 20] [--megabytes 512] [--rows 1000000]

evacuate   everything from OpenStack Swift to Ceph (or to a second Swift): copied, verified, recorded and deleted at
           the source; against ``rclone sync --checksum`` of the same objects between the same servers (deletes nothing)
write/read one patch through the patchwork against plain boto3
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
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

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


def rclone(verb: str, source: Bucket, target: Bucket) -> float:
    """Seconds that ``rclone sync`` or ``rclone move`` takes, with ``--checksum``."""
    config = TEMPORARY / "rclone.conf"
    text = ""
    for name, bucket in (("source", source), ("target", target)):
        text += (
            f"[{name}]\ntype = s3\nprovider = Other\nendpoint = {bucket.endpoint}\nregion = {bucket.region}\n"
            f"access_key_id = {bucket.access_key}\nsecret_access_key = {bucket.secret_key}\nforce_path_style = true\n"
        )
    config.write_text(text)
    began = time.monotonic()
    subprocess.run(
        ["nice", "rclone", "--config", config, verb, "--checksum", f"source:{source.bucket}",
         f"target:{target.bucket}", "--transfers", str(WORKERS), "--checkers", str(WORKERS), "-q"],
        check=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
    )  # fmt: skip
    return time.monotonic() - began


def warm(store: S3Store) -> None:
    """A fresh Ceph makes its pools at the first write of each kind, which takes it seconds."""
    name = new_identifier()
    writer = store.open_write(name)
    writer.write(bytes(9 << 20))
    writer.commit()
    store.delete([name])


def evacuation(source: s3.Server, target: s3.Server, count: int, size: int, label: str) -> None:
    """Fill, let rclone copy it to one bucket, then leave the source for another."""
    records = SqlRecords()
    a, b, c = source.fresh(), target.fresh(), target.fresh()
    patchwork = quilt(records, **{f"from-{label}": S3Store(a), f"to-{label}": S3Store(b)})
    fill(patchwork, records, count, size)
    warm(S3Store(target.fresh()))
    theirs = moved = 0.0
    if shutil.which("rclone"):
        theirs = rclone("sync", a, c)
        d, e = source.fresh(), target.fresh()
        fill(quilt(records, **{f"other-{label}": S3Store(d)}), records, count, size)
        moved = rclone("move", d, e)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    report = Evacuate(records, patchwork, now, wait=lambda _: None).run(f"from-{label}", workers=WORKERS)
    ours = time.monotonic() - began
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    assert report.empty, report
    total = count * size / 1e6
    print(
        f"evacuate {count} x {label}: {ours:.1f} s ({count / ours:.0f} objects/s, {total / ours:.1f} MB/s), "
        f"verified, recorded and deleted; peak memory +{grown} MiB"
    )
    if theirs:
        print(
            f"  rclone sync --checksum, which deletes nothing: {theirs:.1f} s; ratio {theirs / ours:.2f}x (reach 1.0x)"
        )
        print(f"  rclone move --checksum, which deletes too: {moved:.1f} s; ratio {moved / ours:.2f}x")


def plain(server: s3.Server, size: int, count: int) -> None:
    """Write and read through the patchwork against boto3 with the same bucket."""
    bucket, records = server.fresh(), SqlRecords()
    patchwork = quilt(records, plain=S3Store(bucket))
    data = secrets.token_bytes(size)
    client = S3Store(bucket).client
    began = time.monotonic()
    for number in range(count):
        client.put_object(Bucket=bucket.bucket, Key=f"plain/{number}", Body=data)
    put = time.monotonic() - began
    began = time.monotonic()
    for number in range(count):
        client.get_object(Bucket=bucket.bucket, Key=f"plain/{number}")["Body"].read()
    get = time.monotonic() - began
    blobs, began = [], time.monotonic()
    for _ in range(count):
        blobs.append(new_identifier())
        writer = patchwork.open_write(blobs[-1], 2)
        writer.write(data)
        rows = patchwork.settle([writer.commit()], 2)
        with records.transaction():
            records.add_copies(rows, now())
    our_put = time.monotonic() - began
    began = time.monotonic()
    for blob in blobs:
        for _piece in patchwork.read(blob):
            pass
    our_get = time.monotonic() - began
    for what, ours, theirs in (("write", our_put, put), ("read, verified", our_get, get)):
        print(
            f"{server.kind}, {size // 1000} kB, one at a time, {what}: {count / ours:.0f}/s; "
            f"boto3 {count / theirs:.0f}/s; ratio {theirs / ours:.2f}x"
        )


def what_if(rows: int) -> None:
    """The answer over so many blobs with two copies each."""
    from django.db import connection

    records = SqlRecords()
    patchwork = quilt(records, one=LocalStore(TEMPORARY / "one"), two=LocalStore(TEMPORARY / "two"))
    sql = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %s) INSERT INTO blob_copy"
        " (blob, patch, share, state, class_number, size, sha256, since)"
        " SELECT printf('%%026d', i), CASE i %% 3 WHEN 0 THEN %s ELSE %s END, -1, 'whole', 2, 20000, '', '2026-01-01'"
        " FROM n"
    )
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM blob_copy")
        cursor.execute(sql, [rows, "one", "two"])
        cursor.execute(sql.replace("CASE i %% 3 WHEN 0", "CASE i %% 2 WHEN 9"), [rows // 2, "none", "three"])
    began = time.monotonic()
    answer = Survey(records, patchwork, now).what_if("one")
    seconds = time.monotonic() - began
    print(f"what-if over {rows} blobs: {seconds:.2f} s (reach < 2 s); {answer.leaving.unreadable} unreadable")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM blob_copy")


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
        patrol(min(chosen.objects, 2000))
        with servers() as (source, target):
            plain(target, 20_000, min(chosen.objects, 200))
            evacuation(source, target, chosen.objects, chosen.kilobytes * 1000, f"{chosen.kilobytes}kb")
            evacuation(source, target, chosen.large, chosen.megabytes << 20, f"{chosen.megabytes}mib")
    finally:
        shutil.rmtree(TEMPORARY, ignore_errors=True)


if __name__ == "__main__":
    main()

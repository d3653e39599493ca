"""The patchwork against its peers, side by side in one run, on real S3 servers started here.

    uv run bench/patchwork.py [--objects 20000] [--kilobytes 20] [--large 20] [--megabytes 512]
    uv run bench/patchwork.py --notes FILE …      go on where a run with the same file ended
    uv run bench/patchwork.py --only PART …       some parts: patrol, plain, out-small, out-large, back-small …
    uv run --with obstore bench/patchwork.py …    obstore's figures too

out, back  everything from OpenStack Swift to Ceph, and from Ceph to Swift (or between two Swifts): copied, verified,
           recorded, and deleted at the source; against ``rclone sync --checksum`` (deletes nothing) and, with
           ``--move``, ``rclone move`` of the same objects between the same servers. Besides seconds, the processor time
           of client and servers together: on a machine that does other things too, that is the steadier figure.
           Needs three times the bytes of its blobs on the disk, with ``--move`` five times
plain      one patch through the patchwork against plain boto3 (and obstore), turn by turn
patrol     copies checked per second on a local patch
"""

import argparse
import os
import resource
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.cost import Cost, Meter
from tests.ground import databases, s3

TEMPORARY = Path(tempfile.mkdtemp(prefix="zegel-bench-"))
databases.configure_django(f"sqlite://{TEMPORARY}/bench.db")

from tests.suppliers.made import make_supplier  # noqa: E402

from zegel.journeys.evacuate import Evacuate  # noqa: E402
from zegel.journeys.tend import Tend  # noqa: E402
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
NOTES: list[Path] = []
"""Where results are kept, when that was asked for."""


def now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def servers(size: int = 0) -> Iterator[tuple[s3.Server, s3.Server]]:
    """Swift and Ceph with room for so many bytes, fresh and gone afterwards: Ceph gives no space back before hours."""
    folder = Path(tempfile.mkdtemp(prefix="servers-", dir=TEMPORARY))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        source = stack.enter_context(s3.running_swift(folder / "swift"))
        if shutil.which("radosgw"):
            (folder / "ceph").mkdir()
            yield source, stack.enter_context(s3.running_ceph(folder / "ceph", 8 + (size >> 30)))
        else:
            yield source, stack.enter_context(s3.running_swift(folder / "swift2"))


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


def by_rclone(verb: str, source: Bucket, target: Bucket) -> Cost:
    meter = Meter()
    rclone(verb, source, target)
    return meter()


def evacuation(source: s3.Server, target: s3.Server, count: int, size: int, label: str, move: bool) -> None:
    """Fill, let rclone copy it to one bucket, then leave the source for another."""
    records = SqlRecords()
    a, b, c = source.fresh(), target.fresh(), target.fresh()
    name = f"{source.kind}-{target.kind}-{label}"
    patchwork = quilt(records, **{f"from-{name}": S3Store(a), f"to-{name}": S3Store(b)})
    fill(patchwork, records, count, size)
    warm(S3Store(target.fresh()))
    say(f"{name}: filled")
    theirs = by_rclone("sync", a, c) if shutil.which("rclone") else None
    say(f"{name}: rclone sync {theirs}")
    empty(c)
    moved = _moved(source, target, records, name, count, size) if move and theirs else None
    patchwork = quilt(records, **{f"from-{name}": S3Store(a), f"to-{name}": S3Store(b)})
    before, meter = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, Meter()
    safe: list[Cost] = []
    report = Evacuate(records, patchwork, now, wait=lambda _: None).run(
        f"from-{name}", workers=WORKERS, progress=lambda _: safe.append(meter())
    )
    ours = meter()
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    if not report.empty:
        say(f"  not empty: {len(report.not_deleted)} could not be deleted, {report.remains}")
    say(
        f"evacuate {count} x {label}, {source.kind} to {target.kind}: copied, verified and recorded after {safe[-1]} "
        f"({count / safe[-1].seconds:.0f} objects/s, {count * size / 1e6 / safe[-1].seconds:.1f} MB/s), "
        f"deleted too after {ours}; peak memory +{grown} MiB"
    )
    if theirs:
        say(
            f"  rclone sync --checksum, deletes nothing: {theirs}; "
            f"copying {safe[-1].against(theirs)} (reach 1.0x), with deleting {ours.against(theirs)}"
        )
    if moved:
        say(f"  rclone move --checksum, deletes too: {moved}; with deleting {ours.against(moved)}")


def _moved(source: s3.Server, target: s3.Server, records: SqlRecords, name: str, count: int, size: int) -> Cost:
    here, there = source.fresh(), target.fresh()
    fill(quilt(records, **{f"other-{name}": S3Store(here)}), records, count, size)
    cost = by_rclone("move", here, there)
    empty(there)
    return cost


def say(line: str) -> None:
    """A result, with when and how busy the machine was."""
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"{line} [{now():%Y-%m-%d %H:%M}, load {load}]", flush=True)
    if NOTES:
        with NOTES[0].open("a") as notes:
            notes.write(f"{line} [{now():%Y-%m-%d %H:%M}, load {load}]\n")


def empty(bucket: Bucket) -> None:
    """Give the disk back."""
    store = S3Store(bucket)
    store.delete([one.name for one in store.listing()])


def timed(work: Callable[[int], object], number: int) -> float:
    """Seconds that it took."""
    began = time.monotonic()
    work(number)
    return time.monotonic() - began


def plain(server: s3.Server, size: int, count: int) -> None:
    """Write and read through the patchwork against boto3 (and obstore) with the same bucket, one after the other.

    They take turns, so that what else the machine does hits all alike.
    """
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
    for at, (what, mine) in enumerate({"write, recorded": write, "read, verified": read}.items()):
        works = {"": mine, **{name: uses[at] for name, uses in rivals.items()}}
        taken: dict[str, list[float]] = {name: [] for name in works}
        for number in range(count):
            # Another one first each time: whoever follows finds things warm.
            order = list(works)[number % len(works) :] + list(works)[: number % len(works)]
            for name in order:
                taken[name].append(timed(works[name], number))
        middle = statistics.median(taken[""])
        said = [f"{server.kind}, {size // 1000} kB, one at a time, {what}: {_speed(taken.pop(''))}"]
        said += [f"{name} {_speed(one)}, median {statistics.median(one) / middle:.2f}x" for name, one in taken.items()]
        say("; ".join(said))


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
    say(f"patrol, local, 20 kB: {count / seconds:.0f} copies/s; a million blobs take {minutes:.1f} minutes")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--objects", type=int, default=20_000)
    parser.add_argument("--kilobytes", type=int, default=20)
    parser.add_argument("--large", type=int, default=20)
    parser.add_argument("--megabytes", type=int, default=512)
    parser.add_argument("--move", action="store_true")
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--notes", type=Path)
    chosen = parser.parse_args()
    os.environ.setdefault("ZEGEL_TEST_CACHE", str(Path.home() / ".cache" / "zegel-tests"))
    NOTES.extend([chosen.notes] if chosen.notes else [])
    done = chosen.notes.read_text().splitlines() if chosen.notes and chosen.notes.exists() else []
    connect.migrate()
    try:
        for name, part in parts(chosen).items():
            if f"done: {name}" not in done and (not chosen.only or name in chosen.only):
                part()
                if NOTES:
                    with NOTES[0].open("a") as notes:
                        notes.write(f"done: {name}\n")
    finally:
        shutil.rmtree(TEMPORARY, ignore_errors=True)


def parts(chosen: argparse.Namespace) -> dict[str, Callable[[], None]]:
    """What there is to measure, each by itself."""
    small = (chosen.objects, chosen.kilobytes * 1000, f"{chosen.kilobytes}kb")
    large = (chosen.large, chosen.megabytes << 20, f"{chosen.megabytes}mib")

    def both() -> None:
        with servers() as found:
            for server in found:
                plain(server, 20_000, min(chosen.objects, 200))

    def moving(back: bool, count: int, size: int, label: str) -> None:
        with servers(count * size * (5 if chosen.move else 3)) as (one, other):
            source, target = (other, one) if back else (one, other)
            evacuation(source, target, count, size, label, chosen.move)

    return {
        "patrol": partial(patrol, min(chosen.objects, 2000)),
        "plain": both,
        "out-small": partial(moving, False, *small),
        "out-large": partial(moving, False, *large),
        "back-small": partial(moving, True, *small),
        "back-large": partial(moving, True, *large),
    }


if __name__ == "__main__":
    main()

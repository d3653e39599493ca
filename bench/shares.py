"""Shares against plain copies and against zfec alone, side by side in one run, on folders of this machine.

    uv run bench/shares.py [--megabytes 256] [--needed 2] [--of 3] [--rounds 3]

zfec       cutting a blob into pieces of 1 MiB and encoding or decoding each of them, nothing else
shares     through the patchwork: digests, encoding, writing to as many folders as there are shares, fsync, rows
copies     the same with two whole copies; reading takes one of them
lost       reading while a share of the blob's own bytes is gone, so that every stripe must be calculated

Every number is the best of the rounds: by the clock, and in brackets per second of processor time. Peak memory is that
of a blob above the same with a small one.
"""

import argparse
import os
import resource
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import zfec

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.ground import databases

TEMPORARY = Path(tempfile.mkdtemp(prefix="zegel-bench-"))
databases.configure_django(f"sqlite://{TEMPORARY}/bench.db")

from tests.suppliers.made import make_supplier  # noqa: E402

from zegel.parcels.identifiers import new_identifier  # noqa: E402
from zegel.records import connect  # noqa: E402
from zegel.records.sql import SqlRecords  # noqa: E402
from zegel.stores.choosing import Patch  # noqa: E402
from zegel.stores.drivers.local import LocalStore  # noqa: E402
from zegel.stores.patchwork import Patchwork  # noqa: E402
from zegel.stores.placement import Spread  # noqa: E402
from zegel.suppliers.register import spell_supplier  # noqa: E402

MIB = 1024 * 1024
PIECE = 256 * 1024


def now() -> datetime:
    return datetime.now(UTC)


def quilt(count: int, needed: int) -> Patchwork:
    """So many suppliers' folders; class 2 in shares, class 1 in two copies."""
    records = SqlRecords()
    names = [f"s{number}" for number in range(count)]
    with records.transaction():
        records.put_suppliers(
            {f"{name}-cloud": spell_supplier(make_supplier(f"{name}-cloud")) for name in names}, now()
        )
    patches = [Patch(name, LocalStore(TEMPORARY / name), f"{name}-cloud") for name in names]
    return Patchwork(patches, records, now, spreads={2: Spread(count, count, needed), 1: Spread(2, 2)})


def pieces(size: int) -> Iterator[memoryview]:
    data = secrets.token_bytes(MIB)
    for start in range(0, size, PIECE):
        yield memoryview(data)[start % MIB : start % MIB + min(PIECE, size - start)]


def put(patchwork: Patchwork, class_: int, size: int) -> str:
    blob = new_identifier()
    writer = patchwork.open_write(blob, class_)
    for piece in pieces(size):
        writer.write(piece)
    rows = patchwork.settle([writer.commit()], class_)
    with patchwork.ledger.transaction():
        patchwork.ledger.add_copies(rows, now())  # type: ignore[attr-defined]
    return blob


def get(patchwork: Patchwork, blob: str) -> None:
    for _ in patchwork.read(blob):
        pass


def raw_encode(size: int, needed: int, of: int) -> None:
    encoder, length = zfec.Encoder(needed, of), -(-MIB // needed)
    data = secrets.token_bytes(length * needed)
    for _ in range(size // MIB):
        encoder.encode(tuple(data[at * length : (at + 1) * length] for at in range(needed)))


def raw_decode(size: int, needed: int, of: int) -> None:
    encoder, decoder, length = zfec.Encoder(needed, of), zfec.Decoder(needed, of), -(-MIB // needed)
    data = secrets.token_bytes(length * needed)
    blocks = encoder.encode(tuple(data[at * length : (at + 1) * length] for at in range(needed)))
    numbers = tuple(range(1, needed + 1))
    for _ in range(size // MIB):
        b"".join(decoder.decode(tuple(blocks[number] for number in numbers), numbers))


@dataclass(frozen=True)
class Speed:
    """MB of the blob per second, and per second of processor time."""

    clock: float
    processor: float

    def __str__(self) -> str:
        return f"{self.clock:.0f} [{self.processor:.0f}]"

    def against(self, other: "Speed") -> str:
        return f"{self.clock / other.clock:.2f}x [{self.processor / other.processor:.2f}x]"


def speed(work: Callable[[], object], size: int, rounds: int) -> Speed:
    clock = processor = float("inf")
    for _ in range(rounds):
        began, used = time.monotonic(), time.process_time()
        work()
        clock = min(clock, time.monotonic() - began)
        processor = min(processor, time.process_time() - used)
    return Speed(size / 1e6 / clock, size / 1e6 / processor)


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def lose_first(patchwork: Patchwork, blob: str) -> None:
    """Remove a share that is the blob's own bytes."""
    first = next(row for row in patchwork.ledger.copies_of([blob])[blob] if row.share == 0)
    patchwork.patches[first.patch].driver.delete([first.name])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--megabytes", type=int, default=256)
    parser.add_argument("--needed", type=int, default=2)
    parser.add_argument("--of", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    size, needed, of = chosen.megabytes * MIB, chosen.needed, chosen.of
    connect.migrate()
    try:
        patchwork = quilt(of, needed)
        get(patchwork, put(patchwork, 2, 2 * MIB))
        before = peak()
        blobs: dict[int, str] = {}

        def write(class_: int) -> None:
            if class_ in blobs:
                patchwork.delete(blobs[class_])
            blobs[class_] = put(patchwork, class_, size)

        shares = speed(lambda: write(2), size, chosen.rounds)
        read = speed(lambda: get(patchwork, blobs[2]), size, chosen.rounds)
        lose_first(patchwork, blobs[2])
        lost = speed(lambda: get(patchwork, blobs[2]), size, chosen.rounds)
        grown = peak() - before
        copies = speed(lambda: write(1), size, chosen.rounds)
        plain = speed(lambda: get(patchwork, blobs[1]), size, chosen.rounds)
        encode = speed(lambda: raw_encode(size, needed, of), size, chosen.rounds)
        decode = speed(lambda: raw_decode(size, needed, of), size, chosen.rounds)
        print(f"{needed} of {of}, blobs of {chosen.megabytes} MiB, {os.cpu_count()} processors, MB/s of the blob")
        print(f"write    shares {shares}, two copies {copies} ({shares.against(copies)}), zfec alone {encode}")
        print(f"read     shares {read}, a copy {plain} ({read.against(plain)})")
        print(f"lost     shares {lost} ({lost.against(plain)} of a copy), zfec alone {decode}")
        print(f"memory   peak +{grown} MiB for {chosen.megabytes} MiB against 2 MiB")
    finally:
        shutil.rmtree(TEMPORARY, ignore_errors=True)


if __name__ == "__main__":
    main()

"""Parcels a second, sealed, stored and recorded durably: ``python bench/send.py``.

A parcel is a message with a 20 kB attachment to one reader, submitted in process (the journey behind SMTP and the
inside API): two blobs fsynced, one transaction, on PostgreSQL and on SQLite, both with their production durability.
Several threads send at once, as the doors do. Beside it, in the same rounds, the two limits: sealing alone (no disk, no
database), and writing the same bytes with fsync alone (no sealing, no database). Medians; nothing passes or fails here.
"""

import argparse
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.ground import SENDER, make_zegel, postgres, zegel

THREADS = 8
BODY = os.urandom(20_000)


def with_sender(data: Path, database: str) -> Path:
    """A Zegel with one account."""
    make_zegel(data, database)
    zegel(data, "user", "add", SENDER, "--no-password")
    return data


def submit(data: Path, count: int, started: "multiprocessing.synchronize.Barrier") -> None:
    """Send ``count`` parcels, one after another."""
    from zegel.journeys.submit import Message, ReaderWish
    from zegel.parcels.proofs import parse_proof
    from zegel.wiring.build import build
    from zegel.wiring.ground import configure_django, open_ground

    ground = open_ground(data)
    configure_django(ground, "inside")
    house = build(ground, "inside")
    actor = house.people.find(SENDER)
    message = Message("Beschikking", "Geachte mevrouw", (ReaderWish("j@example.net", parse_proof("mail")),))

    def one() -> None:
        packing = house.inside_submit().begin(actor)
        writer = packing.attachment("brief.pdf", "application/pdf")
        writer.write(BODY)
        writer.close()
        packing.finish(message)

    one()
    started.wait()
    in_threads(one, count)


def in_threads(one: Callable[[], object], count: int) -> None:
    """Run ``one`` this often from several threads; the first error is raised here."""
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda _: one(), range(count)))


def seal_only(_data: Path, count: int, started: "multiprocessing.synchronize.Barrier") -> None:
    """What one parcel costs in the sealing engine: two blobs, a slip and a notice."""
    from zegel import seal

    courier = seal.HybridIdentity.generate()
    started.wait()

    def one() -> None:
        key = seal.HybridIdentity.generate()
        reader = seal.HybridIdentity.generate()
        for data, recipient in (
            (BODY, key.recipient),
            (BODY[:6000], key.recipient),
            (BODY[:120], reader.recipient),
            (BODY[:120], courier.recipient),
        ):
            seal.seal(data, recipient)

    in_threads(one, count)


def write_only(data: Path, count: int, started: "multiprocessing.synchronize.Barrier") -> None:
    """What one parcel costs on the disk: two files made durable by the store."""
    from zegel.parcels.identifiers import new_identifier
    from zegel.stores.drivers.local import LocalStore

    store = LocalStore(data / "store")

    def one() -> None:
        for size in (20_000, 6_000):
            writer = store.open_write(new_identifier())
            writer.write(BODY[:size])
            writer.commit()

    started.wait()
    in_threads(one, count)


def rate(work: Callable[..., None], data: Path, count: int, processes: int) -> float:
    """Runs of ``work`` a second, start-up left out."""
    started = multiprocessing.Barrier(processes + 1)
    running = [multiprocessing.Process(target=work, args=(data, count, started)) for _ in range(processes)]
    for process in running:
        process.start()
    started.wait()
    begin = time.perf_counter()
    for process in running:
        process.join()
        assert process.exitcode == 0
    return processes * count / (time.perf_counter() - begin)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--count", type=int, default=200)
    asked.add_argument("--rounds", type=int, default=3)
    given = asked.parse_args()
    print(f"{os.cpu_count()} cores; medians of {given.rounds} rounds of {given.count} parcels of 20 kB per process")
    with tempfile.TemporaryDirectory() as folder, postgres() as url:
        there = Path(folder)
        places = {"PostgreSQL": with_sender(there / "postgres", url), "SQLite": with_sender(there / "sqlite", "")}
        for processes in (1, 2):
            results: dict[str, list[float]] = {}
            for _ in range(given.rounds):
                for name, data in places.items():
                    results.setdefault(name, []).append(rate(submit, data, given.count, processes))
                for name, work in (("sealing alone", seal_only), ("two fsynced files alone", write_only)):
                    results.setdefault(name, []).append(rate(work, places["SQLite"], given.count, processes))
            middle = {name: statistics.median(rates) for name, rates in results.items()}
            limit = 1 / (1 / middle["sealing alone"] + 1 / middle["two fsynced files alone"])
            for name, value in middle.items():
                share = f"  {value / limit:4.0%} of sealing and writing alone" if name in places else ""
                print(f"{processes} process{'es' if processes > 1 else '  '}  {name:24} {value:7.0f}/s{share}")


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    main()

"""How fast a queue of notices drains: ``python bench/notices.py``.

A Zegel as ``zegel init`` makes it, its notices signed with DKIM, hands a full outbox to Postfix's ``smtp-sink`` over
SMTP without TLS: real parcels' rows, sealed notices, one reader each. The couriers are ``zegel serve --role courier``,
as many as asked for, on SQLite or PostgreSQL with their production durability. In the same run ``smtp-source`` sends
mails of the same size to the same sink: what one C program that opens, signs, writes and records nothing reaches.
Nothing passes or fails here.
"""

import argparse
import multiprocessing
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.ground import COMMAND, make_zegel, postgres, wait_for, zegel
from tests.ground.ports import free_port

MAIL_BYTES = 9_000
"""What a notice with its signatures takes."""


def fill(data: Path, count: int) -> None:
    """Put ``count`` parcels of one reader each into the records, as deposits do; their blobs nobody asks for here."""
    from datetime import timedelta

    from tests.ground.deposits import make_deposit, make_reader

    from zegel import seal
    from zegel.parcels import claim
    from zegel.parcels.deposit import digest
    from zegel.parcels.identifiers import new_identifier
    from zegel.parcels.outbox_words import NoticeWords, spell_words
    from zegel.parcels.proofs import parse_proof
    from zegel.wiring.build import build
    from zegel.wiring.ground import configure_django, open_ground, utc_now

    ground = open_ground(data)
    configure_django(ground, "inside")
    house = build(ground, "inside")
    courier, proof, now = seal.parse_recipient(house.profile.courier), parse_proof("mail"), utc_now()
    for start in range(0, count, 1000):
        with house.records.transaction():
            for number in range(start, min(count, start + 1000)):
                slip = new_identifier()
                words = NoticeWords(slip, claim.spell_secret(os.urandom(32)))
                sealed = seal.seal(spell_words(words), courier)
                reader = make_reader(f"lezer{number}@example.net", proof, slip=slip, sealed_notice=sealed)
                deposit = make_deposit(readers=0, expires=now + timedelta(days=30))
                deposit = type(deposit)(**{**_members(deposit), "readers": (reader,)})
                house.records.add_deposit(deposit, digest(deposit), now, "Afdeling Zorg")


def _members(deposit: object) -> dict[str, object]:
    return {name: getattr(deposit, name) for name in deposit.__dataclass_fields__}  # type: ignore[attr-defined]


@contextmanager
def smtp_sink() -> Iterator[int]:
    """Postfix's sink on a free port: takes every mail and keeps none."""
    port = free_port()
    sink = subprocess.Popen(
        ["smtp-sink", *_as_nobody(), f"127.0.0.1:{port}", "1000"], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    try:
        wait_for(port)
        yield port
    finally:
        sink.terminate()
        sink.wait()


def _as_nobody() -> list[str]:
    return ["-u", "nobody"] if os.geteuid() == 0 else []


def source_rate(port: int, count: int) -> float:
    """Mails a second that smtp-source sends over 8 connections."""
    begin = time.perf_counter()
    command = ["smtp-source", "-s", "8", "-d", "-m", str(count), "-l", str(MAIL_BYTES)]
    subprocess.run([*command, "-f", "a@b.example", "-t", "c@d.example", f"127.0.0.1:{port}"], check=True)
    return count / (time.perf_counter() - begin)


def signing(data: Path, database: str, port: int) -> Path:
    """A Zegel that sends to this port and signs."""
    make_zegel(data, database)
    zegel(data, "dkim", "new", "bench")
    text = (data / "zegel.toml").read_text()
    mail = f'[mail]\nhost = "127.0.0.1"\nport = {port}\ntls = "none"\ndkim = "bench"\n'
    (data / "zegel.toml").write_text(text.replace("[mail]\n", mail).replace('kind = "maildir"', 'kind = "smtp"'))
    return data


def copied(full: Path, url: str, couriers: int) -> Path:
    """A copy of a full Zegel to drain: filling takes longer."""
    data = full.with_name(f"{full.name} {couriers}")
    shutil.copytree(full, data)
    if url:
        import psycopg

        name = f"drained{couriers}"
        with psycopg.connect(url.replace("/zegel?", "/postgres?"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE zegel")  # type: ignore[arg-type]
        path = data / "zegel.toml"
        path.write_text(path.read_text().replace("/zegel?", f"/{name}?"))
    return data


def waiting(data: Path, answers: "multiprocessing.connection.Connection") -> None:
    """Answer every question with how many rows wait."""
    from zegel.wiring.build import build
    from zegel.wiring.ground import configure_django, open_ground

    ground = open_ground(data)
    configure_django(ground, "outside")
    records = build(ground, "outside").records
    while answers.recv():
        answers.send(records.count_outbox()["waiting"])


@dataclass(frozen=True)
class Drained:
    """Notices a second of the whole queue, of its first and its last tenth; what each cost; memory of the couriers."""

    rate: float
    first: float
    last: float
    processor: float
    memory: int
    """The most that one courier held, in MiB."""


def drain(data: Path, count: int, couriers: int) -> Drained:
    """From the first notice that is out to the last."""
    ours, theirs = multiprocessing.Pipe()
    counting = multiprocessing.Process(target=waiting, args=(data, theirs), daemon=True)
    counting.start()
    theirs.close()

    def left() -> int:
        ours.send(True)
        return int(ours.recv())

    assert left() == count
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [*COMMAND, "serve", "--role", "courier", "--data", str(data)]
    running = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for _ in range(couriers)]
    while (before := left()) == count:
        time.sleep(0.05)
    seen, memory = [(time.perf_counter(), before)], 0
    while (now := left()) > 0:
        seen.append((time.perf_counter(), now))
        memory = max(memory, *(_resident(process.pid) for process in running))
        time.sleep(min(1.0, now / 5000))
    seen.append((time.perf_counter(), 0))
    for process in running:
        process.terminate()
    for process in running:
        process.wait()
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    ours.send(False)
    counting.join()
    processor = spent.ru_utime + spent.ru_stime - used.ru_utime - used.ru_stime
    tenth = count // 10
    return Drained(
        _rate(seen, before, 0),
        _rate(seen, before, count - tenth),
        _rate(seen, tenth, 0),
        processor / count * 1000,
        memory >> 20,
    )


def _rate(seen: list[tuple[float, int]], above: int, below: int) -> float:
    """Between when so many were left and when so many were."""
    start = next(one for one in seen if one[1] <= above)
    end = next(one for one in seen if one[1] <= below)
    return (start[1] - end[1]) / (end[0] - start[0]) if end[0] > start[0] else 0.0


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
    except (OSError, IndexError):
        return 0


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--count", type=int, default=10_000)
    asked.add_argument("--couriers", type=int, nargs="+", default=[1, 2])
    asked.add_argument("--database", choices=("sqlite", "postgres", "both"), default="both")
    given = asked.parse_args()
    if not shutil.which("smtp-sink"):
        sys.exit("This needs smtp-sink and smtp-source (Debian: apt-get install postfix).")
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load {load:.1f} before; {given.count} notices, signed twice, to smtp-sink")
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        port = stack.enter_context(smtp_sink())
        bound = source_rate(port, given.count)
        print(f"smtp-source, 8 connections    {bound:7.0f}/s")
        databases = {"SQLite": ""}
        if given.database != "sqlite":
            databases["PostgreSQL"] = stack.enter_context(postgres())
        if given.database == "postgres":
            del databases["SQLite"]
        for database, url in databases.items():
            full = signing(Path(name) / database, url, port)
            filling = multiprocessing.Process(target=fill, args=(full, given.count))
            filling.start()
            filling.join()
            assert filling.exitcode == 0
            for couriers in given.couriers:
                data = copied(full, url, couriers)
                load = os.getloadavg()[0]
                it = drain(data, given.count, couriers)
                shown = f"{database}, {couriers} courier{'s' if couriers > 1 else ''}"
                print(f"{shown:28}  {it.rate:7.0f}/s  {it.rate / bound:4.0%} of it", end="  ")
                print(f"first tenth {it.first:.0f}/s, last {it.last:.0f}/s", end="  ")
                print(f"{it.processor:.2f} ms processor each, {it.memory} MiB", end="  ")
                print(f"load {load:.1f} before, {os.getloadavg()[0]:.1f} after", flush=True)


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    main()

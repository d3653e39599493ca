"""Mail goes on: sends and collects keep running while providers are killed, alter bytes, are left, and lock us out.

In copies and in shares.

Real providers: OpenStack Swift, and Ceph where it is installed (a second Swift elsewhere), each behind a proxy that
fails on command, and a disk of our own.
"""

import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.ground import s3
from tests.ground.databases import Database
from tests.ground.faults import FaultProxy, faulty
from tests.ground.house import Clock, Ground, make_house
from tests.suppliers.made import make_supplier
from zegel.journeys.evacuate import Evacuate
from zegel.parcels.claim import Link
from zegel.records.sql import SqlRecords
from zegel.stores.choosing import Patch
from zegel.stores.drivers.local import LocalStore
from zegel.stores.drivers.s3 import S3Store
from zegel.stores.patchwork import Patchwork
from zegel.stores.placement import Spread
from zegel.suppliers.register import spell_supplier

pytestmark = [pytest.mark.slow, pytest.mark.postgres]
LARGE = bytes(range(256)) * 12_000
"""3 MB: three pieces, so that a copy can be left in the middle."""


@dataclass
class Provider:
    """A real server behind its proxy."""

    server: s3.Server
    proxy: FaultProxy
    store: S3Store


@dataclass
class Load:
    """Two readers and a sender that never stop; ``failures`` must stay empty."""

    ground: Ground
    links: list[tuple[Link, bytes]] = field(default_factory=list)
    collected: int = 0
    sent: int = 0
    failures: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _turns: list[int] = field(default_factory=lambda: [0, 0, 0])

    def send(self, data: bytes) -> None:
        link = self.ground.send_and_link(attachments=[("b.bin", "application/octet-stream", data)], class_=2)
        with self._lock:
            self.links.append((link, data))

    def collect(self, link: Link, data: bytes) -> None:
        opened = self.ground.reading.open(link, "")
        (attachment,) = opened.manifest.attachments
        assert b"".join(opened.attachment(attachment)) == data

    def start(self) -> None:
        for number, work in enumerate((self._read, self._read, self._write)):
            self._threads.append(threading.Thread(target=self._run, args=(work, number), daemon=True))
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(120)
        assert not any(thread.is_alive() for thread in self._threads)

    def goes_on(self, collects: int = 8, sends: int = 2) -> None:
        """Wait until so many more went well."""
        until, deadline = (self.collected + collects, self.sent + sends), time.monotonic() + 300
        while (self.collected < until[0] or self.sent < until[1]) and not self.failures:
            assert time.monotonic() < deadline, "mail stands still"
            time.sleep(0.02)  # Polling counters that other threads raise.
        assert self.failures == []

    def begins_anew(self) -> None:
        """Wait until nobody is busy any more with what was begun before now."""
        before, deadline = list(self._turns), time.monotonic() + 300
        while any(now == then for now, then in zip(self._turns, before, strict=True)):
            assert time.monotonic() < deadline, "mail stands still"
            time.sleep(0.02)

    def _run(self, work: Any, number: int) -> None:
        turn = number
        while not self._stop.is_set():
            try:
                work(turn)
            except Exception as error:  # noqa: BLE001 - every failure counts, whatever it is
                self.failures.append(f"{work.__name__}: {error!r}")
            finally:
                connection.close()
            turn += 1
            self._turns[number] += 1

    def _read(self, turn: int) -> None:
        with self._lock:
            link, data = self.links[turn % len(self.links)]
        self.collect(link, data)
        self.collected += 1

    def _write(self, turn: int) -> None:
        self.send(b"parcel %d " % turn * 2000)
        self.sent += 1


@pytest.fixture
def buckets(tmp_path: Path) -> Iterator[dict[str, Provider]]:
    """Two providers that are two buckets at one server, which is started sooner."""
    with ExitStack() as stack:
        server = stack.enter_context(s3.running_swift(tmp_path / "swift"))
        made = {}
        for name in ("one", "two"):
            bucket = server.fresh()
            proxy = stack.enter_context(faulty(bucket.endpoint))
            made[name] = Provider(server, proxy, S3Store(replace(bucket, endpoint=proxy.endpoint), read_seconds=5))
        yield made


@pytest.fixture
def providers(tmp_path: Path) -> Iterator[dict[str, Provider]]:
    with ExitStack() as stack:
        first = stack.enter_context(s3.running_swift(tmp_path / "swift"))
        if shutil.which("radosgw"):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="zegel-ceph-")))
            second = stack.enter_context(s3.running_ceph(folder))
        else:
            second = stack.enter_context(s3.running_swift(tmp_path / "swift2"))
        made = {}
        for name, server in (("one", first), ("two", second)):
            bucket = server.fresh()
            proxy = stack.enter_context(faulty(bucket.endpoint))
            store = S3Store(replace(bucket, endpoint=proxy.endpoint), read_seconds=5)
            made[name] = Provider(server, proxy, store)
        yield made


def test_mail_goes_on_whatever_happens_to_providers(
    tmp_path: Path, providers: dict[str, Provider], postgres: Database
) -> None:
    clock, records = Clock(), SqlRecords()
    suppliers = [make_supplier(f"cloud-{name}") for name in providers]
    with records.transaction():
        records.put_suppliers({one.name: spell_supplier(one) for one in suppliers}, clock())
    patches = [Patch(name, provider.store, f"cloud-{name}") for name, provider in providers.items()]
    patches.append(Patch("home", LocalStore(tmp_path / "home"), rank=5))
    patchwork = Patchwork(patches, records, clock, spreads={2: Spread(2, 1)})
    ground = make_house(tmp_path, store=patchwork, clock=clock)
    assert ground.house.plan_b is not None
    tend, evacuate = ground.house.plan_b.tend, Evacuate(records, patchwork, clock)
    load = Load(ground)
    load.send(LARGE)
    for number in range(3):
        load.send(b"first %d " % number * 1000)
    one, two = providers["one"], providers["two"]
    load.start()
    try:
        load.goes_on()
        # (a) killed in the middle of everything, and back
        one.proxy.mood = "dead"
        load.goes_on(16, 4)
        one.proxy.mood = "well"
        # (b) the other one returns altered bytes, then half of them, errors, stalls
        for mood in ("altering", "cutting", "erring", "full", "stalling"):
            two.proxy.mood = mood
            load.goes_on()
        two.proxy.mood = "well"
        patchwork.patches["one"].health.good()
        patchwork.patches["two"].health.good()
        while tend.round():
            pass
        # (c) left in cooperation
        report = evacuate.run("one", reason="the contract ends")
        assert (report.complete, report.failed, report.not_deleted) == (True, {}, {})
        load.goes_on()
        assert evacuate.run("one").empty
        assert one.store.remains().nothing
        # (d) the other one is sold and locks us out; what is at "one" again and at home must do
        evacuate.reopen("one")
        tend.round()
        two.proxy.mood = "refusing"
        load.goes_on()
        report = evacuate.run("two", hostile=True, reason="locked out")
        assert (report.complete, report.failed) == (True, {})
        load.begins_anew()
        asked = two.proxy.requests
        two.server.kill()
        load.goes_on()
    finally:
        load.stop()
    assert load.failures == []
    assert two.proxy.requests == asked, "a patch that was cut is asked nothing"
    for link, data in load.links:
        load.collect(link, data)
    for patch in ("one", "home"):
        assert tend.patrol(patch, 10_000).broken == 0
    print(f"collected {load.collected}, sent {load.sent}, all {len(load.links)} parcels there, 0 failed")


def test_mail_goes_on_in_shares_and_no_provider_ever_has_a_message(
    tmp_path: Path, buckets: dict[str, Provider], postgres: Database
) -> None:
    clock, records = Clock(), SqlRecords()
    suppliers = [make_supplier(f"cloud-{name}") for name in buckets]
    with records.transaction():
        records.put_suppliers({one.name: spell_supplier(one) for one in suppliers}, clock())
    patches = [Patch(name, provider.store, f"cloud-{name}") for name, provider in buckets.items()]
    patches.append(Patch("home", LocalStore(tmp_path / "home"), rank=5))
    patchwork = Patchwork(patches, records, clock, spreads={2: Spread(3, 2, 2)})
    ground = make_house(tmp_path, store=patchwork, clock=clock)
    assert ground.house.plan_b is not None
    tend, evacuate = ground.house.plan_b.tend, Evacuate(records, patchwork, clock)
    load = Load(ground)
    load.send(LARGE)
    load.send(b"first " * 1000)
    one, two = buckets["one"], buckets["two"]

    def recover() -> None:
        """All patches are well: what was sent meanwhile gets the shares that it lacks."""
        for patch in patchwork.patches.values():
            patch.health.good()
        load.goes_on(0, 2)  # What was on its way when it was still bad has been recorded by then.
        while tend.round() or records.copies_to_do("wanted", list(patchwork.patches)):
            pass

    load.start()
    try:
        load.goes_on(3, 1)
        one.proxy.mood = "dead"
        load.goes_on(3, 1)
        one.proxy.mood = "well"
        recover()
        for mood in ("altering", "cutting"):
            two.proxy.mood = mood
            load.goes_on(3, 1)
        two.proxy.mood = "well"
        recover()
        report = evacuate.run("one", reason="the contract ends")
        assert (report.complete, report.failed, report.not_deleted) == (True, {}, {})
        load.goes_on(3, 1)
        assert evacuate.run("one").empty
        evacuate.reopen("one")
        recover()
        tend.respread()
        recover()
        two.proxy.mood = "refusing"
        report = evacuate.run("two", hostile=True, reason="locked out")
        assert (report.complete, report.failed) == (True, {})
        load.begins_anew()
        asked = two.proxy.requests
        load.goes_on(3, 1)
    finally:
        load.stop()
    assert load.failures == []
    assert two.proxy.requests == asked, "a patch that was cut is asked nothing"
    for link, data in load.links:
        load.collect(link, data)
    names = [stored.name for stored in one.store.listing()]
    assert names
    assert all(len(name) == len("k3mt3zmvwvuqrppbmm5mvjdu4q-02-00") for name in names), "never a whole blob"
    assert len({name[:26] for name in names}) == len(names), "never two shares of one"
    assert {tend.patrol(patch, 10_000).broken for patch in ("one", "home")} == {0}

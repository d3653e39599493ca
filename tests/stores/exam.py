"""The exam that every driver sits. A new question here examines all of them.

``driver`` is a fixture of whoever includes this; ``again()`` opens the same place anew, as another process would.
"""

import hashlib
import os
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from zegel.errors import Mistake, NotFound
from zegel.parcels.identifiers import new_identifier
from zegel.stores.drivers.driver import PIECE, Driver

Again = Callable[[], Driver]
MIB = 1024 * 1024


def put(driver: Driver, data: bytes, name: str = "", piece: int = 65_537) -> str:
    name = name or new_identifier()
    writer = driver.open_write(name)
    try:
        for start in range(0, len(data), piece):
            writer.write(memoryview(data)[start : start + piece])
        done = writer.commit()
    finally:
        writer.abort()
    assert (done.blob, done.size, done.sha256) == (name, len(data), hashlib.sha256(data).hexdigest())
    return name


def get(driver: Driver, name: str, start: int = 0, length: int | None = None) -> bytes:
    pieces = list(driver.read(name, start, length))
    assert all(0 < len(piece) <= PIECE for piece in pieces)
    return b"".join(pieces)


class Exam:
    """Every driver does all of this."""

    leaves_unfinished = True
    """Whether a write that is not finished lies at the storage already."""

    @pytest.mark.parametrize("size", [0, 1, 20_000, PIECE, 8 * MIB, 8 * MIB + 1, 17 * MIB + 3])
    def test_what_goes_in_comes_out(self, driver: Driver, again: Again, size: int) -> None:
        data = random.Random(size).randbytes(size)
        name = put(driver, data)
        assert again().size(name) == size
        assert get(again(), name) == data

    def test_a_range_is_exactly_that_range(self, driver: Driver) -> None:
        data = random.Random(1).randbytes(700_000)
        name = put(driver, data)
        for start, length in [(0, 1), (5, 10), (300_000, 300_000), (699_999, 5), (700_000, 1), (100, None), (7, 0)]:
            end = None if length is None else start + length
            assert get(driver, name, start, length) == data[start:end]

    def test_nothing_is_seen_before_commit_and_nothing_after_abort(self, driver: Driver, again: Again) -> None:
        name = new_identifier()
        writer = driver.open_write(name)
        writer.write(b"x" * (9 * MIB))
        for look in (driver, again()):
            with pytest.raises(NotFound):
                look.size(name)
            with pytest.raises(NotFound):
                look.read(name)
        writer.abort()
        writer.abort()
        assert list(driver.listing()) == []
        assert driver.remains().nothing

    @pytest.mark.parametrize("size", [20, 9 * MIB])
    def test_a_name_is_never_overwritten_and_the_same_again_is_fine(
        self, driver: Driver, again: Again, size: int
    ) -> None:
        name = put(driver, b"a" * size)
        put(again(), b"a" * size, name)
        with pytest.raises(Mistake, match="identifier"):
            put(again(), b"b" * size, name)
        assert get(driver, name) == b"a" * size
        assert driver.remains().uploads == 0

    def test_of_two_that_write_one_name_at_once_one_wins(self, driver: Driver) -> None:
        name = new_identifier()
        with ThreadPoolExecutor(4) as pool:
            tries = [pool.submit(put, driver, bytes([number]) * 1000, name) for number in range(4)]
        errors = [future.exception() for future in tries]
        winners = [number for number, error in enumerate(errors) if error is None]
        assert all(isinstance(error, Mistake) for number, error in enumerate(errors) if number not in winners)
        assert get(driver, name) in [bytes([number]) * 1000 for number in winners]
        assert len(winners) == 1 or not driver.guarantees.exclusive

    def test_what_is_not_there_is_not_found(self, driver: Driver) -> None:
        for look in (driver.size, driver.read):
            with pytest.raises(NotFound) as caught:
                look(new_identifier())
            assert caught.value.kind == "blob-missing"

    def test_deleting_removes_and_may_be_asked_again(self, driver: Driver) -> None:
        names = [put(driver, os.urandom(10)) for _ in range(3)]
        assert driver.delete([*names[:2], new_identifier()]) == {}
        assert driver.delete(names[:2]) == {}
        assert [stored.name for stored in driver.listing()] == [names[2]]
        with pytest.raises(NotFound):
            driver.size(names[0])

    def test_the_listing_shows_everything_in_order(self, driver: Driver) -> None:
        started = datetime.now(UTC) - timedelta(seconds=2)
        sizes = {put(driver, b"x" * number): number for number in range(5)}
        found = list(driver.listing())
        assert [stored.name for stored in found] == sorted(sizes)
        assert {stored.name: stored.size for stored in found} == sizes
        assert all(started <= stored.moment <= datetime.now(UTC) + timedelta(seconds=2) for stored in found)
        remains = driver.remains()
        assert (remains.objects, remains.size) == (5, 10)

    def test_parts_join_in_order_and_only_those_of_their_owner(self, driver: Driver, again: Again) -> None:
        name = new_identifier()
        driver.write_part(name, 1, iter([b"world"]), "a")
        driver.write_part(name, 0, iter([b"wrong"]), "a")
        again().write_part(name, 0, iter([b"hel", b"lo "]), "a")
        driver.write_part(name, 2, iter([b"foreign"]), "b")
        assert b"".join(driver.read_parts(name, 2, "a")) == b"hello world"
        with pytest.raises(Mistake, match="missing"):
            driver.read_parts(name, 3, "a")
        driver.forget_parts(name, "a")
        driver.forget_parts(name, "a")
        with pytest.raises(Mistake, match="missing"):
            driver.read_parts(name, 1, "a")
        assert list(driver.listing()) == []

    def test_the_sweep_removes_only_what_is_unfinished_and_old(self, driver: Driver) -> None:
        name = put(driver, b"whole")
        unfinished = driver.open_write(new_identifier())
        unfinished.write(b"x" * (25 * MIB))  # Two parts are on their way at most, so the first has arrived.
        driver.write_part(new_identifier(), 0, iter([b"part"]), "a")
        assert driver.sweep(datetime.now(UTC) - timedelta(hours=1)) == 0
        assert driver.sweep(datetime.now(UTC) + timedelta(hours=1)) == (2 if self.leaves_unfinished else 1)
        assert get(driver, name) == b"whole"
        unfinished.abort()
        driver.delete([name])
        assert driver.remains().nothing

    @pytest.mark.parametrize("name", ["../../etc/passwd", "", "A" * 26, "a/b", "a" * 26 + "-01", "a" * 26 + "/.."])
    def test_only_names_of_ours_are_names(self, driver: Driver, name: str) -> None:
        for use in (driver.read, driver.size, driver.open_write):
            with pytest.raises(Mistake):
                use(name)
        with pytest.raises(Mistake):
            driver.delete([name])

    def test_a_share_has_a_name_of_its_own(self, driver: Driver) -> None:
        blob = new_identifier()
        put(driver, b"first share", f"{blob}-02-00")
        put(driver, b"second share", f"{blob}-02-01")
        assert get(driver, f"{blob}-02-01") == b"second share"

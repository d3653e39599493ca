"""Killed (SIGKILL) at every step between accepting a message and announcing it.

A child process sends one message and runs the courier; it counts every step that leaves a trace outside the process
(waits for the disk, writes to the journal, link, rename, unlink, every SQL statement, every commit) and kills itself at
the n-th, before or after it is done. For every n: what was acknowledged is there, whole, and its reader can open it;
what was not acknowledged is whole or not there at all. Then life goes on: a courier finishes the work, and nothing is
lost or told to different ends.
"""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.ground import databases
from tests.ground.house import Ground, make_house

pytestmark = pytest.mark.slow

_STEPS = ("fsync", "fdatasync", "pwrite", "link", "replace", "rename", "unlink")


class Steps:
    """Counts steps and kills this process at one of them. ``after`` kills when the step is done, else before it."""

    def __init__(self, deadly: int, after: bool):
        self.deadly, self.after, self.count = deadly, after, 0

    def wrap(self, step: Callable[..., Any]) -> Callable[..., Any]:
        def stepped(*arguments: Any, **named: Any) -> Any:
            self.count += 1
            if self.count == self.deadly and not self.after:
                os.kill(os.getpid(), signal.SIGKILL)
            done = step(*arguments, **named)
            if self.count == self.deadly:
                os.kill(os.getpid(), signal.SIGKILL)
            return done

        return stepped

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        for name in _STEPS:
            setattr(os, name, self.wrap(getattr(os, name)))
        connection.ensure_connection()
        connection.commit = self.wrap(connection.commit)  # type: ignore[method-assign]
        with connection.execute_wrapper(lambda execute, *rest: self.wrap(execute)(*rest)):
            yield


def killed(deadly: int, after: bool, work: Callable[[Steps, Callable[[str], object]], None]) -> tuple[list[str], int]:
    """Do ``work`` in a child that is killed at a step; returns what it told, and its steps (0: it died)."""
    databases.leave()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            steps = Steps(deadly, after)
            with steps.watching():
                work(steps, lambda word: os.write(writing, f"told {word}\n".encode()))
            os.write(writing, f"steps {steps.count}\n".encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = [line.split() for line in pipe]
    os.waitpid(child, 0)
    told = [words[1] for words in said if words[0] == "told"]
    return told, sum(int(words[1]) for words in said if words[0] == "steps")


def in_child(ground: Ground, deadly: int, after: bool) -> tuple[list[str], int]:
    """Send and announce in a child; returns the acknowledged parcels and how many steps it took (0 when it died)."""

    def work(steps: Steps, tell: Callable[[str], object]) -> None:
        tell(ground.send(text=f"bericht {deadly} {after}"))
        ground.announce()

    return killed(deadly, after, work)


def check_whole(ground: Ground, acknowledged: list[str], before: set[str]) -> None:
    """Every parcel in the database has all its blobs as recorded, its slip, and its audit entry."""
    found = {status.parcel for status in ground.house.follow.parcels(ground.actor, limit=200)}
    assert set(acknowledged) <= found
    deposited = {entry.subject for entry in ground.house.audit.entries() if entry.event == "parcel:deposited"}
    assert found == deposited
    for parcel in found - before:
        for blob in ground.house.records.blobs_of(parcel):
            assert ground.house.store.size(blob.blob) == blob.size
        for slip in ground.house.records.slips_of(parcel):
            assert slip.sealed_slip
    ground.house.audit.verify()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_every_step(tmp_path: Path, database: databases.Database, after: bool) -> None:
    ground = make_house(tmp_path)
    _, steps = in_child(ground, 0, after)
    assert steps > 25, "the steps are not being counted"
    for deadly in range(1, steps + 1):
        before = {status.parcel for status in ground.house.follow.parcels(ground.actor, limit=200)}
        acknowledged, _ = in_child(ground, deadly, after)
        check_whole(ground, acknowledged, before)
    # A lease that died with its courier runs out; then another courier finishes everything.
    ground.clock.move(minutes=10)
    ground.announce()
    parcels = ground.house.follow.parcels(ground.actor, limit=200)
    assert {status.readers[0].state for status in parcels} == {"announced"}
    # Each parcel's reader can open it; a notice that was repeated carries the same link and the same Message-ID.
    mails = {mail["Message-ID"]: mail for mail in ground.mails()}
    assert len(mails) == len(parcels)
    for mail in mails.values():
        opened = ground.reading.open(ground.link_in(mail), "")
        assert b"".join(opened.attachment(opened.manifest.attachments[0])) == b"%PDF-1.4 brief"
    assert {str(ground.link_in(mail)) for mail in ground.mails()} == {
        str(ground.link_in(mail)) for mail in mails.values()
    }
    # What nobody was promised is swept in time; what was promised stays.
    ground.clock.now = ground.clock.now.replace(year=2100)
    ground.house.expire.sweep()
    for status in parcels:
        for blob in ground.house.records.blobs_of(status.parcel):
            assert ground.house.store.size(blob.blob) == blob.size
    assert not list((ground.folder / "store" / "incoming").iterdir())

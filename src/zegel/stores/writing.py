"""Write one blob to several patches at once; it is durable when one has it, and deposited when enough have it."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass

from zegel.errors import Damaged, Unavailable, ZegelError
from zegel.parcels.copies import Outline
from zegel.parcels.deposit import Blob
from zegel.stores.drivers.driver import Driver, Writer, silent
from zegel.stores.health import Health
from zegel.stores.outline import Outliner


@dataclass(frozen=True, slots=True)
class Target:
    """One patch to write to."""

    patch: str
    driver: Driver
    health: Health


class PatchworkWriter:
    """``journeys.ports.stores.BlobWriter`` over several drivers. A patch that fails on the way is left out."""

    def __init__(self, blob: str, targets: list[Target], pool: Executor, landed: Callable[[Outline, list[str]], None]):
        self._blob = blob
        self._pool = pool
        self._landed = landed
        self._outliner = Outliner()
        self._writers: dict[str, tuple[Target, Writer]] = {}
        self._worst: ZegelError = silent()
        self._done: Blob | None = None
        for target in targets:
            self._begin(target)
        self._check()

    def write(self, data: bytes | memoryview) -> None:
        self._outliner.write(data)
        for target, writer in list(self._writers.values()):
            try:
                writer.write(data)
            except Unavailable as error:
                self._drop(target, writer, error)
        self._check()

    @property
    def light(self) -> bool:
        return len(self._writers) == 1 and all(writer.light for _, writer in self._writers.values())

    @property
    def only(self) -> tuple[Target, Writer]:
        """Where it goes, when it is ``light``."""
        return next(iter(self._writers.values()))

    def landed(self, done: Blob) -> None:
        """It was committed together with others."""
        outline = self._outliner.finish(self._blob)
        self._confirm(self.only[0], done, outline)
        self._landed(outline, list(self._writers))
        self._done = done

    def commit(self) -> Blob:
        if self._done:
            return self._done
        outline = self._outliner.finish(self._blob)
        several = list(self._writers.values())
        if len(several) == 1:
            self._finish(*several[0], outline)
        else:
            for future in [self._pool.submit(self._finish, target, writer, outline) for target, writer in several]:
                future.result()
        self._check()
        self._landed(outline, list(self._writers))
        return Blob(outline.blob, outline.size, outline.sha256)

    def abort(self) -> None:
        for _, writer in self._writers.values():
            with suppress(ZegelError):
                writer.abort()

    def _begin(self, target: Target) -> None:
        try:
            self._writers[target.patch] = (target, target.driver.open_write(self._blob))
        except Unavailable as error:
            self._blame(target, error)

    def _finish(self, target: Target, writer: Writer, outline: Outline) -> None:
        try:
            done = writer.commit()
        except Unavailable as error:
            self._drop(target, writer, error)
            return
        self._confirm(target, done, outline)

    def _confirm(self, target: Target, done: Blob, outline: Outline) -> None:
        if (done.size, done.sha256) != (outline.size, outline.sha256):
            raise Damaged("The storage kept something else than what was written.", code="blob-altered")
        target.health.good()

    def _drop(self, target: Target, writer: Writer, error: Unavailable) -> None:
        self._writers.pop(target.patch, None)
        self._blame(target, error)
        with suppress(ZegelError):
            writer.abort()

    def _blame(self, target: Target, error: Unavailable) -> None:
        self._worst = error
        target.health.bad(error)

    def _check(self) -> None:
        if not self._writers:
            raise self._worst


def commit_light(writers: Sequence[PatchworkWriter]) -> None:
    """Commit those that are ``light``, each patch's at once."""
    several: dict[str, list[PatchworkWriter]] = {}
    for writer in writers:
        if writer.light:
            several.setdefault(writer.only[0].patch, []).append(writer)
    for light in several.values():
        target = light[0].only[0]
        try:
            done = target.driver.commit_all([writer.only[1] for writer in light])
        except Unavailable as error:
            target.health.bad(error)
            raise
        for writer, blob in zip(light, done, strict=True):
            writer.landed(blob)

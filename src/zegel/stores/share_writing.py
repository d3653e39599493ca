"""Write one blob as shares to several patches at once, while it streams in.

The shares of one stripe are written side by side while the next stripe comes in. A patch that fails on the way is left
out; with fewer than are needed to make the blob again, writing has failed and what was written is removed.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future, wait
from contextlib import suppress
from dataclasses import dataclass

from zegel.errors import Damaged, Unavailable, ZegelError
from zegel.parcels.copies import Copy, Outline, share_name
from zegel.parcels.deposit import Blob
from zegel.stores import sharing
from zegel.stores.drivers.driver import Writer, silent
from zegel.stores.outline import Outliner
from zegel.stores.writing import Target


@dataclass(slots=True)
class _Share:
    """One share on its way; without a writer nobody takes it."""

    number: int
    target: Target | None = None
    writer: Writer | None = None
    sha256: str = ""


class ShareWriter:
    """``journeys.ports.stores.BlobWriter`` over several drivers. ``targets`` by number of the share.

    ``landed`` is told the outline and a row per share; of those that nobody took a row ``wanted`` without a patch.
    """

    light = False

    def __init__(
        self,
        blob: str,
        class_: int,
        needed: int,
        of: int,
        targets: Mapping[int, Target],
        pool: Executor,
        landed: Callable[[Outline, list[Copy]], None],
    ):
        self._blob, self._class, self._needed = blob, class_, needed
        self._pool = pool
        self._landed = landed
        self._outliner = Outliner()
        self._stripe = bytearray()
        self._shares = [_Share(number, targets.get(number)) for number in range(of)]
        self._flying: list[Future[None]] = []
        self._worst: ZegelError = silent()
        self._done: list[_Share] = []
        for share in self._shares:
            self._begin(share)
        self._check()

    def write(self, data: bytes | memoryview) -> None:
        self._outliner.write(data)
        rest = memoryview(data)
        while rest:
            room = sharing.STRIPE - len(self._stripe)
            self._stripe += rest[:room]
            rest = rest[room:]
            # Kept back when exactly full: the last stripe goes together with the trailer and the commit.
            if rest and len(self._stripe) == sharing.STRIPE:
                self._send()

    def commit(self) -> Blob:
        outline = self._outliner.finish(self._blob)
        ends = [
            sharing.trailer(self._blob, self._needed, share.number, outline.size, outline.sha256)
            for share in self._shares
        ]
        blocks = self._blocks()
        try:
            self._wait()
            self._fly([self._pool.submit(self._finish, *each) for each in zip(self._shares, blocks, ends, strict=True)])
            self._wait()
            self._check()
        except ZegelError:
            self._take_back()
            raise
        self._landed(outline, [self._row(share, outline) for share in self._shares])
        return Blob(outline.blob, outline.size, outline.sha256)

    def abort(self) -> None:
        with suppress(ZegelError):
            self._wait()
        for share in self._shares:
            if share.writer:
                with suppress(ZegelError):
                    share.writer.abort()

    def _begin(self, share: _Share) -> None:
        if share.target is None:
            return
        try:
            share.writer = share.target.driver.open_write(share_name(self._blob, self._needed, share.number))
        except Unavailable as error:
            self._blame(share.target, error)

    def _blocks(self) -> list[bytes]:
        return sharing.blocks(self._stripe, self._needed, range(len(self._shares)))

    def _send(self) -> None:
        blocks = self._blocks()
        self._stripe = bytearray()
        self._wait()
        self._check()
        self._fly([self._pool.submit(self._write, *each) for each in zip(self._shares, blocks, strict=True)])

    def _fly(self, futures: list[Future[None]]) -> None:
        self._flying = futures

    def _wait(self) -> None:
        flying, self._flying = self._flying, []
        wait(flying)
        for future in flying:
            future.result()

    def _write(self, share: _Share, data: bytes) -> None:
        if share.writer is None:
            return
        try:
            share.writer.write(data)
        except Unavailable as error:
            self._drop(share, error)

    def _finish(self, share: _Share, block: bytes, end: bytes) -> None:
        self._write(share, block + end)
        if share.writer is None or share.target is None:
            return
        try:
            done = share.writer.commit()
        except Unavailable as error:
            self._drop(share, error)
            return
        if done.size != sharing.share_size(self._outliner.size, self._needed):
            raise Damaged("The storage kept something else than what was written.", code="blob-altered")
        share.target.health.good()
        share.sha256 = done.sha256
        self._done.append(share)

    def _drop(self, share: _Share, error: Unavailable) -> None:
        writer, share.writer = share.writer, None
        if share.target:
            self._blame(share.target, error)
        if writer:
            with suppress(ZegelError):
                writer.abort()

    def _blame(self, target: Target, error: Unavailable) -> None:
        self._worst = error
        target.health.bad(error)

    def _check(self) -> None:
        if sum(share.writer is not None for share in self._shares) < self._needed:
            raise self._worst

    def _take_back(self) -> None:
        for share in self._done:
            if share.target:
                with suppress(ZegelError):
                    share.target.driver.delete([share_name(self._blob, self._needed, share.number)])

    def _row(self, share: _Share, outline: Outline) -> Copy:
        there = share.writer is not None and share.target is not None
        return Copy(
            blob=self._blob,
            patch=share.target.patch if there and share.target else "",
            state="whole" if there else "wanted",
            class_=self._class,
            size=sharing.share_size(outline.size, self._needed),
            sha256=share.sha256 if there else "",
            share=share.number,
            needed=self._needed,
        )

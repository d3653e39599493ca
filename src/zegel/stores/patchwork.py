"""Several patches as one store (``journeys.ports.stores.BlobStore``).

**Writing.** When the class is known, a blob goes to the places that placement names. When it is not (an upload comes
before its parcel), it *lands* where the strictest class that can be placed may be. ``settle`` then looks, before the
deposit is recorded, that enough copies lie where the class may be, makes those that miss, and tells the rows to record:
content first, promise after. What a patch that is down did not get is ``wanted``, and made later.

**Reading.** ``reading`` tells. Rows say where a blob lies; no patch is asked what it has.

**Deleting.** Rows first: every copy is ``doomed``, then deleted, then its row goes. A patch that is away is asked again
by the tidy round, so nothing is forgotten.
"""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from zegel.errors import Damaged, Mistake, NotFound, Unavailable, ZegelError
from zegel.parcels.copies import PIECE_BYTES, WHOLE, Copy, CopyState, Outline, complete
from zegel.parcels.deposit import Blob
from zegel.parcels.identifiers import checked
from zegel.stores.choosing import Ledger, Patch
from zegel.stores.drivers.driver import Remains, Stored, missing, missing_part, silent
from zegel.stores.in_turn import InTurn, Readable
from zegel.stores.outline import Outliner
from zegel.stores.placement import Refusal, Spread
from zegel.stores.reading import Reading, Source
from zegel.stores.share_reading import ShareReading
from zegel.stores.share_settling import AT_ONCE, ShareSettling
from zegel.stores.share_writing import ShareWriter
from zegel.stores.writing import PatchworkWriter, commit_light
from zegel.suppliers.policy import Policy

_REMEMBERED = 10_000


class Patchwork(ShareSettling):
    """All patches together. One per process; threads share it."""

    def __init__(
        self,
        patches: Sequence[Patch],
        ledger: Ledger,
        clock: Callable[[], datetime],
        policy: Policy | None = None,
        spreads: Mapping[int, Spread] | None = None,
    ):
        super().__init__(patches, ledger, clock, policy, spreads)
        self.pool = ThreadPoolExecutor(32, "patchwork")
        self._landed: OrderedDict[str, tuple[Copy, ...]] = OrderedDict()
        self._lock = threading.Lock()

    # Writing ------------------------------------------------------------------------------------------------------

    def open_write(self, blob: str, class_: int | None = None) -> PatchworkWriter | ShareWriter:
        """Begin a blob; of a class that is not known yet it lands where every class may be."""
        checked(blob)
        if class_ is not None and self.spread(class_).shares:
            return self.open_shares(blob, class_)
        names = self._landing(blob) if class_ is None else self._living(class_, blob)
        return PatchworkWriter(blob, [self.target(name) for name in names], self.pool, self._note_copies)

    def commit_all(self, writers: Sequence[PatchworkWriter | ShareWriter]) -> list[Blob]:
        """Commit several blobs that were just named; small ones wait for the disk together."""
        commit_light([writer for writer in writers if isinstance(writer, PatchworkWriter)])
        return [writer.commit() for writer in writers]

    def _note_copies(self, outline: Outline, patches: list[str]) -> None:
        blob = Blob(outline.blob, outline.size, outline.sha256)
        self.note_landing(outline, [_row(blob, 0, name, "whole") for name in patches])

    def note_landing(self, outline: Outline, copies: Sequence[Copy]) -> None:
        # A share does not tell how large its blob is, so blobs in shares have an outline however small they are.
        if outline.pieces or any(copy.share != WHOLE for copy in copies):
            with self.ledger.transaction():
                self.ledger.add_outline(outline, self.clock())
        with self._lock:
            self._landed[outline.blob] = tuple(copies)
            while len(self._landed) > _REMEMBERED:
                self._landed.popitem(last=False)

    def write_part(self, blob: str, number: int, data: Iterator[bytes], owner: str) -> None:
        # All parts of a blob go to one patch, whoever takes them; when it is away, the sender tries again.
        self.patches[self._landing(blob)[0]].driver.write_part(checked(blob), number, data, owner)

    def join_parts(self, blob: str, count: int, owner: str) -> Blob:
        pieces, worst = None, None
        for name in filter(self.readable, dict.fromkeys((*self._landing(blob), *self.patches))):
            try:
                pieces = self.patches[name].driver.read_parts(checked(blob), count, owner)
                break
            except ZegelError as error:
                worst = worst or error
        if pieces is None:
            return self._joined_before(blob, worst or silent())
        writer = self.open_write(blob)
        try:
            for piece in pieces:
                writer.write(piece)
            done = writer.commit()
        except NotFound:
            # Asked twice at once: the other one has joined them, and forgot them while we read.
            return self._joined_before(blob, missing_part())
        finally:
            writer.abort()
        with suppress(ZegelError):
            # It is joined and durable; what is left of the parts is swept.
            self.patches[name].driver.forget_parts(blob, owner)
        return done

    def _joined_before(self, blob: str, error: ZegelError) -> Blob:
        """Asked again after the answer was lost: the parts are gone and the blob is there."""
        for patch in self._holders(blob):
            outliner = Outliner()
            with suppress(ZegelError):
                for piece in self.patches[patch].driver.read(blob):
                    outliner.write(piece)
                outline = outliner.finish(blob)
                return Blob(blob, outline.size, outline.sha256)
        raise error

    def settle(self, blobs: Sequence[Blob], class_: int) -> list[Copy]:
        """Make sure that enough copies of each blob lie where the class may be; return the rows to record.

        Raises Mistake: ``unplaceable``, ``blob-missing`` (not uploaded), ``blob-differs``. Raises Unavailable when too
        many patches are away to keep the promise.
        """
        rows: list[Copy] = []
        for blob in blobs:
            rows += self._settle(blob, class_)
        return rows

    def _settle(self, blob: Blob, class_: int) -> list[Copy]:
        if self.spread(class_).shares:
            return self.settle_shares(
                blob,
                class_,
                lambda: [_row(blob, class_, name, "whole") for name in self._holders(blob.blob, blob.size)],
            )
        holders = self._holders(blob.blob, blob.size)
        if not holders:
            raise Mistake("The blob {blob} was not uploaded.", code="blob-missing", blob=blob.blob)
        ideal = self.places(class_, blob.blob)
        chosen, holders = self._make_up(blob, class_, holders)
        whole = [name for name in chosen if name in holders]
        more = max(self.spread(class_).copies - len(whole), 0)
        wanted = [name for name in dict.fromkeys((*chosen, *ideal)) if name not in holders][:more]
        # Where it landed is one place too many, unless copies are still missing: then it stays until they are made.
        extra = [name for name in holders if name not in whole]
        kept = [name for name in extra if wanted and self._may_keep(class_, name)]
        return (
            [_row(blob, class_, name, "whole") for name in (*whole, *kept)]
            + [_row(blob, class_, name, "wanted") for name in wanted]
            + [_row(blob, class_, name, "doomed") for name in extra if name not in kept]
        )

    def _may_keep(self, class_: int, patch: str) -> bool:
        return any(one.patch == patch and not one.reasons for one in self.explain(class_).judged)

    def _make_up(self, blob: Blob, class_: int, holders: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Copy until there are enough; returns the places chosen, and who has the blob by then.

        Enough is what the policy wants; of a very large blob, and while patches fail, what it wants at least.
        """
        away, spread = self._away(), self.spread(class_)
        enough = spread.copies if blob.size <= AT_ONCE else spread.least
        while True:
            found = self.explain(class_, blob.blob, avoid=away)
            if isinstance(found, Refusal):
                raise silent(30)
            missed = [name for name in found.places if name not in holders]
            if not missed or len(found.places) - len(missed) >= enough:
                return found.places, holders
            try:
                self.make(
                    _row(blob, class_, missed[0], "wanted"), [_row(blob, class_, name, "whole") for name in holders]
                )
                holders = (*holders, missed[0])
            except Unavailable:
                away.add(missed[0])

    def _holders(self, blob: str, size: int | None = None) -> tuple[str, ...]:
        """The patches that have it, before there are rows: from memory, or by asking."""
        known = tuple(copy.patch for copy in self.landed(blob) if copy.share == WHOLE)
        if known:
            return known
        names = [name for name in self.patches if self.readable(name)]
        sizes = dict(zip(names, self.pool.map(lambda name: self._size_at(name, blob), names), strict=True))
        if size is not None and any(found not in (None, size) for found in sizes.values()):
            raise Mistake("The blob {blob} is not the one that was uploaded.", code="blob-differs", blob=blob)
        return tuple(name for name, found in sizes.items() if found is not None)

    def landed(self, blob: str) -> tuple[Copy, ...]:
        with self._lock:
            return self._landed.get(blob, ())

    def _size_at(self, patch: str, blob: str) -> int | None:
        try:
            return self.patches[patch].driver.size(blob)
        except ZegelError:
            return None

    def make(
        self,
        wanted: Copy,
        sources: Sequence[Copy],
        throttle: Callable[[int], None] | None = None,
        name: str = "",
    ) -> Copy:
        """Make one more copy or share of a blob, from any of the others; returns the row that is now true.

        ``name`` is another name to write under, for a drill.

        What was read is verified before the target gives it its name, and what the target confirms is compared with
        what was sent. Raises Unavailable (target or all sources), Damaged, NotFound (all sources).
        """
        if wanted.share != WHOLE:
            return self.make_share(wanted, sources, throttle, name)
        reading = self.reading(sources, wanted.blob)
        if isinstance(reading, Reading) and wanted.size > PIECE_BYTES:
            # A large blob is digested once, as a whole. When that is wrong, once more with a look at every piece: it
            # finds the copy that is to blame, and goes on at another one in the middle.
            with suppress(Damaged):
                return self.send(wanted, replace(reading, verify=False).pieces(), throttle, name)
        return self.send(wanted, reading.pieces(), throttle, name)

    # Reading ------------------------------------------------------------------------------------------------------

    def read(self, blob: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        copies = self.ledger.copies_of([checked(blob)]).get(blob, [])
        return self.reading(copies, blob).pieces(start, length)

    def reading(self, copies: Sequence[Copy], blob: str) -> Readable:
        """What can be read of these copies: those that are whole, on patches that may be read. Raises NotFound."""
        alive = [copy for copy in copies if copy.state in ("whole", "broken") and self.readable(copy.patch)]
        alive.sort(key=lambda copy: copy.state != "whole")
        everything = complete(alive)
        # A copy that was found broken may have been so for a moment only; it is the last resort.
        shapes = complete(copy for copy in alive if copy.state == "whole") or everything
        if not shapes:
            raise silent(60) if any(copy.state != "doomed" for copy in copies) else missing()
        readings = [
            self._reading(blob, needed, found if needed == 1 else everything[needed])
            for needed, found in shapes.items()
        ]
        return readings[0] if len(readings) == 1 else InTurn(readings)

    def _reading(self, blob: str, needed: int, copies: Sequence[Copy]) -> Reading | ShareReading:
        sources = [Source(copy, self.patches[copy.patch].driver, self.patches[copy.patch].health) for copy in copies]
        if needed == 1:
            outline = Outline(blob, copies[0].size, copies[0].sha256)
            if not outline.verifiable:
                outline = self.ledger.outline(blob) or outline
            return Reading(outline, sources, self.pool, self.report_broken)
        noted = self.ledger.outline(blob)
        if noted is None:
            # The blob was deleted since its rows were read: both go in one transaction.
            raise missing()
        return ShareReading(noted, needed, sources, self.pool, self.report_broken)

    def report_broken(self, copy: Copy) -> None:
        """Note that a copy is missing, short or altered; repair will replace it."""
        if copy.row and copy.state == "whole":
            with suppress(ZegelError), self.ledger.transaction():
                self.ledger.set_copies([copy], "broken", self.clock())

    def size(self, blob: str) -> int:
        copies = self.ledger.copies_of([checked(blob)]).get(blob, [])
        if any(copy.state == "whole" for copy in copies):
            return self.reading(copies, blob).outline.size
        for patch in self._holders(blob):
            size = self._size_at(patch, blob)
            if size is not None:
                return size
        raise missing()

    def verify(self, copy: Copy, throttle: Callable[[int], None] | None = None) -> bool:
        """Read one copy whole and compare its digest. Raises Unavailable when its patch does not answer."""
        patch, digest, size = self.patches[copy.patch], hashlib.sha256(), 0
        began = time.monotonic()
        try:
            for piece in patch.driver.read(copy.name):
                if not size:
                    patch.health.good(time.monotonic() - began)
                digest.update(piece)
                size += len(piece)
                if throttle:
                    throttle(len(piece))
        except NotFound:
            return False
        except Unavailable as error:
            patch.health.bad(error)
            raise
        return (size, digest.hexdigest()) == (copy.size, copy.sha256)

    # What is really there -----------------------------------------------------------------------------------------

    def names(self) -> tuple[str, ...]:
        """The configured patches."""
        return tuple(self.patches)

    def latency(self, patch: str) -> float:
        """Seconds to the first bytes, as this process measured them."""
        return self.patches[patch].health.latency

    def listing(self, patch: str) -> Iterator[Stored]:
        """Everything at one patch."""
        return self.patches[patch].driver.listing()

    def sweep(self, patch: str, moment: datetime) -> int:
        """Remove what unfinished writes left at one patch."""
        return self.patches[patch].driver.sweep(moment)

    def remains(self, patch: str) -> Remains:
        """Count what one patch still has."""
        return self.patches[patch].driver.remains()

    def delete_at(self, patch: str, names: Sequence[str]) -> dict[str, Unavailable]:
        """Delete objects that have no rows at one patch."""
        return self._remove_at(patch, list(names))

    # Deleting -----------------------------------------------------------------------------------------------------

    def delete(self, blob: str) -> None:
        """Remove every copy; those on a patch that is away stay ``doomed`` until it is back."""
        with self._lock:
            landed = self._landed.pop(blob, ())
        with self.ledger.transaction():
            doomed = self.ledger.doom([checked(blob)], self.clock())
        if doomed:
            self.remove(doomed)
            return
        for name, patch in self.patches.items():
            if self.readable(name):
                with suppress(Unavailable):
                    patch.driver.delete([blob, *(copy.name for copy in landed if copy.patch == name)])

    def remove(self, doomed: Sequence[Copy]) -> dict[str, Unavailable]:
        """Delete doomed copies and forget their rows; returns the names that could not be deleted, with why."""
        failed: dict[str, Unavailable] = {}
        for name in {copy.patch for copy in doomed}:
            here = [copy for copy in doomed if copy.patch == name]
            refused = self._remove_at(name, [copy.name for copy in here])
            failed |= {f"{name}/{blob}": error for blob, error in refused.items()}
            gone = [copy for copy in here if copy.name not in refused]
            with self.ledger.transaction():
                self.ledger.forget_copies(gone)
        return failed

    def _remove_at(self, patch: str, names: list[str]) -> dict[str, Unavailable]:
        if patch not in self.patches or not self.readable(patch):
            return dict.fromkeys(names, silent())
        try:
            return self.patches[patch].driver.delete(names)
        except Unavailable as error:
            self.patches[patch].health.bad(error)
            return dict.fromkeys(names, error)

    def older_than(self, moment: datetime) -> Iterator[str]:
        """Names of blobs on any patch last written before then; leftovers of unfinished writes go on the way."""
        for name, patch in self.patches.items():
            if self.readable(name):
                with suppress(Unavailable, NotFound):
                    patch.driver.sweep(moment)
                    yield from (one.name[:26] for one in patch.driver.listing() if one.moment < moment)


def _row(blob: Blob, class_: int, patch: str, state: CopyState) -> Copy:
    return Copy(blob.blob, patch, state, class_, blob.size, blob.sha256)

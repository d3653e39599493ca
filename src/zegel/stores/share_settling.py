"""Where the shares of a blob go: while it is written, at the deposit, and when one is made again.

A blob whose class is known is dealt out while it streams in. One that landed whole is dealt out at the deposit; it
landed on a patch of our own (``choosing``), and the copy there goes as soon as the shares are recorded.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import replace

from zegel.errors import Mistake, Unavailable, ZegelError
from zegel.parcels.copies import WHOLE, Copy, Outline
from zegel.parcels.deposit import Blob
from zegel.stores import sharing
from zegel.stores.choosing import Choosing
from zegel.stores.drivers.driver import silent, taken
from zegel.stores.health import blaming
from zegel.stores.in_turn import Readable
from zegel.stores.placement import Placement, Refusal
from zegel.stores.reading import altered
from zegel.stores.share_writing import ShareWriter
from zegel.stores.writing import Target

AT_ONCE = 64 * 1024 * 1024
"""A blob up to this size gets all its copies or shares before its sender is answered."""


class ShareSettling(Choosing):
    """The part of the patchwork that deals out shares."""

    pool: Executor

    def note_landing(self, outline: Outline, copies: Sequence[Copy]) -> None:
        """Remember what was just written; ``Patchwork`` does."""
        raise NotImplementedError

    def landed(self, blob: str) -> tuple[Copy, ...]:
        """What this process wrote of a blob that has no rows yet; ``Patchwork`` knows."""
        raise NotImplementedError

    def report_broken(self, copy: Copy) -> None:
        """Note that a share is not what was written; ``Patchwork`` does."""
        raise NotImplementedError

    def reading(self, copies: Sequence[Copy], blob: str) -> Readable:
        """What can be read of these copies; ``Patchwork`` does."""
        raise NotImplementedError

    def target(self, patch: str) -> Target:
        """A patch, to write to."""
        found = self.patches[patch]
        return Target(patch, found.driver, found.health)

    def open_shares(self, blob: str, class_: int) -> ShareWriter:
        """Begin a blob that is dealt out as it comes."""
        spread = self.spread(class_)
        targets = {number: self.target(name) for number, name in enumerate(self._living(class_, blob))}
        return ShareWriter(blob, class_, spread.needed, spread.copies, targets, self.pool, self.note_landing)

    def settle_shares(self, blob: Blob, class_: int, whole: Callable[[], Sequence[Copy]]) -> list[Copy]:
        """As ``Patchwork.settle`` for one blob; ``whole`` are the copies of it that landed."""
        self.places(class_, blob.blob)
        if rows := self.ledger.copies_of([blob.blob]).get(blob.blob):
            # The same deposit again, after its answer was lost: all of this is done and recorded. Another one with this
            # blob is refused when it is recorded; nothing of it may touch the shares that are there.
            if all(row.state == "doomed" for row in rows):
                raise taken()
            return []
        shares = [copy for copy in self.landed(blob.blob) if copy.needed == self.spread(class_).needed]
        extra: Sequence[Copy] = ()
        if not shares:
            extra = whole()
            shares = self._deal_out(blob, class_, extra)
        shares = self._complete(blob, class_, shares)
        return shares + [replace(copy, class_=class_, state="doomed") for copy in extra]

    def _deal_out(self, blob: Blob, class_: int, whole: Sequence[Copy]) -> list[Copy]:
        if not whole:
            raise Mistake("The blob {blob} was not uploaded.", code="blob-missing", blob=blob.blob)
        writer = self.open_shares(blob.blob, class_)
        try:
            for piece in self.reading(whole, blob.blob).pieces():
                writer.write(piece)
            done = writer.commit()
        finally:
            writer.abort()
        shares = list(self.landed(blob.blob))
        if done != blob:
            for share in shares:
                if share.patch:
                    self.patches[share.patch].driver.delete([share.name])
            raise altered()
        return shares

    def _complete(self, blob: Blob, class_: int, shares: Sequence[Copy]) -> list[Copy]:
        """Make shares until enough are durable; returns the rows, with those that are to be made later."""
        away, spread = self._away(), self.spread(class_)
        enough = spread.copies if blob.size <= AT_ONCE else spread.least
        there = [copy for copy in shares if copy.state == "whole"]
        missing = [copy for copy in shares if copy.state != "whole"]
        burden: list[Copy] = []
        while True:
            patches = [copy.patch for copy in burden]
            found = self.explain(class_, blob.blob, [copy.patch for copy in there], away, patches)
            if isinstance(found, Refusal):
                raise silent(30)
            # Where the rules do not want it any more, since it was written: a share that goes, and is made elsewhere.
            outside = [copy for copy in there if copy.patch not in found.places]
            there = [copy for copy in there if copy not in outside]
            burden += outside
            missing += [replace(copy, state="wanted") for copy in outside]
            if outside:
                continue
            places = [name for name in found.places if name not in {copy.patch for copy in there}]
            if not (places and missing) or len(there) >= enough:
                break
            try:
                there.append(self.make_share(replace(missing[0], patch=places[0]), there))
                missing.pop(0)
            except Unavailable:
                away.add(places[0])
        if len(there) < spread.least:
            raise silent(30)
        later = self._later(class_, blob.blob, there, missing)
        doomed = [replace(copy, state="doomed") for copy in burden]
        return [replace(copy, class_=class_) for copy in (*there, *later, *doomed)]

    def _later(self, class_: int, blob: str, there: Sequence[Copy], missing: Sequence[Copy]) -> list[Copy]:
        """Rows for shares that no patch took yet, where they go when every patch answers."""
        taken = [copy.patch for copy in there]
        found = self.explain(class_, blob, taken)
        if not isinstance(found, Placement) or not set(taken) <= set(found.places):
            return []
        places = [name for name in found.places if name not in taken]
        return [replace(copy, patch=name) for copy, name in zip(missing, places, strict=False)]

    # Making one again ------------------------------------------------------------------------------------------------

    def make_share(
        self,
        wanted: Copy,
        sources: Sequence[Copy],
        throttle: Callable[[int], None] | None = None,
        name: str = "",
    ) -> Copy:
        """As ``Patchwork.make`` for a share: the share itself from where it lies, or made of others.

        Of a share without a digest the row that is returned has one.
        """
        for source in sources:
            same = (source.needed, source.share, source.sha256) == (wanted.needed, wanted.share, wanted.sha256)
            if same and source.state == "whole" and self.readable(source.patch):
                # A part of the bytes that making it of others takes; its digest is known, so it is as good.
                with suppress(ZegelError):
                    return self.send(wanted, self._as_it_lies(source), throttle, name)
        reading = self.reading(sources, wanted.blob)
        if any(source.share == WHOLE for source in sources):
            # The blob is changing its shape; of copies it may have had no outline, which shares cannot do without.
            with self.ledger.transaction():
                self.ledger.add_outline(reading.outline, self.clock())
        return self.send(wanted, share_pieces(reading, wanted), throttle, name)

    def _as_it_lies(self, source: Copy) -> Iterator[bytes]:
        patch, digest = self.patches[source.patch], hashlib.sha256()
        with blaming(patch.health):
            for piece in patch.driver.read(source.name):
                digest.update(piece)
                yield piece
        if digest.hexdigest() != source.sha256:
            self.report_broken(source)
            raise altered()

    def send(
        self, wanted: Copy, pieces: Iterator[bytes], throttle: Callable[[int], None] | None = None, name: str = ""
    ) -> Copy:
        """Write a copy or share from its pieces; returns the row that is now true.

        Raises Damaged, leaving nothing, when their digest is not the one that is wanted, if one is.
        """
        target = self.patches[wanted.patch]
        writer = target.driver.open_write(name or wanted.name)
        try:
            for piece in pieces:
                if throttle:
                    throttle(len(piece))
                with blaming(target.health):
                    writer.write(piece)
            if wanted.sha256 and writer.digest() != wanted.sha256:
                raise altered()
            with blaming(target.health):
                done = writer.commit()
        finally:
            writer.abort()
        target.health.good()
        return replace(wanted, state="whole", checked=None, size=done.size, sha256=done.sha256)


def share_pieces(reading: Readable, wanted: Copy) -> Iterator[bytes]:
    """The bytes of one share, made of whatever can be read of the blob."""
    outline, held = reading.outline, bytearray()
    for piece in reading.pieces():
        held += piece
        while len(held) >= sharing.STRIPE:
            yield sharing.blocks(held[: sharing.STRIPE], wanted.needed, (wanted.share,))[0]
            del held[: sharing.STRIPE]
    if held:
        yield sharing.blocks(held, wanted.needed, (wanted.share,))[0]
    yield sharing.trailer(outline.blob, wanted.needed, wanted.share, outline.size, outline.sha256)

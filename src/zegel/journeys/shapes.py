"""Which copies or shares of a blob are lacking: the blob's rows, how its class is spread, and places in; rows out.

A blob has the *shape* that its class asks for (whole, or shares that fit together), or is on its way there: the rows of
the new shape are wanted, made from those of the old one, and when all are there the old ones go.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace

from zegel.journeys.ports.patches import PatchRecords
from zegel.parcels.copies import WHOLE, Copy, Outline
from zegel.stores.placement import Spread
from zegel.stores.sharing import share_size


def in_shape(rows: Sequence[Copy], spread: Spread) -> list[Copy]:
    """The rows that are as the class asks for, or should become so."""
    return [row for row in rows if row.needed == spread.needed and row.state != "doomed"]


def burdened(rows: Sequence[Copy]) -> list[str]:
    """The patches that still hold a share which they should have deleted: neither they nor their owners get more."""
    return [row.patch for row in rows if row.state == "doomed" and row.share != WHOLE]


def going(rows: Sequence[Copy]) -> list[str]:
    """The patches where something of the blob is still to be deleted: nothing is made there meanwhile.

    Who read that row may delete at any moment, and does not know of what was put there since.
    """
    return [row.patch for row in rows if row.state == "doomed"]


def still_there(records: PatchRecords, blobs: Set[str], found: Mapping[str, Sequence[Copy]]) -> set[str]:
    """Those that were not deleted since these rows were ``found``, and will not be before the transaction ends."""
    living = [row for blob in blobs for row in found.get(blob, ()) if row.state != "doomed"]
    locked = records.lock_copies(living)
    return {row.blob for row in living if row.row in locked}


def lacking(
    rows: Sequence[Copy], spread: Spread, places: Sequence[str], model: Copy, leaving: Copy | None = None
) -> list[Copy]:
    """Rows to make at these places, none of which has one that is whole; ``model`` as from :func:`model_of`.

    A share that should be at a place already stays the one for that place: nobody gets two. The others get numbers that
    are nowhere, first that of the row that is ``leaving``. A digest that is not known is empty.
    """
    if not spread.shares:
        return [replace(model, patch=place) for place in places]
    fitting = [row for row in in_shape(rows, spread) if leaving is None or row.row != leaving.row]
    there = {row.patch: row.share for row in fitting if row.state != "whole"}
    used = {row.share for row in fitting if row.state == "whole" or row.patch in places}
    elsewhere = {row.share for row in fitting} - used
    numbers = sorted(
        set(range(spread.copies)) - used,
        key=lambda number: (leaving is None or number != leaving.share, number in elsewhere, number),
    )
    known = {row.share: row.sha256 for row in rows if row.needed == spread.needed}
    found = []
    for place in places:
        number = there[place] if place in there else numbers.pop(0) if numbers else None
        if number is not None:
            found.append(replace(model, patch=place, share=number, sha256=known.get(number, "")))
    return found


def model_of(records: PatchRecords, rows: Sequence[Copy], spread: Spread) -> Copy | None:
    """A row of this shape, to be given a place. None: the blob is of before outlines, and stays as it is."""
    same = next((row for row in rows if row.needed == spread.needed), None)
    if same:
        return replace(same, state="wanted", row=0, checked=None)
    whole = next((row for row in rows if row.share == WHOLE), None)
    outline = Outline(whole.blob, whole.size, whole.sha256) if whole else None
    if outline is None or not outline.verifiable:
        outline = records.outline(rows[0].blob)
    if outline is None:
        return None
    model = Copy(outline.blob, "", "wanted", rows[0].class_, outline.size, outline.sha256)
    if spread.shares:
        size = share_size(outline.size, spread.needed)
        return replace(model, needed=spread.needed, share=0, size=size, sha256="")
    return model

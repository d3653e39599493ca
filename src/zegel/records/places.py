"""Where blobs lie, and what is known of patches and suppliers."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Count, Q, QuerySet, Sum

from zegel.errors import Unavailable
from zegel.parcels.copies import WHOLE, Copy, CopyState, Outline
from zegel.records import models
from zegel.records.border import border
from zegel.records.statements import Row, insert
from zegel.records.transactions import must_write

COPIES = "blob_copy"
_BATCH = 500
_DIGEST = 32

# Which blobs lie on exactly which patches, in one pass over the index ``copy_groups``. A patch is a bit; a blob's
# places, class and shape are one number: grouping a million blobs by that costs half of grouping by three columns.
_GROUPS = """
SELECT code, COUNT(*), SUM(size) FROM (
    SELECT SUM(CASE patch{bits} ELSE 0 END) + {any}(class_number * {class_} + needed * {needed}) AS code,
           {any}(size) AS size
    FROM blob_copy WHERE state = 'whole' GROUP BY blob, needed
) AS each_blob GROUP BY code
"""
# Counting distinct names would look at every row; this looks once per name.
_PATCHES = """
WITH RECURSIVE found(patch) AS (
    SELECT MIN(patch) FROM blob_copy
    UNION ALL SELECT (SELECT MIN(patch) FROM blob_copy WHERE patch > found.patch) FROM found WHERE patch IS NOT NULL
) SELECT patch FROM found WHERE patch IS NOT NULL
"""
_CLASSES = 8


class Places:
    """The part of the Records port that knows copies, patches and suppliers."""

    # Copies -------------------------------------------------------------------------------------------------------

    def add_copies(self, copies: Sequence[Copy], now: datetime) -> None:
        """Write rows for copies that have none; one that has a row at this patch takes the new state.

        Raises Unavailable ``second-share``: a patch that holds a share never gets another one of the same blob.
        """
        must_write()
        with border():
            # A deposit's copies are all new; the ORM would take most of its processor time for them.
            if insert(COPIES, copy_rows(copies, now), unless_there=True) == len(copies):
                return
            rows = [_row(copy, now) for copy in copies]
            self._check_shares(rows)
            models.Copy.objects.bulk_create(
                rows,
                batch_size=_BATCH,
                update_conflicts=True,
                unique_fields=["blob", "patch", "needed"],
                update_fields=["state", "size", "sha256", "since"],
            )

    def _check_shares(self, rows: Sequence[models.Copy]) -> None:
        new = {(row.blob, row.patch, row.needed): row.share for row in rows if row.share != WHOLE}
        there = models.Copy.objects.filter(blob__in={blob for blob, _, _ in new}) if new else ()
        if any(new.get((row.blob, row.patch, row.needed), row.share) != row.share for row in there):
            raise Unavailable("This patch holds another share of the same blob.", code="second-share")

    def copies_of(self, blobs: Sequence[str]) -> dict[str, list[Copy]]:
        """Every row of these blobs; a blob without any is not in the answer."""
        found: dict[str, list[Copy]] = defaultdict(list)
        with border():
            for first in range(0, len(blobs), _BATCH):
                for row in models.Copy.objects.filter(blob__in=blobs[first : first + _BATCH]).order_by("row"):
                    found[row.blob].append(_copy(row))
        return dict(found)

    def copies_at(
        self, patch: str, states: Iterable[CopyState] = ("whole",), after: int = 0, limit: int = 1000
    ) -> list[Copy]:
        """Rows at one patch above ``after``, in order of rows."""
        with border():
            rows = models.Copy.objects.filter(patch=patch, state__in=list(states), row__gt=after)
            return [_copy(row) for row in rows.order_by("row")[:limit]]

    def copies_to_do(self, state: CopyState, patches: Sequence[str], limit: int = 200) -> list[Copy]:
        """Rows at these patches that wait for somebody: ``wanted``, ``broken``, ``doomed``; the oldest change first."""
        with border():
            rows = models.Copy.objects.filter(state=state, patch__in=list(patches)).exclude(state="whole")
            return [_copy(row) for row in rows.order_by("since", "row")[:limit]]

    def copies_to_check(self, patch: str, before: datetime, limit: int = 100) -> list[Copy]:
        """The copies at a patch that were checked longest ago (never: first), none checked since ``before``."""
        with border():
            rows = models.Copy.objects.filter(patch=patch, state="whole")
            never = [_copy(row) for row in rows.filter(checked=None).order_by("checked", "row")[:limit]]
            left = limit - len(never)
            return never + [_copy(row) for row in rows.filter(checked__lt=before).order_by("checked")[:left]]

    def short_of_copies(
        self, class_: int, copies: int, after: str = "", limit: int = 500, needed: int = 1
    ) -> list[str]:
        """Blobs of a class, above ``after``, that have fewer places of this shape than wanted; in order."""
        with border():
            rows = models.Copy.objects.filter(class_number=class_, blob__gt=after).exclude(state="doomed")
            fitting = Count("row", filter=Q(needed=needed))
            found = rows.values("blob").annotate(places=fitting).filter(places__lt=copies).order_by("blob")
            return list(found.values_list("blob", flat=True)[:limit])

    def in_other_shapes(self, class_: int, needed: int, after: str = "", limit: int = 500) -> list[str]:
        """Blobs of a class, above ``after``, of which something lies in another shape than this one; in order."""
        with border():
            rows = models.Copy.objects.filter(class_number=class_, blob__gt=after).exclude(needed=needed)
            found = rows.exclude(state="doomed").values_list("blob", flat=True).distinct().order_by("blob")
            return list(found[:limit])

    def set_copies(self, copies: Sequence[Copy], state: CopyState, now: datetime) -> int:
        """Change the state of rows that are still as they were read; returns how many were."""
        must_write()
        changed = 0
        with border():
            for before, rows in _by_state(copies).items():
                changed += _rows(rows, before).update(state=state, since=now)
        return changed

    def lock_copies(self, copies: Sequence[Copy]) -> set[int]:
        """Lock rows that are still as they were read, until the transaction ends; returns their numbers."""
        must_write()
        found: set[int] = set()
        with border():
            for before, rows in _by_state(copies).items():
                locked = _rows(rows, before)
                if connection.features.has_select_for_update:
                    locked = locked.order_by("row").select_for_update()
                found |= set(locked.values_list("row", flat=True))
        return found

    def check_copies(self, copies: Sequence[Copy], now: datetime) -> None:
        """Note that these were read and are what was written."""
        must_write()
        with border():
            _rows(copies, "whole").update(checked=now)

    def forget_copies(self, copies: Sequence[Copy]) -> None:
        """Drop rows of objects that are gone from their patch."""
        must_write()
        with border():
            for before, rows in _by_state(copies).items():
                _rows(rows, before).delete()

    def doom(self, blobs: Sequence[str], now: datetime) -> list[Copy]:
        """All copies of these blobs should be gone; returns them. Their outlines go."""
        must_write()
        with border():
            rows = models.Copy.objects.filter(blob__in=list(blobs))
            if connection.features.has_select_for_update:
                # First wait for who is recording another copy of them: the update must see his row too.
                list(rows.order_by("row").select_for_update().values_list("row"))
            rows.update(state="doomed", since=now)
            models.Outline.objects.filter(blob__in=list(blobs)).delete()
            return [_copy(row) for row in models.Copy.objects.filter(blob__in=list(blobs))]

    def known_names(self, patch: str, names: Sequence[str]) -> set[str]:
        """Those of these objects' names that have a row at this patch."""
        blobs = {name[:26] for name in names}
        with border():
            rows = models.Copy.objects.filter(patch=patch, blob__in=blobs)
            return {_copy(row).name for row in rows} & set(names)

    # Outlines -----------------------------------------------------------------------------------------------------

    def add_outline(self, outline: Outline, now: datetime) -> None:
        """Note the digests of a blob's pieces; noting them again is fine."""
        must_write()
        with border():
            models.Outline.objects.update_or_create(
                blob=outline.blob,
                defaults={
                    "size": outline.size,
                    "sha256": outline.sha256,
                    "pieces": b"".join(outline.pieces),
                    "added": now,
                },
            )

    def outline(self, blob: str) -> Outline | None:
        """What was noted when the blob was written; None for a small one and for one of long ago."""
        with border():
            row = models.Outline.objects.filter(blob=blob).first()
        if row is None:
            return None
        joined = bytes(row.pieces)
        pieces = tuple(joined[start : start + _DIGEST] for start in range(0, len(joined), _DIGEST))
        return Outline(row.blob, row.size, row.sha256, pieces)

    def sweep_outlines(self, before: datetime, limit: int = 1000) -> int:
        """Drop outlines noted before then whose blob never got a copy row."""
        must_write()
        with border():
            old = models.Outline.objects.filter(added__lt=before).exclude(blob__in=models.Copy.objects.values("blob"))
            return models.Outline.objects.filter(blob__in=list(old.values_list("blob", flat=True)[:limit])).delete()[0]

    # Counting -----------------------------------------------------------------------------------------------------

    def copy_totals(self) -> dict[tuple[str, str], tuple[int, int]]:
        """(patch, state) → how many objects, how many bytes."""
        with border():
            rows = models.Copy.objects.values_list("patch", "state").annotate(Count("row"), Sum("size"))
            return {(patch, state): (count, size or 0) for patch, state, count, size in rows.order_by()}

    def copy_groups(self) -> list[tuple[int, frozenset[str], int, int, int]]:
        """Blobs by class and the exact set of patches that have them: (class, patches, blobs, bytes, needed).

        ``bytes`` are those of one copy or share each; a blob that is on its way from one shape to another counts twice.
        """
        with border(), connection.cursor() as cursor:
            cursor.execute(_PATCHES)
            patches = [patch for (patch,) in cursor.fetchall()]
            if not patches:
                return []
            bits = " WHEN %s THEN %s" * len(patches)
            values: list[str | int] = []
            for number, patch in enumerate(patches):
                values += (patch, 1 << number)
            # A blob's copies of one shape are alike in class and size, and SQLite takes any row's for less than MIN.
            any_ = "" if connection.vendor == "sqlite" else "MIN"
            class_at = 1 << len(patches)
            needed_at = class_at * _CLASSES
            cursor.execute(_GROUPS.format(bits=bits, any=any_, class_=class_at, needed=needed_at), values)
            rows = [(int(code), blobs, int(size)) for code, blobs, size in cursor.fetchall()]
        return [
            (
                code // class_at % _CLASSES,
                frozenset(patch for number, patch in enumerate(patches) if code >> number & 1),
                blobs,
                size,
                code // needed_at,
            )
            for code, blobs, size in rows
        ]

    # Patches and suppliers ----------------------------------------------------------------------------------------

    def patch_rows(self) -> dict[str, dict[str, Any]]:
        """What is noted about each patch that something was ever noted about."""
        with border():
            return {row["patch"]: dict(row) for row in models.Patch.objects.values()}

    def set_patch(self, patch: str, now: datetime, **facts: object) -> None:
        """Note ``state``, ``reason`` or what a patrol saw."""
        must_write()
        with border():
            if "state" in facts:
                facts["since"] = now
            row, _ = models.Patch.objects.get_or_create(patch=patch, defaults={"since": now})
            models.Patch.objects.filter(patch=row.patch).update(**facts)

    def suppliers(self) -> dict[str, str]:
        """Every imported supplier's facts, as JSON."""
        with border():
            return dict(models.Supplier.objects.values_list("supplier", "facts"))

    def put_suppliers(self, suppliers: Mapping[str, str], now: datetime) -> None:
        """Add or replace suppliers."""
        must_write()
        with border():
            for name, facts in suppliers.items():
                models.Supplier.objects.update_or_create(supplier=name, defaults={"facts": facts, "imported": now})


def _by_state(copies: Sequence[Copy]) -> dict[CopyState, list[Copy]]:
    found: dict[CopyState, list[Copy]] = defaultdict(list)
    for copy in copies:
        found[copy.state].append(copy)
    return found


def _rows(copies: Sequence[Copy], state: CopyState) -> "QuerySet[models.Copy]":
    return models.Copy.objects.filter(row__in=[copy.row for copy in copies], state=state)


def copy_rows(copies: Sequence[Copy], now: datetime) -> list[Row]:
    """Copies as rows of :data:`COPIES`."""
    return [
        {
            "blob": copy.blob,
            "patch": copy.patch,
            "share": copy.share,
            "needed": copy.needed,
            "state": copy.state,
            "class_number": copy.class_,
            "size": copy.size,
            "sha256": copy.sha256,
            "since": now,
            "checked": copy.checked,
        }
        for copy in copies
    ]


def _row(copy: Copy, now: datetime) -> models.Copy:
    return models.Copy(**copy_rows([copy], now)[0])


def _copy(row: models.Copy) -> Copy:
    return Copy(
        blob=row.blob,
        patch=row.patch,
        state=row.state,  # type: ignore[arg-type]  # only this file writes it
        class_=row.class_number,
        size=row.size,
        sha256=row.sha256,
        share=row.share,
        needed=row.needed,
        checked=row.checked,
        row=row.row,
    )

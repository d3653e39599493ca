"""The outbox: a job table of our own, because a notice must commit with its parcel.

A row is ``held`` while the sender must say something first, and ``waiting`` until somebody finishes (``done``) or
buries (``dead``) it. A courier takes rows under a *lease* that ends by itself, so a courier that dies loses nothing.
Every end of a row asks for the lease (*fencing*), so a courier that was only slow changes nothing after another one has
taken over. A notice may go out twice, never zero times.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db import connection, transaction
from django.db.models import Count, F, QuerySet

from zegel.records import models
from zegel.records.border import border
from zegel.records.statements import Row, bound_moment, insert
from zegel.records.transactions import must_write

_REASON = 200
_NONE = timedelta(0)
_HEAD_START = {"sms-code": timedelta(hours=1), "report": timedelta(minutes=55)}

# One statement takes the rows: no two couriers ever see one row as free. MATERIALIZED, because PostgreSQL may otherwise
# run the subquery more than once, and with LIMIT and SKIP LOCKED would then take more rows than were asked for.
_LEASE = """
WITH taken AS MATERIALIZED (
    SELECT "row" FROM outbox
    WHERE state = 'waiting' AND due <= %s AND (leased_until IS NULL OR leased_until <= %s){kinds}
    ORDER BY due, "row" LIMIT %s{skip}
)
UPDATE outbox SET lease = %s, leased_until = %s, attempts = attempts + 1
WHERE "row" IN (SELECT "row" FROM taken)
RETURNING due, "row", kind, slip, sealed, attempts, added
"""


@dataclass(frozen=True, slots=True)
class LeasedRow:
    """``journeys.ports.records.OutboxRow``."""

    row: int
    kind: str
    slip: str
    sealed: bytes = field(repr=False)
    attempts: int
    lease: str
    created: datetime


class Outbox:
    """The outbox part of the Records port."""

    def add_outbox(self, kind: str, slip: str, sealed: bytes, due: datetime, *, held: bool = False) -> None:
        """Add one row that is to be sent at ``due`` or soon after; one that is ``held`` waits for the sender.

        A code, for which a reader sits waiting, and a report go before notices of the last hour: a hundred thousand
        of those may be in the queue.
        """
        must_write()
        with border():
            row = outbox_row(kind, "held" if held else "waiting", slip, sealed, due)
            insert("outbox", [{**row, "due": due - _HEAD_START.get(kind, _NONE)}])

    def lease_outbox(
        self, now: datetime, lease: str, limit: int, seconds: int, *, only: str = "", but: str = ""
    ) -> list[LeasedRow]:
        """Take due rows for ``seconds``, the longest due first; two couriers never hold one row.

        ``only`` and ``but`` name a kind that is wanted alone, or not.

        ``lease`` must be fresh for every call. A row counts as tried from here: one that kills its courier every time
        is seen to have been tried. Runs its own transaction.
        """
        if not lease:
            raise AssertionError("a lease needs a name")
        skip = " FOR UPDATE SKIP LOCKED" if connection.features.has_select_for_update_skip_locked else ""
        moment, until = (bound_moment(at) for at in (now, now + timedelta(seconds=seconds)))
        kinds = [(" AND kind = %s", only)] if only else [(" AND kind <> %s", but)] if but else []
        named = [kind for _, kind in kinds]
        statement = _LEASE.format(skip=skip, kinds="".join(words for words, _ in kinds))
        with border(), transaction.atomic(durable=True), connection.cursor() as cursor:
            if skip:
                # The index gives the rows in order, and 200 of them cost what 200 rows do. After a bulk run PostgreSQL
                # has no statistics of the new rows yet, expects a handful, and would read and sort the whole queue.
                cursor.execute("SET LOCAL enable_sort = off")
            cursor.execute(statement, [moment, moment, *named, limit, lease, until])
            taken = sorted(cursor.fetchall(), key=lambda found: (found[0], found[1]))
        return [
            LeasedRow(row, kind, slip, bytes(sealed), attempts - 1, lease, _read(added))
            for _, row, kind, slip, sealed, attempts, added in taken
        ]

    def renew_outbox(self, row: int, lease: str, until: datetime) -> bool:
        """Hold a row longer, for a delivery that takes its time; False when the lease was lost."""
        must_write()
        with border():
            return _held(row, lease).update(leased_until=until) == 1

    def finish_outbox(self, rows: Sequence[int], lease: str) -> set[int]:
        """Done: the sealed parts of these rows are wiped. Returns those whose lease was still held."""
        must_write()
        with border():
            # In order, as everybody locks them who locks several.
            held = list(_held_rows(rows, lease).select_for_update().order_by("row").values_list("row", flat=True))
            _held_rows(held, lease).update(**ended("done"))
            return set(held)

    def return_outbox(self, rows: Sequence[int], lease: str) -> None:
        """Give rows back that were leased and not begun: due as before, and not counted as tried."""
        must_write()
        with border():
            held = list(_held_rows(rows, lease).select_for_update().order_by("row").values_list("row", flat=True))
            _held_rows(held, lease).update(lease="", leased_until=None, attempts=F("attempts") - 1)

    def retry_outbox(self, row: int, lease: str, due: datetime, reason: str) -> bool:
        """Give the row back, to be tried again at ``due``. False when the lease was lost."""
        must_write()
        with border():
            facts = {"due": due, "reason": reason[:_REASON], "lease": "", "leased_until": None}
            return _held(row, lease).update(**facts) == 1

    def bury_outbox(self, row: int, lease: str, reason: str) -> bool:
        """Give up: the sealed part is wiped, the reason kept. False when the lease was lost."""
        must_write()
        with border():
            return _held(row, lease).update(**ended("dead", reason)) == 1

    def count_outbox(self) -> dict[str, int]:
        """How many rows are ``waiting``, ``held``, ``done``, ``dead``."""
        with border():
            counted = dict(models.Outbox.objects.values_list("state").annotate(Count("row")))
        return {state: counted.get(state, 0) for state in ("waiting", "held", "done", "dead")}

    def sweep_outbox(self, before: datetime, limit: int = 10_000) -> int:
        """Forget rows ``done`` that were due before then; return how many."""
        must_write()
        with border():
            old = models.Outbox.objects.filter(state="done", due__lt=before).order_by("row").values("row")[:limit]
            return models.Outbox.objects.filter(row__in=old).delete()[0]


def outbox_row(kind: str, state: str, slip: str, sealed: bytes, due: datetime) -> Row:
    """A row that is ``waiting`` or ``held``, for ``statements.insert``."""
    return {
        "kind": kind,
        "slip": slip,
        "sealed": sealed,
        "added": due,
        "due": due,
        "attempts": 0,
        "lease": "",
        "state": state,
        "reason": "",
    }


def _held(row: int, lease: str) -> "QuerySet[models.Outbox]":
    return _held_rows([row], lease)


def _held_rows(rows: Sequence[int], lease: str) -> "QuerySet[models.Outbox]":
    # Whatever ends a row takes its lease, so one with a lease waits. To ask for the state as well would have PostgreSQL
    # read the index of all that wait, when it has no statistics of a long queue yet. A row that nobody holds has an
    # empty lease; an empty lease must never match it.
    held = models.Outbox.objects.filter(row__in=rows, lease=lease)
    return held if lease else held.none()


def ended(state: str, reason: str = "") -> dict[str, object]:
    """What a row is like once nobody will handle it any more: it holds no secret, and nobody has it."""
    return {"state": state, "reason": reason[:_REASON], "sealed": b"", "lease": "", "leased_until": None}


def _read(moment: str | datetime) -> datetime:
    read = moment if isinstance(moment, datetime) else datetime.fromisoformat(moment)
    return read if read.tzinfo else read.replace(tzinfo=UTC)

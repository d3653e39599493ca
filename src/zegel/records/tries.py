"""Codes and tries, one row per slip. Inside a transaction every question locks the row: judging is one at a time."""

from datetime import datetime

from django.db import connection
from django.db.models import F, QuerySet

from zegel.errors import NotFound
from zegel.records import models
from zegel.records.border import border
from zegel.records.transactions import must_write


class Tries:
    """The part of the Records port that judges proofs."""

    def set_code(self, slip: str, hashed: bytes, expires: datetime) -> None:
        """Keep the keyed hash of the newest code of a slip; older ones stop counting, its tries start at 0."""
        must_write()
        with border():
            _rows(slip).filter(destroyed=None).update(code_hash=hashed, code_expires=expires, code_tries=0)

    def code(self, slip: str) -> tuple[bytes, datetime, int] | None:
        """Keyed hash, expiry and tries so far of the newest code."""
        with border():
            found = _locked(slip).values_list("code_hash", "code_expires", "code_tries").first()
        if found is None or not found[0] or found[1] is None:
            return None
        return bytes(found[0]), found[1], found[2]

    def use_code(self, slip: str) -> bool:
        """A code opens once; False when it had been used, by somebody who was faster."""
        must_write()
        with border():
            unused = _rows(slip).filter(code_expires__isnull=False)
            return unused.update(code_hash=b"", code_expires=None) == 1

    def count_try(self, slip: str, now: datetime) -> int:
        """Count a try *before* it is judged, under a row lock; returns all failed tries of this slip so far.

        Commit before judging: a try counted in a transaction that the refusal then rolls back was never counted.
        """
        must_write()
        with border():
            if not _rows(slip).update(tries=F("tries") + 1, code_tries=F("code_tries") + 1, last_try=now):
                raise NotFound("This link does not lead to a message.", code="unknown-slip")
            return _rows(slip).values_list("tries", flat=True).get()

    def pause(self, slip: str) -> datetime | None:
        """Until when this slip takes no tries.

        Inside a transaction the row stays locked: of a thousand simultaneous tries each sees the pause that the
        ones before it brought about.
        """
        with border():
            return _locked(slip).values_list("paused_until", flat=True).first()

    def set_pause(self, slip: str, until: datetime | None, reset: bool = False) -> None:
        """Set the pause; ``reset`` forgets the failed tries (after a proof that succeeded)."""
        must_write()
        forgotten = {"tries": 0} if reset else {}
        with border():
            _rows(slip).update(paused_until=until, **forgotten)

    def last_codes(self, slip: str, since: datetime) -> list[datetime]:
        """When ``sms-code`` rows were added for this slip since then, oldest first; locks the slip as :meth:`pause`."""
        with border():
            if connection.in_atomic_block:
                _locked(slip).values_list("slip").first()
            rows = models.Outbox.objects.filter(slip=slip, kind="sms-code", added__gte=since)
            return list(rows.order_by("added").values_list("added", flat=True))


def _rows(slip: str) -> "QuerySet[models.Slip]":
    return models.Slip.objects.filter(slip=slip)


def _locked(slip: str) -> "QuerySet[models.Slip]":
    # On SQLite select_for_update does nothing, and needs nothing: the transaction holds the only write lock.
    return _rows(slip).select_for_update() if connection.in_atomic_block else _rows(slip)

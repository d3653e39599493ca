"""The audit chain in SQL: appended under a lock on its head, refused to everybody who would change it."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection

from zegel.audit.entry import Entry, Head, Noted, next_entry, spell_facts
from zegel.errors import Damaged
from zegel.records import models
from zegel.records.border import border
from zegel.records.statements import Row, insert_all
from zegel.records.transactions import must_write

_HEAD = 'SELECT number, hash FROM audit_head WHERE "row" = 1'
_NEW_HEAD = 'UPDATE audit_head SET number = %s, hash = %s WHERE "row" = 1'
_LOCKED_HEAD = f"{_HEAD} FOR UPDATE"


class Chain:
    """The audit part of the Records port."""

    def append_audit(self, moment: datetime, actor: str, event: str, subject: str, facts: Mapping[str, Any]) -> None:
        """Add an entry to the chain, in this transaction.

        The head stays locked until the transaction ends, so do it last: everybody else's entry waits for it. Raises
        Mistake ``unknown-event`` or ``bad-entry`` (see ``audit.entry.next_entry``).
        """
        self.append_audits([Noted(moment, actor, event, subject, facts)])

    def append_audits(self, noted: Sequence[Noted]) -> None:
        """Add several entries, in order, under one lock on the head and in one statement."""
        must_write()
        if not noted:
            return
        with border():
            last: Head | Entry = _read_head(locked=True)
            entries = []
            for one in noted:
                last = next_entry(last, one.moment, one.actor, one.event, one.subject, one.facts)
                entries.append(last)
            try:
                insert_all(
                    ("audit_entry", [_row(entry) for entry in entries]), then=(_NEW_HEAD, [last.number, last.hash])
                )
            except IntegrityError as error:
                connection.set_rollback(True)
                raise Damaged(
                    "The audit chain goes on after its head: entry {number}.",
                    code="chain-uncounted",
                    number=entries[0].number,
                ) from error

    def audit_entries(self, after: int = 0, limit: int = 1000) -> list[Entry]:
        """Entries with a number above ``after``, in order."""
        with border():
            rows = models.AuditEntry.objects.filter(number__gt=after).order_by("number")[:limit]
            return [_entry(row) for row in rows]

    def audit_of(self, subject: str, limit: int = 1000) -> list[Entry]:
        """The newest entries about one parcel, slip or account, in order."""
        with border():
            rows = models.AuditEntry.objects.filter(subject=subject).order_by("-number")[:limit]
            return [_entry(row) for row in reversed(rows)]

    def audit_head(self) -> Head:
        """The head as the database has it; note it elsewhere, or a cut chain looks whole."""
        with border():
            return _read_head()


def _read_head(locked: bool = False) -> Head:
    # SQLite knows no FOR UPDATE, and needs none: the transaction holds the only write lock from its BEGIN.
    query = _LOCKED_HEAD if locked and connection.features.has_select_for_update else _HEAD
    with connection.cursor() as cursor:
        cursor.execute(query)
        found = cursor.fetchone()
    if found is None:
        raise Damaged("The head of the audit chain is missing.", code="chain-headless")
    return Head(*found)


def _row(entry: Entry) -> Row:
    return {
        "number": entry.number,
        "moment": entry.moment,
        "actor": entry.actor,
        "event": entry.event,
        "subject": entry.subject,
        "facts": spell_facts(entry.facts),
        "previous": entry.previous,
        "hash": entry.hash,
    }


def _entry(row: models.AuditEntry) -> Entry:
    try:
        facts = json.loads(row.facts)
    except ValueError:
        facts = None
    if not isinstance(facts, dict):
        raise Damaged("Entry {number} of the audit chain was altered.", code="chain-altered", number=row.number)
    return Entry(row.number, row.moment, row.actor, row.event, row.subject, facts, row.previous, row.hash)

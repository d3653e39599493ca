"""Announce: the courier's round (inside zone). What lies in the outbox leaves from here, each row at least once.

Every kind of row has its handler. A row is finished after its message is handed over: a crash in between says the same
thing again (the notice carries the same Message-ID), a crash before it changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import uuid4

from zegel.errors import Damaged, Denied, Mistake, NotFound, Unavailable, ZegelError
from zegel.journeys.ports import Clock, CourierKey, OutboxRow, Records
from zegel.parcels.outbox_words import Words, read_words
from zegel.parcels.states import Slip

_LEASE_SECONDS = 300


class RowHandler(Protocol):
    """What is done with rows of one kind."""

    def hand_over(self, row: OutboxRow, slip: Slip, words: Words) -> None:
        """Outside any transaction. Raises Unavailable when trying later may help, another family when it never will."""

    def done(self, row: OutboxRow) -> None:
        """In the transaction that finishes the row."""

    def again(self, row: OutboxRow, now: datetime) -> datetime | None:
        """When to try again after Unavailable; None: give up."""

    def given_up(self, row: OutboxRow, error: ZegelError) -> None:
        """In the transaction that buries the row."""


@dataclass(frozen=True, slots=True)
class Announce:
    """Leases rows, opens them with the courier's key and gives each to the handler of its kind."""

    records: Records
    courier_key: CourierKey
    handlers: Mapping[str, RowHandler]
    clock: Clock

    def round(self, limit: int = 20) -> int:
        """Handle what is due; returns how many rows were handled, well or not."""
        rows = self.records.lease_outbox(self.clock(), uuid4().hex, limit, _LEASE_SECONDS)
        for row in rows:
            self._handle(row, self.handlers[row.kind])
        return len(rows)

    def _handle(self, row: OutboxRow, handler: RowHandler) -> None:
        try:
            slip = self.records.slip(row.slip)
            handler.hand_over(row, slip, read_words(row.kind, row.slip, self.courier_key.open_sealed(row.sealed)))
        except Unavailable as error:
            self._later(row, handler, error)
        except (Mistake, NotFound, Damaged, Denied) as error:
            self._give_up(row, handler, error)
        else:
            with self.records.transaction():
                if self.records.finish_outbox(row.row, row.lease):
                    handler.done(row)

    def _later(self, row: OutboxRow, handler: RowHandler, error: ZegelError) -> None:
        due = handler.again(row, self.clock())
        if due is None:
            self._give_up(row, handler, error)
            return
        with self.records.transaction():
            self.records.retry_outbox(row.row, row.lease, due, error.kind)

    def _give_up(self, row: OutboxRow, handler: RowHandler, error: ZegelError) -> None:
        with self.records.transaction():
            if self.records.bury_outbox(row.row, row.lease, error.kind):
                handler.given_up(row, error)

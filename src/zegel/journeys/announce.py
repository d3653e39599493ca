"""Announce: the courier's round (inside zone). What lies in the outbox leaves from here, each row at least once.

Every kind of row has its handler. A row is finished after its message is handed over: a crash in between says the same
thing again (the notice carries the same Message-ID), a crash before it changes nothing. Rows are taken, handed over
(several at a time) and finished in batches: a hundred thousand notices are a few thousand transactions
(docs/explanation/courier-speed.md). What a crash can repeat is what was handed over and not yet finished: at most a
batch, and what a quarter of a second hands over. A batch ends after seconds, however slow the mail server: what is
urgent (a code, a report) waits for no longer than that.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import uuid4

from zegel.errors import Damaged, Denied, Mistake, NotFound, Unavailable, ZegelError
from zegel.journeys.ports.clock import Clock
from zegel.journeys.ports.keys import CourierKey
from zegel.journeys.ports.records import OutboxRow, Records
from zegel.parcels.outbox_words import Words, read_words
from zegel.parcels.states import Slip

BATCH = 200
_LEASE_SECONDS = 300
_BEGIN_WITHIN = timedelta(seconds=10)
"""What has not been begun by then is given back: urgent rows come first in the next batch."""
_FINISH_EVERY = 0.25
"""Seconds between finishing what was handed over, while others of the batch are still on their way."""


@dataclass(frozen=True, slots=True)
class Errand:
    """One leased row and the slip that it is about."""

    row: OutboxRow
    slip: Slip


class RowHandler(Protocol):
    """What is done with rows of one kind."""

    def hand_over(self, row: OutboxRow, slip: Slip, words: Words) -> None:
        """Outside any transaction, in any thread. Raises Unavailable when trying later may help, another family when
        it never will.
        """

    def done(self, errands: Sequence[Errand]) -> None:
        """In the transaction that finishes these rows, which were handed over."""

    def again(self, row: OutboxRow, now: datetime) -> datetime | None:
        """When to try again after Unavailable; None: give up."""

    def delayed(self, errand: Errand, error: ZegelError) -> None:
        """In the transaction that gives the row back, to be tried again."""

    def given_up(self, errand: Errand, error: ZegelError) -> None:
        """In the transaction that buries the row."""


@dataclass(frozen=True, slots=True)
class _Ended:
    """How a row's handing over ended: not begun, in an error, or well."""

    errand: Errand
    error: ZegelError | None = None
    begun: bool = True


@dataclass(frozen=True, slots=True)
class Announce:
    """Leases rows, opens them with the courier's key and gives each to the handler of its kind.

    ``hands`` is how many messages are handed over at the same time.
    """

    records: Records
    courier_key: CourierKey
    handlers: Mapping[str, RowHandler]
    clock: Clock
    hands: int = 8

    def round(self, limit: int = BATCH, *, only: str = "", but: str = "") -> int:
        """Handle what is due; returns how many rows were handled, well or not.

        A round ends when its slowest message has gone, so whoever has slow ones (``only``) does not mix them with
        others (``but``).
        """
        begun = self.clock()
        rows = self.records.lease_outbox(begun, uuid4().hex, limit, _LEASE_SECONDS, only=only, but=but)
        if not rows:
            return 0
        slips = self.records.slips([row.slip for row in rows])
        errands = [Errand(row, slips[row.slip]) for row in rows if row.slip in slips]
        for row in rows:
            if row.slip not in slips:
                self._bury_orphan(row)
        for ended in self._hand_over_all(errands, begun + _BEGIN_WITHIN):
            self._finish(ended)
        return len(rows)

    def _hand_over_all(self, errands: list[Errand], before: datetime) -> Iterator[list[_Ended]]:
        """Yield what ended, a group at a time."""
        if len(errands) == 1:
            yield [self._hand_over(errands[0], before)]
            return
        with ThreadPoolExecutor(min(self.hands, len(errands))) as pool:
            waiting = {pool.submit(self._in_thread, errand, before) for errand in errands}
            try:
                while waiting:
                    done, waiting = wait(waiting, timeout=_FINISH_EVERY)
                    yield [future.result() for future in done]
            finally:
                pool.shutdown(cancel_futures=True)

    def _in_thread(self, errand: Errand, before: datetime) -> _Ended:
        try:
            return self._hand_over(errand, before)
        finally:
            self.records.release()

    def _hand_over(self, errand: Errand, before: datetime) -> _Ended:
        if self.clock() > before:
            return _Ended(errand, begun=False)
        row = errand.row
        try:
            words = read_words(row.kind, row.slip, self.courier_key.open_sealed(row.sealed))
            self.handlers[row.kind].hand_over(row, errand.slip, words)
        except (Unavailable, Mistake, NotFound, Damaged, Denied) as error:
            return _Ended(errand, error)
        return _Ended(errand)

    def _finish(self, ended: list[_Ended]) -> None:
        done: dict[str, list[Errand]] = {}
        for one in ended:
            if one.begun and one.error is None:
                done.setdefault(one.errand.row.kind, []).append(one.errand)
        for kind, errands in done.items():
            with self.records.transaction():
                held = self.records.finish_outbox([errand.row.row for errand in errands], errands[0].row.lease)
                self.handlers[kind].done([errand for errand in errands if errand.row.row in held])
        self._give_back([one.errand.row for one in ended if not one.begun])
        for one in ended:
            if isinstance(one.error, Unavailable):
                self._later(one.errand, one.error)
            elif one.error is not None:
                self._give_up(one.errand, one.error)

    def _give_back(self, rows: list[OutboxRow]) -> None:
        if rows:
            with self.records.transaction():
                self.records.return_outbox([row.row for row in rows], rows[0].lease)

    def _later(self, errand: Errand, error: ZegelError) -> None:
        row, handler = errand.row, self.handlers[errand.row.kind]
        due = handler.again(row, self.clock())
        if due is None:
            self._give_up(errand, error)
            return
        with self.records.transaction():
            if self.records.retry_outbox(row.row, row.lease, due, error.kind):
                handler.delayed(errand, error)

    def _give_up(self, errand: Errand, error: ZegelError) -> None:
        with self.records.transaction():
            if self.records.bury_outbox(errand.row.row, errand.row.lease, error.kind):
                self.handlers[errand.row.kind].given_up(errand, error)

    def _bury_orphan(self, row: OutboxRow) -> None:
        with self.records.transaction():
            self.records.bury_outbox(row.row, row.lease, "unknown-slip")

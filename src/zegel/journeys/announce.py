"""Announce: the courier's round (inside zone). Notices and SMS codes leave from here, each at least once.

The row is finished after the message is handed over: a crash in between says the same thing again (the notice carries
the same Message-ID), a crash before it changes nothing.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from zegel.audit.events import Event
from zegel.errors import Damaged, Denied, Mistake, NotFound, Unavailable, ZegelError
from zegel.journeys.ports import Clock, CourierKey, Notifier, OutboxRow, Records
from zegel.parcels.claim import Link, read_secret
from zegel.parcels.manifest import Organisation
from zegel.parcels.release import NoticeFacts
from zegel.parcels.states import Slip, check_open

_LEASE_SECONDS = 300

Schedule = Callable[[int, datetime, datetime], datetime | None]
"""(tries so far, first try, now) → when to try again, or None to give up (``outbox.backoff``)."""


@dataclass(frozen=True, slots=True)
class Announce:
    """Leases rows, opens them with the courier's key and tells readers."""

    records: Records
    courier_key: CourierKey
    notifier: Notifier
    schedule: Schedule
    organisation: Organisation
    url: str
    clock: Clock

    def round(self, limit: int = 20) -> int:
        """Handle what is due; returns how many rows were handled, well or not."""
        rows = self.records.lease_outbox(self.clock(), uuid4().hex, limit, _LEASE_SECONDS)
        for row in rows:
            self._handle(row)
        return len(rows)

    def _handle(self, row: OutboxRow) -> None:
        try:
            slip = self.records.slip(row.slip)
            check_open(slip, self.clock())
            self._tell(row, slip)
        except Unavailable as error:
            self._later(row, error)
        except (Mistake, NotFound, Damaged, Denied) as error:
            self._give_up(row, error)
        else:
            self._done(row)

    def _tell(self, row: OutboxRow, slip: Slip) -> None:
        said = self._open(row)
        if row.kind == "sms-code":
            if self._too_late(row):
                raise Mistake("The code had expired before it could be sent.", code="late-code")
            self.notifier.sms_code(slip.proof.telephone, said["code"], slip.language, self.organisation.name)
            return
        facts = NoticeFacts(
            slip=slip.slip,
            to=slip.address,
            language=slip.language,
            sender_name=slip.sender_name,
            sender_address=slip.sender,
            organisation=self.organisation.name,
            created=slip.created,
            expires=slip.expires,
            proof=slip.proof.kind,
            link=str(Link(self.url, slip.slip, read_secret(said["secret"]))),
        )
        self.notifier.notice(facts)

    def _open(self, row: OutboxRow) -> dict[str, str]:
        wanted = {"notice": ("notice v1", "secret"), "sms-code": ("sms code v1", "code")}[row.kind]
        try:
            said = json.loads(self.courier_key.open_sealed(row.sealed))
            # A sealed notice that was moved to another row would send one reader the secret of another.
            if said["zegel"] == wanted[0] and said["slip"] == row.slip and isinstance(said[wanted[1]], str):
                return dict(said)
        except (ValueError, KeyError, TypeError):
            pass
        raise Damaged("The outbox row does not hold what it should.", code="bad-outbox-row")

    def _too_late(self, row: OutboxRow) -> bool:
        kept = self.records.code(row.slip)
        return kept is None or kept[1] <= self.clock()

    def _done(self, row: OutboxRow) -> None:
        with self.records.transaction():
            if self.records.finish_outbox(row.row, row.lease) and row.kind == "notice":
                now = self.clock()
                if self.records.mark(row.slip, "announced", now):
                    self.records.append_audit(now, "courier", Event.READER_ANNOUNCED, row.slip, {})

    def _later(self, row: OutboxRow, error: ZegelError) -> None:
        now = self.clock()
        again = now + timedelta(seconds=30)
        if row.kind == "notice":
            due = self.schedule(row.attempts + 1, row.created, now)
            if due is None:
                return self._give_up(row, error)
            again = due
        with self.records.transaction():
            self.records.retry_outbox(row.row, row.lease, again, error.kind)
        return None

    def _give_up(self, row: OutboxRow, error: ZegelError) -> None:
        with self.records.transaction():
            now = self.clock()
            buried = self.records.bury_outbox(row.row, row.lease, error.kind)
            if buried and row.kind == "notice" and self.records.mark(row.slip, "unreached", now):
                self.records.append_audit(now, "courier", Event.READER_UNREACHED, row.slip, {"reason": error.kind})

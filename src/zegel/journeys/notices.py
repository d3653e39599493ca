"""Handlers of the courier's rows that tell a reader something: the notice with her link, and her code by SMS."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from zegel.audit.entry import Noted
from zegel.audit.events import Event
from zegel.errors import Mistake, ZegelError
from zegel.journeys.announce import Errand
from zegel.journeys.ports.clock import Clock
from zegel.journeys.ports.outbox import Notifier, Schedule
from zegel.journeys.ports.records import OutboxRow, Records
from zegel.journeys.reports import Reports, reason_of
from zegel.parcels.claim import Link, read_secret
from zegel.parcels.manifest import Organisation
from zegel.parcels.outbox_words import NoticeWords, SmsCodeWords, Words, check_meant
from zegel.parcels.release import NoticeFacts
from zegel.parcels.states import Slip, check_open

_CODE_AGAIN = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class TellReader:
    """``notice`` rows: announced when the mail server has the notice, unreached when it never will."""

    records: Records
    notifier: Notifier
    schedule: Schedule
    reports: Reports
    organisation: Organisation
    url: str
    clock: Clock

    def hand_over(self, row: OutboxRow, slip: Slip, words: Words) -> None:
        assert isinstance(words, NoticeWords)  # noqa: S101
        check_meant(words, slip.address, slip.way)
        check_open(slip, self.clock())
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
            link=str(Link(self.url, slip.slip, read_secret(words.secret))),
        )
        self.notifier.notice(facts)

    def done(self, errands: Sequence[Errand]) -> None:
        now = self.clock()
        first = self.records.mark_all([errand.row.slip for errand in errands], "announced", now)
        for errand in errands:
            if errand.slip.slip in first and errand.slip.notify.success:
                self.reports.add(errand.slip, "relayed")
        self.records.append_audits(
            [
                Noted(now, "courier", Event.READER_ANNOUNCED, errand.slip.slip, {})
                for errand in errands
                if errand.slip.slip in first
            ]
        )

    def again(self, row: OutboxRow, now: datetime) -> datetime | None:
        return self.schedule(row.attempts + 1, row.created, now)

    def delayed(self, errand: Errand, error: ZegelError) -> None:
        self.reports.delayed_row(errand, error)

    def given_up(self, errand: Errand, error: ZegelError) -> None:
        if error.kind == "revoked":
            # The sender withdrew it himself.
            return
        self.reports.unreached(errand.slip, reason_of(error), {"reason": error.kind})


@dataclass(frozen=True, slots=True)
class TellCode:
    """``sms-code`` rows: soon or not at all; the reader asks for another code herself."""

    records: Records
    notifier: Notifier
    organisation: Organisation
    clock: Clock

    def hand_over(self, row: OutboxRow, slip: Slip, words: Words) -> None:
        assert isinstance(words, SmsCodeWords)  # noqa: S101
        check_open(slip, self.clock())
        kept = self.records.code(row.slip)
        if kept is None or kept[1] <= self.clock():
            raise Mistake("The code had expired before it could be sent.", code="late-code")
        # A hash: the supplier has no business with slips.
        message = sha256(f"{row.row} {row.slip}".encode()).hexdigest()[:32]
        self.notifier.sms_code(slip.proof.telephone, words.code, slip.language, self.organisation.name, message)

    def done(self, errands: Sequence[Errand]) -> None:
        """Nothing is kept of it."""

    def again(self, row: OutboxRow, now: datetime) -> datetime | None:
        return now + _CODE_AGAIN

    def delayed(self, errand: Errand, error: ZegelError) -> None:
        """Nothing is kept of it."""

    def given_up(self, errand: Errand, error: ZegelError) -> None:
        """Nothing is kept of it."""

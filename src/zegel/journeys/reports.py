"""Reports: what the sender is told of one reader, as rows of the outbox in the transaction in which it happened.

Who asked nothing hears of failure only; who asked (RFC 3461 NOTIFY) hears what he asked for, and with NEVER nothing. A
missing proof is always told: without the sender nothing goes on. A report goes out with an empty envelope sender, and
what becomes of it makes no other report.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from zegel import seal
from zegel.audit.events import Event
from zegel.errors import Mistake, ZegelError
from zegel.journeys.announce import Errand
from zegel.journeys.fill_in import MISSING, FillIn
from zegel.journeys.ports.clock import Clock
from zegel.journeys.ports.outbox import Notifier, Schedule
from zegel.journeys.ports.records import OutboxRow, Records
from zegel.parcels.manifest import Organisation
from zegel.parcels.outbox_words import ReportWords, Words, spell_words
from zegel.parcels.states import Slip
from zegel.post.report import ACTIONS, ReportFacts, decode_xtext
from zegel.post.request import RequestFacts

DELAY = timedelta(hours=4)
"""After so long of trying in vain a sender who asked is told of the delay (RFC 5321 §4.5.4.1 has servers do so)."""
LIFETIME = timedelta(days=3)
"""How long is tried (``outbox.backoff``)."""
_STATUS = re.compile(r"(?:\d{3} )?([245]\.\d{1,3}\.\d{1,3})\Z")
_REPLY = re.compile(r"[245]\d\d(?: |\Z)")


@dataclass(frozen=True, slots=True)
class Reports:
    """Adds rows. ``courier`` is the recipient to which their sealed part is sealed."""

    records: Records
    courier: str
    clock: Clock

    def add(self, slip: Slip, what: str, reason: str = "", until: str = "") -> None:
        """Tell the sender of ``slip``, if he wants to hear it; in a transaction, before its audit entries.

        ``what``: ``unreached``, ``delayed``, ``relayed``, ``delivered``, ``autoreplied`` or ``proof-missing``;
        ``reason``: codes of a mail server (``550 5.1.1``) or the kind of one of our errors.
        """
        if not _wanted(slip, what):
            return
        words = ReportWords(slip.slip, what, reason, until)
        sealed = seal.seal(spell_words(words), seal.parse_recipient(self.courier))
        self.records.add_outbox("report", slip.slip, sealed, self.clock())

    def unreached(self, slip: Slip, reason: str, facts: dict[str, str]) -> None:
        """Mark the reader, tell the sender, note it in the audit chain: all once."""
        now = self.clock()
        if self.records.mark(slip.slip, "unreached", now):
            self.add(slip, "unreached", reason)
            self.records.append_audit(now, "courier", Event.READER_UNREACHED, slip.slip, facts)

    def delayed(self, slip: Slip, reason: str, until: str = "") -> None:
        """Tell the sender who asked, and note it in the audit chain: once per reader."""
        if any(entry.event == Event.READER_DELAYED for entry in self.records.audit_of(slip.slip)):
            return
        self.add(slip, "delayed", reason, until)
        status = status_of(reason)
        facts = {"status": status} if status else {}
        self.records.append_audit(self.clock(), "courier", Event.READER_DELAYED, slip.slip, facts)

    def delayed_row(self, errand: Errand, error: ZegelError, lifetime: timedelta = LIFETIME) -> None:
        """The same for a row that is given back, once it has been tried for long; ``lifetime``: of its trying."""
        if self.clock() - errand.row.created >= DELAY:
            self.delayed(errand.slip, reason_of(error), (errand.row.created + lifetime).isoformat())


def _wanted(slip: Slip, what: str) -> bool:
    notify = slip.notify
    match what:
        case "unreached" | "autoreplied":
            return notify.failure
        case "delayed":
            return notify.delay
        case "relayed" | "delivered":
            return notify.success
        case _:
            return True


def reason_of(error: ZegelError) -> str:
    """The reply codes that an error holds, else its kind."""
    return str(error.facts.get("reply") or error.kind)


def status_of(reason: str) -> str:
    """The enhanced status in a reason, or empty."""
    found = _STATUS.match(reason)
    return found[1] if found else ""


@dataclass(frozen=True, slots=True)
class TellSender:
    """``report`` rows."""

    records: Records
    notifier: Notifier
    schedule: Schedule
    organisation: Organisation
    fill_in: FillIn
    clock: Clock

    def hand_over(self, row: OutboxRow, slip: Slip, words: Words) -> None:
        assert isinstance(words, ReportWords)  # noqa: S101
        if words.what == MISSING:
            self._request(row, slip)
            return
        if words.what not in ACTIONS:
            raise Mistake("A report says nothing that is known here.", code="unknown-report")
        facts = ReportFacts(
            message=self._message(row),
            action=ACTIONS[words.what],
            to=slip.return_to or slip.sender,
            reader=slip.address,
            language=slip.language,
            organisation=self.organisation.name,
            reporter=self.organisation.host.partition(":")[0],
            sent=slip.created,
            status=status_of(words.reason),
            reply=words.reason if _REPLY.match(words.reason) else "",
            until=datetime.fromisoformat(words.until) if words.until else None,
            way=slip.way,
            envelope_id=decode_xtext(slip.notify.envid),
            original_recipient=decode_xtext(slip.notify.orcpt),
        )
        self.notifier.report(facts)

    def _request(self, row: OutboxRow, slip: Slip) -> None:
        """Asked about all readers of the parcel who wait now; when he was quicker than the courier, not at all."""
        waiting = self.fill_in.waiting(slip.parcel)
        if not waiting:
            return
        facts = RequestFacts(
            message=self._message(row),
            to=slip.sender,
            readers=tuple(reader.address for reader in waiting),
            language=slip.language,
            organisation=self.organisation.name,
            sent=slip.created,
            expires=slip.expires,
            site=f"{self.fill_in.url}/",
            link=self.fill_in.link(slip),
        )
        self.notifier.request(facts)

    def done(self, errands: Sequence[Errand]) -> None:
        """Nothing is kept of it."""

    def again(self, row: OutboxRow, now: datetime) -> datetime | None:
        return self.schedule(row.attempts + 1, row.created, now)

    def delayed(self, errand: Errand, error: ZegelError) -> None:
        """Nobody is told of a report."""

    def given_up(self, errand: Errand, error: ZegelError) -> None:
        """Nobody is told of a report."""

    def _message(self, row: OutboxRow) -> str:
        return f"report.{row.row}.{row.slip}"

"""What leaves for readers and senders, and the mail itself (``outbox``)."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from zegel.parcels.notify import SILENT, Notify
from zegel.parcels.release import NoticeFacts
from zegel.post.report import ReportFacts
from zegel.post.request import RequestFacts
from zegel.transport.delivery import Delivered, Probed, RawMail
from zegel.transport.way import Choice

Schedule = Callable[[int, datetime, datetime], datetime | None]
"""(tries so far, first try, now) → when to try again, or None to give up (``outbox.backoff``)."""


class Notifier(Protocol):
    """Tells a reader something over one channel (``outbox``).

    Raises Unavailable when trying later may help, Mistake when it never will.
    """

    def notice(self, message: NoticeFacts) -> None: ...

    def sms_code(self, telephone: str, code: str, language: str, organisation: str, message: str) -> None:
        """``message`` names this SMS to the supplier: the same for every try, and nothing that leads to a reader."""

    def report(self, facts: ReportFacts) -> None:
        """Tell a sender what became of one reader."""

    def request(self, facts: RequestFacts) -> None:
        """Ask a sender for what is missing."""


class Carrier(Protocol):
    """Hands one mail to the server that it is for; raises as :meth:`DirectPost.deliver` does."""

    def deliver(self, mail: RawMail, sender: str, to: str, notify: Notify = SILENT) -> Delivered: ...


class MailboxServer(Carrier, Protocol):
    """The server that has mailboxes of this organisation."""

    def ask(self, to: str) -> None:
        """Whether it would take mail for an address, without sending any; raises as :meth:`deliver`."""


class DirectPost(Protocol):
    """Carries one mail to a domain that proves itself (``outbox.direct``). Threads may share it."""

    def deliver(self, choice: Choice, mail: RawMail, sender: str, to: str, notify: Notify = SILENT) -> Delivered:
        """Hand it to the first of the choice's servers that proves itself and takes it.

        Raises Mistake ``mail-refused`` (5xx), ``mail-too-big``, ``mail-needs-8bit``, ``mail-needs-utf8``, ``no-proof``;
        Unavailable ``direct-away``, ``tls-failed``, ``proof-failed`` (an alarm: a certificate is not what the domain
        promised), ``mail-uncertain`` (no answer after the end: it may have been delivered).
        """

    def probe(self, choice: Choice) -> tuple[Probed, ...]:
        """Let every server prove itself, and hang up; sends nothing."""

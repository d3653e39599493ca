"""Judge: what becomes of a mail, decided from its top headers before anything of it is sealed.

The SMTP door does what this says; ``zegel policy explain`` shows it. Both ask here, so that they never differ.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from zegel.errors import Denied, Mistake
from zegel.journeys.ports.clock import Clock
from zegel.journeys.wishes import Defaults, Wishes, read_wishes
from zegel.mime.headers import Headers
from zegel.parcels.ways import Found
from zegel.policy.conditions import LargerThan, SmallerThan
from zegel.policy.facts import Listener, read_facts
from zegel.policy.judge import judge_all
from zegel.policy.ruleset import Policy
from zegel.policy.verdict import Verdict

_SHOWN = 3


class FindWays(Protocol):
    """What is known of addresses (``journeys.ways.Ways``)."""

    @property
    def plain(self) -> bool:
        """Whether mail that may pass unsealed can leave from here."""

    def find(self, addresses: Iterable[str]) -> dict[str, Found]: ...

    def prepare(self, address: str) -> None:
        """Begin to ask about an address; returns at once."""


@dataclass(frozen=True, slots=True)
class Came:
    """How a mail came in: by which listener, from whom (envelope), and the size that was declared, if any."""

    listener: Listener
    sender: str
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Judge:
    """An organisation's rules, and what counts where a sender says nothing."""

    policy: Policy
    defaults: Defaults
    clock: Clock
    ways: FindWays | None = None
    """None: every reader gets a link."""

    def weigh(self, headers: Headers, came: Came, recipients: Sequence[str]) -> tuple[Verdict, ...]:
        """One verdict per recipient, in their order."""
        facts = read_facts(headers, came.listener, came.sender, came.size, self.policy.asked)
        return judge_all(self.policy, facts, recipients)

    def wishes(self, headers: Headers, verdicts: Sequence[Verdict]) -> Wishes:
        """Who gets it, and which way. Asks about the domains of those who get it sealed.

        Raises Denied for a verdict that refuses, Mistake for a header that cannot be meant, or ``no-way``.
        """
        check_refused(verdicts)
        if self.ways is None:
            return read_wishes(headers, verdicts, self.defaults, self.clock())
        found = self.ways.find([verdict.recipient for verdict in verdicts if verdict.decision == "seal"])
        return read_wishes(headers, verdicts, self.defaults, self.clock(), found, plain=self.ways.plain)

    def check_size(self, headers: Headers, came: Came, verdicts: Sequence[Verdict], size: int) -> None:
        """The mail is complete: a size that was declared falsely must not have earned it a milder verdict.

        Where no size was declared the strictest was taken already. Raises Denied as :func:`check_refused`, and Mistake
        ``false-size`` where the true size gives another verdict.
        """
        asked = any(isinstance(when, LargerThan | SmallerThan) for rule in self.policy.rules for when in rule.when)
        if came.size is None or came.size == size or not asked:
            return
        true = self.weigh(headers, replace(came, size=size), [verdict.recipient for verdict in verdicts])
        check_refused(true)
        if [replace(verdict, reasons=()) for verdict in true] != [replace(verdict, reasons=()) for verdict in verdicts]:
            raise Mistake(
                "This mail has another size than its program declared, and other rules count for it then. "
                "Send it again.",
                code="false-size",
            )


def check_refused(verdicts: Sequence[Verdict]) -> None:
    """After DATA a mail has one answer for all its recipients: one who is refused refuses it for all, and says so.

    Raises Denied ``state-secret``, ``refused-by-policy``.
    """
    refused = [verdict for verdict in verdicts if verdict.decision == "refuse"]
    if not refused:
        return
    first = refused[0]
    if first.rule == "state-secret":
        raise Denied(
            "This mail is marked as a state secret. It must not be sent by mail, sealed or not.", code="state-secret"
        )
    same = [verdict.recipient for verdict in refused if verdict.rule == first.rule]
    raise Denied(
        "This organisation does not let this mail go to {addresses}: {sentence} Nobody has received it.",
        code="refused-by-policy",
        addresses=", ".join(same[:_SHOWN]) + (" …" if len(same) > _SHOWN else ""),
        sentence=first.sentence if first.sentence[-1:] in ".!?" else f"{first.sentence}.",
    )

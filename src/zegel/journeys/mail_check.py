"""What a mail domain offers, which way a mail to it would go, and why: looked up anew, nothing is sent."""

from dataclasses import dataclass

from zegel.journeys.ports import Clock, DirectPost, Domains
from zegel.transport.delivery import Probed
from zegel.transport.offer import Offer
from zegel.transport.way import Choice, choose_way


@dataclass(frozen=True, slots=True)
class Checked:
    """``believed`` and ``validates`` are about our own resolver: without both nothing is ever signed.

    ``enabled`` says whether this Zegel delivers directly at all; ``probed`` is empty unless servers were looked at.
    """

    offer: Offer
    choice: Choice
    believed: bool
    validates: bool
    enabled: bool
    probed: tuple[Probed, ...]
    mailbox: bool = False
    """Whether the domain's mailboxes are this organisation's: mail for them goes nowhere else."""


@dataclass(frozen=True, slots=True)
class MailCheck:
    """Asks DNS and policy servers; with ``connect`` also lets every server prove itself."""

    domains: Domains
    post: DirectPost
    clock: Clock
    enabled: bool
    own: frozenset[str] = frozenset()

    def check(self, domain: str, *, connect: bool = False) -> Checked:
        """Raises Mistake ``bad-domain``; what fails outside is in the answer."""
        offer = self.domains.offer(domain, fresh=True)
        choice = choose_way(offer, self.clock().date())
        probed = self.post.probe(choice) if connect else ()
        return Checked(
            offer,
            choice,
            self.domains.believed,
            self.domains.validates(),
            self.enabled,
            probed,
            offer.domain in self.own,
        )

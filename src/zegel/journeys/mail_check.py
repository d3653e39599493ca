"""What a mail domain offers, which way a mail to it would go, and why: looked up anew, nothing is sent."""

from dataclasses import dataclass

from zegel.errors import ZegelError
from zegel.journeys.ports.clock import Clock
from zegel.journeys.ports.domains import Domains, Zegels
from zegel.journeys.ports.outbox import DirectPost
from zegel.parcels.arrivals import Place
from zegel.transport.delivery import Probed
from zegel.transport.offer import Offer
from zegel.transport.way import Choice, choose_way
from zegel.transport.zegel import Promise


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
    zegel: "CheckedZegel | None" = None
    """None where other organisations' Zegels are not asked for."""


@dataclass(frozen=True, slots=True)
class CheckedZegel:
    """What DNS promises of the domain's own Zegel; ``place`` when it kept that, else ``trouble``, an error's code."""

    promise: Promise
    place: Place | None = None
    trouble: str = ""

    @property
    def takes(self) -> bool:
        """Whether mail for the domain goes there, sealed."""
        return self.place is not None and self.place.peer.takes(self.promise.domain) is not None


@dataclass(frozen=True, slots=True)
class MailCheck:
    """Asks DNS and policy servers; with ``connect`` also lets every server prove itself."""

    domains: Domains
    post: DirectPost
    clock: Clock
    enabled: bool
    own: frozenset[str] = frozenset()
    zegels: Zegels | None = None

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
            self._zegel(offer.domain),
        )

    def _zegel(self, domain: str) -> CheckedZegel | None:
        if self.zegels is None:
            return None
        promise = self.zegels.promise(domain, fresh=True)
        if promise.state != "found":
            return CheckedZegel(promise)
        try:
            return CheckedZegel(promise, self.zegels.place(domain, fresh=True))
        except ZegelError as error:
            return CheckedZegel(promise, trouble=error.kind)

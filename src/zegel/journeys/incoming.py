"""Incoming: mail from strangers for mailboxes of this organisation. It is sealed like any other, and delivered inside.

A stranger is nobody's account: what is told of his mail goes to the return address that he gave, and nowhere else.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from zegel.errors import Denied, Mistake
from zegel.journeys.authors import WithoutAccount
from zegel.journeys.ports.people import Actor
from zegel.journeys.ways import MailboxCarrier, domain_of


@dataclass(frozen=True, slots=True)
class Incoming:
    """``domains`` are the organisation's own, which no stranger may claim; ``host`` is our own name."""

    carrier: MailboxCarrier
    domains: frozenset[str]
    host: str
    portal: frozenset[str] = frozenset()
    """Domains of own mailboxes that are read in the portal."""
    is_used: Callable[[str], bool] = lambda _: True
    """Whether somebody here may read such a mailbox."""

    def is_mailbox(self, address: str) -> bool:
        """Whether an address is in a domain of our mailboxes; costs no look-up."""
        return domain_of(address) in self.carrier.routes or domain_of(address) in self.portal

    def check(self, address: str) -> None:
        """Ask the mailbox server whether it would take mail for this address.

        An unknown one is refused at once: a report afterwards would go to whoever a forger named. Raises Denied
        ``unknown-mailbox``; Unavailable: the stranger should try again.
        """
        if domain_of(address) in self.portal:
            if not self.is_used(address):
                raise Denied("There is no mailbox {address} here.", code="unknown-mailbox", address=address)
            return
        try:
            self.carrier.ask(address)
        except Mistake as error:
            raise Denied("There is no mailbox {address} here.", code="unknown-mailbox", address=address) from error

    def author(self, returned: str, senders: Sequence[tuple[str, str]]) -> Actor:
        """Who sends, by the return address (empty for ``<>``) and the (name, address) of its From header.

        The actor's address is where reports go. Nobody vouches for it.

        Raises Denied ``foreign-sender``: a mail from outside in the name of somebody inside.
        """
        if any(domain_of(address) in self.domains for _, address in senders):
            raise Denied("This mail comes from outside and names a sender of this organisation.", code="foreign-sender")
        name = senders[0][0] if senders else ""
        return WithoutAccount.of("stranger", returned or f"mailer-daemon@{self.host}", name)

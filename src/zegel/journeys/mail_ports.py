"""What the delivery of mails needs from hands (see ``ports``)."""

from typing import Protocol

from zegel.parcels.travelling import Taken, Travelling
from zegel.transport.offer import Offer


class MailDomains(Protocol):
    """What receiving mail domains offer (``domains``)."""

    def offer(self, domain: str, *, fresh: bool = False) -> Offer:
        """Raises Mistake ``bad-domain``; whatever fails outside is told by the offer."""


class Carrier(Protocol):
    """Hands one mail to the server that it is for."""

    def carry(self, mail: Travelling) -> Taken:
        """Returns when the server has said that it has the mail.

        Raises Mistake: ``no-proof``, ``mail-refused``, ``mail-too-big``, ``mail-needs-8bit``, ``mail-needs-utf8``,
        ``bad-address``. Raises Unavailable: ``direct-away``, ``tls-failed``, ``proof-failed`` (an alarm),
        ``mail-uncertain`` (it may have been delivered).
        """

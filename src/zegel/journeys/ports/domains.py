"""What others publish about their mail domains (``domains``)."""

from typing import Protocol

from zegel.parcels.arrivals import Place
from zegel.transport.offer import Offer
from zegel.transport.zegel import Promise


class Domains(Protocol):
    """What mail domains offer (``domains``); remembers for a while. Threads may share it."""

    @property
    def believed(self) -> bool:
        """Whether our resolver's word on signatures counts."""

    def validates(self) -> bool:
        """Whether our resolver checks signatures at all; asks it."""

    def offer(self, domain: str, *, fresh: bool = False) -> Offer:
        """Takes seconds at most; what fails outside is in the offer. Raises Mistake ``bad-domain``."""


class Zegels(Protocol):
    """Which domains' organisations run a Zegel (``domains``); remembers for a while. Threads may share it."""

    def promise(self, domain: str, *, fresh: bool = False) -> Promise:
        """What DNS promises; what fails outside is in the answer. Raises Mistake ``bad-domain``."""

    def place(self, domain: str, *, fresh: bool = False) -> Place:
        """Who it is and where, with the keys that DNS pins.

        Raises NotFound ``no-zegel``, Unavailable ``peer-away``, ``proof-failed`` (an alarm), Mistake ``bad-domain``.
        """

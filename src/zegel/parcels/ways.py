"""How a parcel travels to one reader (Dutch: *route*).

``link``     a notice with a link; she proves who she is and reads in the browser. The default, and what every other way
             falls back to: never to something weaker
``direct``   the mail itself, over TLS to a mail domain that proves itself (DANE, else MTA-STS)
``mailbox``  a mailbox of this organisation
``zegel``    the Zegel of another organisation; the parcel stays sealed
``plain``    policy says that this mail passes unsealed. Never chosen by default
"""

from typing import Literal

Way = Literal["link", "direct", "mailbox", "zegel", "plain"]

WAYS: tuple[Way, ...] = ("link", "direct", "mailbox", "zegel", "plain")
CARRIES_MAIL: frozenset[Way] = frozenset({"direct", "mailbox", "plain"})
"""Ways on which the mail itself travels: the parcel then holds it, sealed, as its last blob."""

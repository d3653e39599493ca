"""How a parcel travels to one reader (Dutch: *route*).

``link``     a notice with a link; she proves who she is and reads in the browser. The default, and what every other way
             falls back to: never to something weaker
``direct``   the mail itself, over TLS to a mail domain that proves itself (DANE, else MTA-STS)
``mailbox``  a mailbox of this organisation: the mail itself, at its mail server
``portal``   a mailbox of this organisation that is read in the portal of the inside zone; the parcel stays sealed
``zegel``    the Zegel of another organisation; the parcel stays sealed
``plain``    policy says that this mail passes unsealed. Never chosen by default
"""

from collections.abc import Collection
from typing import Literal

from zegel.errors import Mistake

Way = Literal["link", "direct", "mailbox", "portal", "zegel", "plain"]

WAYS: tuple[Way, ...] = ("link", "direct", "mailbox", "portal", "zegel", "plain")
CARRIES_MAIL: frozenset[Way] = frozenset({"direct", "mailbox", "zegel", "plain"})
"""Ways on which the mail itself travels: the parcel then holds it, sealed, as its last blob."""

Found = Literal["mailbox", "portal", "nobody", "zegel", "direct", "unsure", "link"]
"""What is known of an address: an own mailbox at a server or in the portal, one in the portal that no account may read,
a domain whose organisation runs a Zegel, one that proves itself, one that could not be asked, or none of these."""


def pick_way(address: str, found: Found, *, has_proof: bool, allowed: Collection[str] | None = None) -> Way:
    """The way to one reader; ``allowed`` is what policy lets her have (None: any but ``plain``).

    A domain that could not be asked gets a link when a proof is known; else the courier asks it again, which bothers
    nobody. A rule that allows ``mailbox`` means own mailboxes wherever they are read. Raises Mistake ``no-way`` when
    policy allows no way that there is, ``no-mailbox`` when nobody could read it.
    """
    if found == "nobody":
        raise Mistake("There is no mailbox {address} here.", code="no-mailbox", address=address)
    may = {"link", "direct", "mailbox", "zegel"} if allowed is None else set(allowed)
    if found == "mailbox" and "mailbox" in may:
        return "mailbox"
    if found == "portal" and "mailbox" in may:
        return "portal"
    if found == "zegel" and "zegel" in may:
        return "zegel"
    if found == "zegel":
        # Whether it would take the mail directly, too, was not asked: the courier will.
        found = "unsure"
    if "direct" in may and (found == "direct" or (found == "unsure" and not (has_proof and "link" in may))):
        return "direct"
    if "link" in may:
        return "link"
    raise Mistake(
        "The mail server of {address} does not prove itself, and no other way is allowed for this mail.",
        code="no-way",
        address=address,
    )

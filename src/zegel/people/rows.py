"""Rows of accounts as the others in this room use them."""

import hashlib
from dataclasses import dataclass, field

from zegel.errors import Mistake, NotFound, ZegelError
from zegel.parcels.addresses import checked_address
from zegel.people import models
from zegel.people.border import border


@dataclass(frozen=True, slots=True)
class SqlActor:
    """An account that has shown who it is (``journeys.ports.people.Actor``).

    ``stamp`` changes when the password does: a web session keeps it and ends when it is not the account's any more.
    """

    account: str
    address: str
    name: str
    active: bool
    stamp: str = field(repr=False)
    officer: bool = False
    token: int = field(default=0, compare=False)
    """The token that showed it, if one did; see :meth:`~zegel.people.accounts.SqlPeople.is_current`."""


def found(address: str) -> models.Account:
    """The row of the account with this address; raises NotFound ``unknown-account``."""
    with border():
        row = models.Account.objects.filter(address=plain_address(address)).first()
    if row is None:
        raise unknown()
    return row


def plain_address(address: str) -> str:
    """The address as it is kept; raises NotFound for what is none."""
    try:
        return checked_address(address)
    except Mistake:
        raise unknown() from None


def unknown() -> ZegelError:
    """The one answer."""
    return NotFound("There is no account with this address.", code="unknown-account")


def one_line(text: str, longest: int) -> str:
    """A name as it is kept; raises Mistake ``bad-name``."""
    line = " ".join(text.split())
    if len(line) > longest or not line.isprintable():
        raise Mistake("A name is one line of at most {most} characters.", code="bad-name", most=longest)
    return line


def to_actor(row: models.Account) -> SqlActor:
    """The account as others see it."""
    # Not the hash itself: the stamp lies in session rows, and says nothing to whoever reads those.
    stamp = hashlib.sha256(b"zegel session stamp v1\0" + row.account.encode() + b"\0" + row.password.encode())
    return SqlActor(row.account, row.address, row.name, row.active, stamp.hexdigest()[:32], row.officer)

"""Who may send as whom: rights to From."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from zegel.errors import NotFound
from zegel.parcels.addresses import LONGEST_NAME, checked_address
from zegel.people import models
from zegel.people.border import border, must_write
from zegel.people.rows import SqlActor, found, one_line, to_actor


class Rights:
    """The part of :class:`~zegel.people.accounts.SqlPeople` that knows them."""

    _clock: Callable[[], datetime]

    def allow(self, address: str, other: str, name: str) -> None:
        """Let the account send as ``other``; again changes the name. In a transaction. Raises NotFound, Mistake."""
        must_write()
        account = found(address)
        with border():
            models.SenderRight.objects.update_or_create(
                account=account,
                address=checked_address(other),
                defaults={"name": one_line(name, LONGEST_NAME), "created": self._clock()},
            )

    def disallow(self, address: str, other: str) -> None:
        """Take the right back. In a transaction. Raises NotFound ``unknown-right``, ``unknown-account``."""
        must_write()
        account = found(address)
        with border():
            gone, _ = models.SenderRight.objects.filter(account=account, address=checked_address(other)).delete()
        if not gone:
            raise NotFound("The account {address} has no right to that sender.", code="unknown-right", address=address)

    def rights(self, address: str) -> list[tuple[str, str]]:
        """The (address, name) that an account may send as besides its own, in order."""
        account = found(address)
        with border():
            rows = models.SenderRight.objects.filter(account=account).order_by("address")
            return [(row.address, row.name) for row in rows]

    def is_used(self, address: str) -> bool:
        """Whether an open account has this address or may send as it, whatever the case."""
        with border():
            own = models.Account.objects.filter(address__iexact=address, active=True)
            also = models.SenderRight.objects.filter(address__iexact=address, account__active=True)
            return own.exists() or also.exists()

    def standing_for(self, account: str, address: str) -> SqlActor | None:
        """The account as it appears when it sends as ``address``, whatever the case; None when it may not."""
        with border():
            rows = models.SenderRight.objects.select_related("account")
            row = rows.filter(account=account, address__iexact=address, account__active=True).first()
        if row is None:
            return None
        actor = to_actor(row.account)
        return replace(actor, address=row.address, name=row.name or actor.name)

"""Authors: who may send as whom, and whom a mail comes from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

from zegel.audit.events import Event
from zegel.errors import Denied, Mistake, NotFound
from zegel.journeys.ports.clock import Clock
from zegel.journeys.ports.people import Actor, People
from zegel.journeys.ports.records import Records
from zegel.parcels.addresses import checked_address, shown_name


@dataclass(frozen=True, slots=True)
class WithoutAccount:
    """Who sends and has no account. ``account`` is what audit entries say instead: ``relay`` for somebody of the
    organisation, whom one of its own mail servers vouches for; ``stranger`` for whoever sends to us from outside.
    """

    address: str
    name: str
    account: Literal["relay", "stranger"]
    active: bool = True
    officer: bool = False

    @classmethod
    def of(cls, account: Literal["relay", "stranger"], address: str, name: str) -> Self:
        """``name`` is as a header says it."""
        return cls(address, shown_name(name), account)


@dataclass(frozen=True, slots=True)
class Authors:
    """``domains`` are the organisation's own mail domains, in lower case."""

    records: Records
    people: People
    domains: frozenset[str]
    clock: Clock

    def author(self, actor: Actor | None, senders: Sequence[tuple[str, str]]) -> Actor:
        """Whom a mail with these (name, address) in its From comes from.

        ``actor`` is the account that logged in: it sends as itself, and as whom it was allowed to. With None, a server
        of the organisation relays: the address names an account, or belongs to one of the own domains. Raises Denied
        ``foreign-sender`` or ``closed-account``.
        """
        addresses = {address.lower() for _, address in senders}
        if actor is not None and addresses <= {actor.address.lower()}:
            return actor
        if len(addresses) != 1:
            raise Denied("The From header must name one sender.", code="foreign-sender")
        name, address = senders[0]
        return self._allowed(actor, address) if actor is not None else self._relayed(name, address)

    def is_current(self, actor: Actor) -> bool:
        """Whether what this actor showed when it logged in would still let it in."""
        return self.people.is_current(actor)

    def allow(self, address: str, other: str, name: str) -> None:
        """Let an account send as another address too, under this name; again changes the name. Raises NotFound."""
        with self.records.transaction():
            actor = self.people.find(checked_address(address))
            self.people.allow(actor.address, checked_address(other), name)
            self.records.append_audit(self.clock(), "operator", Event.SENDER_ALLOWED, actor.account, {})

    def disallow(self, address: str, other: str) -> None:
        """Take that back; raises NotFound."""
        with self.records.transaction():
            actor = self.people.find(checked_address(address))
            self.people.disallow(actor.address, checked_address(other))
            self.records.append_audit(self.clock(), "operator", Event.SENDER_DISALLOWED, actor.account, {})

    def _allowed(self, actor: Actor, address: str) -> Actor:
        found = self.people.standing_for(actor.account, address)
        if found is None:
            raise Denied(
                "The sender must be {address}, the account that logged in.",
                code="foreign-sender",
                address=actor.address,
            )
        return found

    def _relayed(self, name: str, address: str) -> Actor:
        try:
            address = checked_address(address)
        except Mistake as error:
            raise Denied("The From header must name one sender.", code="foreign-sender") from error
        try:
            actor = self.people.find(address)
        except NotFound:
            if address.rpartition("@")[2] not in self.domains:
                raise Denied(
                    "The From header names {address}, which is no address of this organisation.",
                    code="foreign-sender",
                    address=address,
                ) from None
            return WithoutAccount.of("relay", address, name)
        if not actor.active:
            raise Denied("The account {address} is closed.", code="closed-account", address=address)
        return actor

"""Welcome: accounts and their tokens. The entry in the audit log is in the same transaction as the account."""

from dataclasses import dataclass

from zegel.audit.events import Event
from zegel.journeys.ports.clock import Clock
from zegel.journeys.ports.people import Actor, People
from zegel.journeys.ports.records import Records
from zegel.parcels.addresses import checked_address


@dataclass(frozen=True, slots=True)
class Welcome:
    """What an administrator does for senders."""

    records: Records
    people: People
    clock: Clock

    def add(self, address: str, name: str, password: str | None = None) -> Actor:
        """Make an account; raises Mistake (bad address, exists already)."""
        with self.records.transaction():
            actor = self.people.add(checked_address(address), name, password)
            self.records.append_audit(self.clock(), "operator", Event.ACCOUNT_ADDED, actor.account, {})
        return actor

    def officer(self, address: str, officer: bool) -> Actor:
        """Let an account see the patchwork and act on it, or not any more; raises NotFound ``unknown-account``."""
        event = Event.OFFICER_NAMED if officer else Event.OFFICER_DISMISSED
        with self.records.transaction():
            self.people.set_officer(checked_address(address), officer)
            actor = self.people.find(checked_address(address))
            self.records.append_audit(self.clock(), "operator", event, actor.account, {})
        return actor

    def close(self, address: str) -> None:
        """Let no password, token or session open an account any more; raises NotFound ``unknown-account``."""
        with self.records.transaction():
            actor = self.people.find(checked_address(address))
            if actor.active:
                self.people.deactivate(actor.address)
                self.records.append_audit(self.clock(), "operator", Event.ACCOUNT_CLOSED, actor.account, {})

    def reopen(self, address: str) -> None:
        """Let the credentials that a closed account had open it again; raises NotFound ``unknown-account``."""
        with self.records.transaction():
            actor = self.people.find(checked_address(address))
            if not actor.active:
                self.people.activate(actor.address)
                self.records.append_audit(self.clock(), "operator", Event.ACCOUNT_REOPENED, actor.account, {})

    def set_password(self, address: str, password: str) -> None:
        """Replace a password; raises NotFound, Mistake ``bad-password``."""
        with self.records.transaction():
            actor = self.people.find(checked_address(address))
            self.people.set_password(actor.address, password)
            self.records.append_audit(self.clock(), "operator", Event.PASSWORD_SET, actor.account, {})

    def revoke_token(self, address: str, token: int) -> None:
        """Make a token (its number in ``people.tokens``) useless; raises NotFound."""
        with self.records.transaction():
            actor = self.people.find(checked_address(address))
            if self.people.revoke_token(actor.address, token):
                self.records.append_audit(self.clock(), "operator", Event.TOKEN_REVOKED, actor.account, {})

    def new_token(self, address: str, label: str) -> str:
        """Make a token and return it, once; raises NotFound."""
        with self.records.transaction():
            actor = self.people.find(checked_address(address))
            token = self.people.new_token(actor.address, label)
            self.records.append_audit(self.clock(), "operator", Event.TOKEN_MADE, actor.account, {})
        return token

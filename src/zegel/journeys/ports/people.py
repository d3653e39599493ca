"""Who acts (``people``)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol


class Actor(Protocol):
    """An account that has shown who it is (``people``)."""

    @property
    def account(self) -> str:
        """The account's identifier: what audit entries name, never the address."""

    @property
    def active(self) -> bool: ...
    @property
    def address(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def officer(self) -> bool:
        """Whether it may see the patchwork and leave suppliers."""


class TokenFacts(Protocol):
    """What may be shown of a token: never the token."""

    @property
    def token(self) -> int:
        """Its number."""

    @property
    def label(self) -> str: ...
    @property
    def created(self) -> datetime: ...
    @property
    def last_used(self) -> datetime | None:
        """To the hour."""

    @property
    def revoked(self) -> datetime | None: ...


class People(Protocol):
    """Accounts and their credentials (``people``)."""

    def add(self, address: str, name: str, password: str | None) -> Actor:
        """Raises Mistake ``account-exists``. Inside a transaction."""

    def find(self, address: str) -> Actor:
        """Raises NotFound ``unknown-account``."""

    def new_token(self, address: str, label: str) -> str:
        """Make a token, return it once, keep only its SHA-256. Inside a transaction."""

    def tokens(self, address: str) -> Sequence[TokenFacts]:
        """An account's tokens, oldest first. Raises NotFound ``unknown-account``."""

    def revoke_token(self, address: str, token: int) -> bool:
        """False if it was revoked before. Raises NotFound ``unknown-token``. Inside a transaction."""

    def by_token(self, token: str) -> Actor:
        """Raises Denied ``bad-token``; the same answer for unknown, revoked and malformed."""

    def by_password(self, address: str, password: str) -> Actor:
        """Raises Denied ``bad-login``; takes as long for an unknown address as for a wrong password."""

    def is_current(self, actor: Actor) -> bool:
        """Whether what this actor once showed still opens its account."""

    def set_password(self, address: str, password: str) -> None:
        """Raises NotFound ``unknown-account``, Mistake ``bad-password``. Inside a transaction."""

    def deactivate(self, address: str) -> None:
        """Let nothing open the account any more. Raises NotFound. Inside a transaction."""

    def activate(self, address: str) -> None:
        """Let what opened it before open it again. Raises NotFound. Inside a transaction."""

    def set_officer(self, address: str, officer: bool) -> None:
        """Raises NotFound ``unknown-account``. Inside a transaction."""

    def accounts(self) -> Sequence[Actor]: ...

    def allow(self, address: str, other: str, name: str) -> None:
        """Let the account with this address send as ``other`` too. Inside a transaction."""

    def disallow(self, address: str, other: str) -> None:
        """Raises NotFound ``unknown-right``. Inside a transaction."""

    def rights(self, address: str) -> Sequence[tuple[str, str]]:
        """The (address, name) that the account may send as besides its own. Raises NotFound."""

    def is_used(self, address: str) -> bool:
        """Whether an open account has this address or may send as it, whatever the case."""

    def standing_for(self, account: str, address: str) -> Actor | None:
        """The account as it appears when it sends as ``address``; None when it may not."""

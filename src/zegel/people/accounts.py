"""``journeys.ports.people.People`` in SQL."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from django.db import connection, transaction
from django.db.models import F

from zegel.errors import Denied, Mistake, NotFound, Unavailable
from zegel.parcels.addresses import LONGEST_NAME, checked_address
from zegel.parcels.identifiers import new_identifier
from zegel.people import models
from zegel.people.border import border, must_write
from zegel.people.credentials import Passwords, make_token, pause_after, token_digest
from zegel.people.moving import Moving
from zegel.people.rights import Rights
from zegel.people.rows import SqlActor, found, one_line, plain_address, to_actor, unknown

_LABEL = 100
_NOBODY = ""


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """What may be shown of a token: never the token."""

    token: int
    label: str
    created: datetime
    last_used: datetime | None
    revoked: datetime | None


class SqlPeople(Rights, Moving):
    """Accounts, passwords and tokens on Django's ``default`` database; threads may share one."""

    def __init__(self, clock: Callable[[], datetime] | None = None, passwords: Passwords | None = None):
        self._clock = clock or (lambda: datetime.now(UTC))
        self._passwords = passwords or Passwords()

    # Accounts -----------------------------------------------------------------------------------------------------

    def add(self, address: str, name: str, password: str | None) -> SqlActor:
        """Add an account; without a password only its tokens log in.

        Raises Mistake ``account-exists``, ``bad-address``, ``bad-password``. Inside a transaction, which cannot go on
        after ``account-exists``.
        """
        must_write()
        row = models.Account(
            account=new_identifier(),
            address=checked_address(address),
            name=one_line(name, LONGEST_NAME),
            password=self._passwords.new_hash(password) if password is not None else "",
            created=self._clock(),
        )
        try:
            with border():
                row.save(force_insert=True)
        except Mistake as error:
            if error.kind != "conflict":
                raise
            raise Mistake(
                "There is an account with the address {address} already.", code="account-exists", address=row.address
            ) from error
        return to_actor(row)

    def find(self, address: str) -> SqlActor:
        """The account with this address, closed or not (see ``active``); raises NotFound ``unknown-account``."""
        return to_actor(found(address))

    def accounts(self) -> list[SqlActor]:
        """All accounts in order of their addresses."""
        with border():
            return [to_actor(row) for row in models.Account.objects.exclude(address=_NOBODY).order_by("address")]

    def set_password(self, address: str, password: str) -> None:
        """Replace the password and forget failed tries; web sessions of before end by their stamp. In a transaction."""
        must_write()
        hashed = self._passwords.new_hash(password)
        self._change(address, password=hashed, tries=0, paused_until=None)

    def deactivate(self, address: str) -> None:
        """Close the account: no password and no token opens it any more. Inside a transaction."""
        must_write()
        self._change(address, active=False)

    def activate(self, address: str) -> None:
        """Open a closed account again, with the credentials it had. Inside a transaction."""
        must_write()
        self._change(address, active=True, tries=0, paused_until=None)

    def is_current(self, actor: object) -> bool:
        """Whether what an actor of ours once showed still opens its account: no closing, new password or revocation.

        For whoever stays connected after logging in. An access token of a provider is not asked for again.
        """
        if not isinstance(actor, SqlActor):
            return False
        with border():
            row = models.Account.objects.filter(account=actor.account, active=True).first()
            if row is None or to_actor(row).stamp != actor.stamp:
                return False
            return not actor.token or models.Token.objects.filter(row=actor.token, revoked=None).exists()

    def set_officer(self, address: str, officer: bool) -> None:
        """Let the account see the patchwork and act on it, or not any more. Inside a transaction."""
        must_write()
        self._change(address, officer=officer)

    # Passwords ----------------------------------------------------------------------------------------------------

    def by_password(self, address: str, password: str) -> SqlActor:
        """Who logs in with this password; raises Denied ``bad-login``.

        One answer, after the same work, for an unknown address, a closed account, a wrong password and an account
        that is pausing after too many wrong ones. Not inside a transaction: a try is counted, and committed, before
        it is judged, so that many at once are still counted one by one.
        """
        row = self._count_try(address)
        right = self._passwords.matches(password, row.password if row else "")
        if row is None or not right:
            raise Denied(
                "The address or the password is not right. After several wrong tries, wait a quarter of an hour.",
                code="bad-login",
            )
        with border(), transaction.atomic(durable=True):
            facts: dict[str, object] = {"tries": 0, "paused_until": None}
            if self._passwords.is_weak(row.password):
                facts["password"] = row.password = self._passwords.rehash(password)
            models.Account.objects.filter(account=row.account).update(**facts)
        return to_actor(row)

    def _count_try(self, address: str) -> models.Account | None:
        """Count a try and return the account, or None when no password can open it now.

        Every try reads one row and durably writes one, nobody's if need be: a commit costs milliseconds, and whoever
        asks a few hundred times could tell from them which addresses have an account.
        """
        try:
            address = checked_address(address)
        except Mistake:
            address = "-"
        now = self._clock()
        with border(), transaction.atomic(durable=True):
            rows = models.Account.objects.filter(address=address, active=True)
            row = (rows.select_for_update() if connection.features.has_select_for_update else rows).first()
            if row is None or (row.paused_until and row.paused_until > now):
                models.Account.objects.filter(address=_NOBODY).update(tries=1, paused_until=now)
                return None
            pause = pause_after(row.tries + 1)
            rows.update(tries=F("tries") + 1, paused_until=now + pause if pause else None)
        return row

    # Tokens -------------------------------------------------------------------------------------------------------

    def new_token(self, address: str, label: str) -> str:
        """Make a token, return it once, keep only its SHA-256. Inside a transaction."""
        must_write()
        account = found(address)
        token = make_token()
        with border():
            models.Token.objects.create(
                account=account,
                sha256=token_digest(token),
                label=one_line(label, _LABEL),
                created=self._clock(),
            )
        return token

    def by_token(self, token: str) -> SqlActor:
        """Whose token this is; raises Denied ``bad-token``: one answer for unknown, revoked, closed and malformed."""
        digest = token_digest(token)
        row = None
        if digest is not None:
            with border():
                rows = models.Token.objects.select_related("account")
                row = rows.filter(sha256=digest, revoked=None, account__active=True).first()
        if row is None:
            raise Denied("This token is not valid.", code="bad-token")
        self._note_use(row)
        return replace(to_actor(row.account), token=row.row)

    def tokens(self, address: str) -> list[TokenFacts]:
        """An account's tokens, oldest first."""
        account = found(address)
        with border():
            rows = models.Token.objects.filter(account=account).order_by("row")
            return [TokenFacts(row.row, row.label, row.created, row.last_used, row.revoked) for row in rows]

    def revoke_token(self, address: str, token: int) -> bool:
        """Make a token (its number in :meth:`tokens`) useless; False if it was. Raises NotFound ``unknown-token``."""
        must_write()
        account = found(address)
        with border():
            mine = models.Token.objects.filter(account=account, row=token)
            revoked = mine.filter(revoked=None).update(revoked=self._clock())
            if not revoked and not mine.exists():
                raise NotFound("This account has no token with number {token}.", code="unknown-token", token=token)
        return bool(revoked)

    def _note_use(self, row: models.Token) -> None:
        hour = self._clock().replace(minute=0, second=0, microsecond=0)
        if row.last_used is not None and row.last_used >= hour:
            return
        try:
            with border():
                models.Token.objects.filter(row=row.row).update(last_used=hour)
        except Unavailable:
            if connection.in_atomic_block:
                raise
            # Nobody is kept out because a note could not be made.

    def _change(self, address: str, **facts: object) -> None:
        with border():
            changed = models.Account.objects.filter(address=plain_address(address)).update(**facts)
        if not changed:
            raise unknown()

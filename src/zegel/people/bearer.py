"""Tokens of the organisation's OpenID provider: a signed JWT → the account that it names (RFC 9068, 7519, 8725)."""

import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

import httpx
from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError, MissingKeyError
from joserfc.jwk import KeySet

from zegel.errors import Denied, Mistake, NotFound, Unavailable

log = logging.getLogger(__name__)

_ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
"""None that a public key could be taken for a secret of: no HMAC, and no ``none`` (RFC 8725 §3.1)."""
_FRESH_SECONDS = 600
_AGAIN_SECONDS = 30
"""Not sooner again, whatever tokens with unknown key names come in."""
_TIMEOUT_SECONDS = 5
_LONGEST_TOKEN = 8192
_LONGEST_ANSWER = 256 * 1024
_LEEWAY = 60


@dataclass(frozen=True, slots=True)
class Provider:
    """``issuer`` without a slash at the end is asked for its keys unless ``jwks`` says where they are."""

    issuer: str
    audience: str
    claim: str = "email"
    """Which claim holds the account's address."""
    jwks: str = ""
    algorithms: tuple[str, ...] = _ALGORITHMS

    @property
    def configuration(self) -> str:
        """Where the provider describes itself (OpenID Connect Discovery §4)."""
        return f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"


class Account(Protocol):
    """As much of an account as matters here."""

    @property
    def active(self) -> bool: ...
    @property
    def address(self) -> str: ...


A_co = TypeVar("A_co", bound=Account, covariant=True)


class Accounts(Protocol[A_co]):
    """What is asked of accounts."""

    def find(self, address: str) -> A_co:
        """Raises NotFound."""


class OpenIdBearer(Generic[A_co]):
    """Knows accounts by the provider's tokens; threads may share one."""

    def __init__(self, accounts: Accounts[A_co], provider: Provider, clock: Callable[[], datetime]):
        self._accounts = accounts
        self._provider = provider
        self._clock = clock
        self._keys: KeySet | None = None
        self._fetched = self._tried = -1e9
        self._lock = threading.Lock()

    @property
    def configuration(self) -> str:
        """Where the provider describes itself; told to clients whose token is refused."""
        return self._provider.configuration

    def __call__(self, token: str) -> A_co:
        """Whose token this is; raises Denied ``bad-token`` with one answer for all that is wrong.

        Raises Unavailable when the provider's keys cannot be had: then nobody knows.
        """
        claims = self._verified(token)
        address = claims.get(self._provider.claim)
        if not isinstance(address, str) or (self._provider.claim == "email" and claims.get("email_verified") is False):
            raise _refused()
        try:
            actor = self._accounts.find(address)
        except (NotFound, Mistake):
            raise _refused() from None
        if not actor.active:
            raise _refused()
        return actor

    def _verified(self, token: str) -> dict[str, Any]:
        if len(token) > _LONGEST_TOKEN or token.count(".") != 2:
            raise _refused()
        for renew in (False, True):
            keys = self._keyset(renew)
            try:
                found = jwt.decode(token, keys, algorithms=list(self._provider.algorithms))
                self._check(found.claims)
            except (JoseError, ValueError, TypeError, KeyError) as error:
                # A key that we do not know may be one that the provider began to use since we asked.
                if renew or not _may_be_new_key(error):
                    log.info("a bearer token was refused: %s", type(error).__name__)
                    raise _refused() from None
            else:
                return dict(found.claims)
        raise _refused()

    def _check(self, claims: dict[str, Any]) -> None:
        provider = self._provider
        jwt.JWTClaimsRegistry(
            now=int(self._clock().timestamp()),
            leeway=_LEEWAY,
            iss={"essential": True, "value": provider.issuer},
            aud={"essential": True, "value": provider.audience},
            exp={"essential": True},
        ).validate(claims)

    def _keyset(self, renew: bool) -> KeySet:
        with self._lock:
            now = time.monotonic()
            stale = self._keys is None or now - self._fetched > _FRESH_SECONDS or renew
            if stale and now - self._tried > _AGAIN_SECONDS:
                self._tried = now
                try:
                    self._keys = self._fetch()
                    self._fetched = now
                except (httpx.HTTPError, JoseError, ValueError, TypeError, KeyError) as error:
                    log.warning("the keys of the OpenID provider cannot be had: %s", type(error).__name__)
            if self._keys is None:
                raise Unavailable("The OpenID provider cannot be reached.", code="provider-away", retry_after=30)
            return self._keys

    def _fetch(self) -> KeySet:
        with httpx.Client(timeout=_TIMEOUT_SECONDS, follow_redirects=False) as client:
            where = self._provider.jwks
            if not where:
                described = _get(client, self._provider.configuration)
                if described["issuer"] != self._provider.issuer:
                    raise ValueError("another issuer")
                where = str(described["jwks_uri"])
            return KeySet.import_key_set(_get(client, where))  # type: ignore[arg-type]


def _get(client: httpx.Client, url: str) -> dict[str, Any]:
    body = bytearray()
    with client.stream("GET", url) as answer:
        answer.raise_for_status()
        for piece in answer.iter_bytes():
            body += piece
            if len(body) > _LONGEST_ANSWER:
                raise ValueError("too long")
    found = json.loads(body)
    if not isinstance(found, dict):
        raise TypeError("no object")
    return found


def _may_be_new_key(error: Exception) -> bool:
    return isinstance(error, InvalidKeyIdError | BadSignatureError | MissingKeyError | ValueError)


def _refused() -> Denied:
    return Denied("This token is not valid.", code="bad-token")

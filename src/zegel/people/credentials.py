"""What proves an account: tokens and passwords, their shapes and their keeping. No table is touched here."""

import base64
import hashlib
import re
import secrets
from datetime import timedelta
from functools import cached_property

from django.contrib.auth.hashers import ScryptPasswordHasher

from zegel.errors import Mistake

SHORTEST_PASSWORD = 12
"""Length is what helps, rules about signs are not (NIST SP 800-63B §3.1.1.2)."""
LONGEST_PASSWORD = 1024
"""More would let a stranger make us hash megabytes."""

_TOKEN = re.compile(r"zgl_[A-Za-z0-9_-]{43}\Z")
_FREE_TRIES = 5
_LONGEST_PAUSE = timedelta(minutes=15)
"""Not longer: whoever wants to keep a colleague out need only guess wrong on purpose."""


def make_token() -> str:
    """A fresh token: ``zgl_`` (so that scanners of leaked secrets know it) and b64url of 32 random bytes."""
    return "zgl_" + base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")


def token_digest(token: str) -> bytes | None:
    """What is kept of a token; None for what is no token at all."""
    # 32 random bytes need no slow hash and no salt, and looking up a digest tells its timing to nobody who has not
    # already found a second preimage.
    return hashlib.sha256(token.encode()).digest() if _TOKEN.match(token) else None


class Passwords:
    """Keeps passwords as Django's scrypt hashes; ``work_factor`` is scrypt's N."""

    def __init__(self, work_factor: int = ScryptPasswordHasher.work_factor):
        self._hasher = ScryptPasswordHasher()
        self._hasher.work_factor = work_factor

    @cached_property
    def _nobody(self) -> str:
        # Made at the first login, not at the start of every command that never sees one.
        return self._hash(secrets.token_urlsafe(32))

    def new_hash(self, password: str) -> str:
        """Hash a password that somebody chose; raises Mistake ``bad-password`` when it is too short or too long."""
        if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD or not _is_text(password):
            raise Mistake(
                "A password has {least} to {most} characters.",
                code="bad-password",
                least=SHORTEST_PASSWORD,
                most=LONGEST_PASSWORD,
            )
        return self._hash(password)

    def matches(self, password: str, kept: str) -> bool:
        """Whether this is the password; an empty ``kept`` (no such account, no password) costs the same work."""
        if len(password) > LONGEST_PASSWORD or not _is_text(password):
            return False
        nobody = self._nobody  # whoever the first login is for, it pays for making this
        right = self._hasher.verify(password, kept or nobody)
        return right and bool(kept)

    def is_weak(self, kept: str) -> bool:
        """Whether the hash was made with less work than we ask today."""
        return bool(self._hasher.must_update(kept))

    def rehash(self, password: str) -> str:
        """Hash a password that was just proven right, with today's work; its length was allowed then."""
        return self._hash(password)

    def _hash(self, password: str) -> str:
        return str(self._hasher.encode(password, self._hasher.salt()))


def _is_text(password: str) -> bool:
    # JSON can spell half a surrogate pair, which no encoding holds; scrypt would take NUL, a terminal would not.
    return "\0" not in password and not any("\ud800" <= sign <= "\udfff" for sign in password)


def pause_after(tries: int) -> timedelta | None:
    """How long an account takes no passwords after this many wrong ones in a row: none, then doubling from 15 s."""
    if tries < _FREE_TRIES:
        return None
    pause: timedelta = timedelta(seconds=15) * 2 ** min(tries - _FREE_TRIES, 10)
    return min(pause, _LONGEST_PAUSE)

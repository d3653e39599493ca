"""The X25519 lock: age's classic public keys, ``age1…`` and ``AGE-SECRET-KEY-1…``.

An eavesdropper with a quantum computer will open what is sealed to it; Zegel makes hybrid keys and keeps this type
for people who already have one (c2sp.org/age, "The X25519 recipient type").
"""

import os
from collections.abc import Sequence
from functools import cached_property, lru_cache

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from zegel.errors import Mistake
from zegel.seal import b64, bech32
from zegel.seal.errors import HeaderFailure
from zegel.seal.format import Stanza
from zegel.seal.primitives import WRAPPED_LENGTH, hkdf, unwrap_file_key, wrap_file_key

STANZA_TYPE = "X25519"
RECIPIENT_PREFIX = "age"
IDENTITY_PREFIX = "AGE-SECRET-KEY-"
_KEY_LENGTH = 32
_INFO = b"age-encryption.org/v1/X25519"


class X25519Recipient:
    """A public key to seal for."""

    labels: frozenset[str] = frozenset()
    wrapped_size = len("-> X25519 \n\n") + 43 + 43

    def __init__(self, point: bytes) -> None:
        if len(point) != _KEY_LENGTH:
            raise Mistake("An X25519 recipient is {length} bytes long.", length=_KEY_LENGTH)
        self._point = bytes(point)

    @classmethod
    def from_bytes(cls, data: bytes) -> "X25519Recipient":
        """Make a recipient of the 32 raw bytes of its point."""
        return cls(data)

    @classmethod
    def parse(cls, text: str) -> "X25519Recipient":
        """Read an ``age1…`` string."""
        return _parse_recipient(text)

    @cached_property
    def _public(self) -> X25519PublicKey:
        return X25519PublicKey.from_public_bytes(self._point)

    def to_bytes(self) -> bytes:
        """Give the 32 raw bytes of the point."""
        return self._point

    def wrap(self, file_key: bytes) -> list[Stanza]:
        """Wrap *file_key* under a secret shared with a fresh ephemeral key."""
        ephemeral = X25519PrivateKey.generate()
        share = ephemeral.public_key().public_bytes_raw()
        try:
            secret = ephemeral.exchange(self._public)
        except ValueError:
            # A point of low order gives the all-zero secret whatever our key: everyone could open the file.
            raise Mistake("This X25519 recipient is not a safe public key: its point has a low order.") from None
        wrap_key = hkdf(secret, share + self._point, _INFO)
        return [Stanza(STANZA_TYPE, (b64.encode(share),), wrap_file_key(wrap_key, file_key))]

    def __str__(self) -> str:
        return bech32.encode(RECIPIENT_PREFIX, self._point)

    def __repr__(self) -> str:
        return f"X25519Recipient.parse({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, X25519Recipient) and other._point == self._point

    def __hash__(self) -> int:
        return hash(self._point)


class X25519Identity:
    """A private key to open with."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != _KEY_LENGTH:
            raise Mistake("An X25519 identity is {length} bytes long.", length=_KEY_LENGTH)
        self._secret = bytes(secret)
        self._private = X25519PrivateKey.from_private_bytes(self._secret)

    @classmethod
    def generate(cls) -> "X25519Identity":
        """Make a new key."""
        return cls(os.urandom(_KEY_LENGTH))

    @classmethod
    def from_seed(cls, seed: bytes) -> "X25519Identity":
        """Make the identity of 32 secret bytes."""
        return cls(seed)

    @classmethod
    def parse(cls, text: str) -> "X25519Identity":
        """Read an ``AGE-SECRET-KEY-1…`` string."""
        decoded = bech32.decode(text.strip())
        if decoded is None or decoded[0] != IDENTITY_PREFIX or len(decoded[1]) != _KEY_LENGTH:
            raise Mistake("This is not an X25519 identity (AGE-SECRET-KEY-1…), or it has a typing error.")
        return cls(decoded[1])

    @property
    def seed(self) -> bytes:
        """The 32 secret bytes."""
        return self._secret

    @cached_property
    def recipient(self) -> X25519Recipient:
        """The public half."""
        return X25519Recipient(self._private.public_key().public_bytes_raw())

    def unwrap(self, stanzas: Sequence[Stanza]) -> bytes | None:
        """Try every X25519 stanza: the type is anonymous, nothing tells which one is ours."""
        for stanza in stanzas:
            if stanza.type == STANZA_TYPE:
                file_key = self._unwrap(stanza)
                if file_key is not None:
                    return file_key
        return None

    def _unwrap(self, stanza: Stanza) -> bytes | None:
        share = b64.decode(stanza.args[0]) if len(stanza.args) == 1 else None
        if share is None or len(share) != _KEY_LENGTH or len(stanza.body) != WRAPPED_LENGTH:
            raise HeaderFailure("An X25519 stanza in the header is malformed.")
        try:
            secret = self._private.exchange(X25519PublicKey.from_public_bytes(share))
        except ValueError:
            # "If the shared secret is all 0x00 bytes, the identity implementation MUST abort."
            raise HeaderFailure("An X25519 stanza in the header has a share of low order.") from None
        return unwrap_file_key(hkdf(secret, share + self.recipient.to_bytes(), _INFO), stanza.body)

    def encode(self) -> str:
        """Give the ``AGE-SECRET-KEY-1…`` string. It is the key: keep it out of logs."""
        return bech32.encode(IDENTITY_PREFIX, self._secret)

    def __str__(self) -> str:
        return self.encode()

    def __repr__(self) -> str:
        return f"<X25519Identity of {self.recipient}>"


@lru_cache(maxsize=1024)
def _parse_recipient(text: str) -> X25519Recipient:
    decoded = bech32.decode(text.strip())
    if decoded is None or decoded[0] != RECIPIENT_PREFIX or len(decoded[1]) != _KEY_LENGTH:
        raise Mistake("This is not an X25519 recipient (age1…), or it has a typing error.")
    return X25519Recipient(decoded[1])

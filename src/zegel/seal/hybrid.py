"""The mlkem768x25519 lock: X-Wing, post-quantum and classic at once; the lock that Zegel makes by default.

Whoever wants the file key must break both ML-KEM-768 and X25519. Keys are ``age1pq1…`` (1 216 bytes: an ML-KEM
encapsulation key and an X25519 point) and ``AGE-SECRET-KEY-PQ-1…`` (a seed of 32 bytes from which both private
halves are stretched). The file key is sealed with HPKE (c2sp.org/age, "The MLKEM768-X25519 hybrid post-quantum
recipient type"; draft-connolly-cfrg-xwing-kem for the KEM).
"""

import hashlib
import os
from collections.abc import Sequence
from functools import cached_property, lru_cache

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from zegel.errors import Mistake
from zegel.seal import b64, bech32
from zegel.seal.errors import HeaderFailure
from zegel.seal.format import Stanza
from zegel.seal.hpke import BaseSchedule
from zegel.seal.primitives import WRAPPED_LENGTH
from zegel.seal.roles import POST_QUANTUM

STANZA_TYPE = "mlkem768x25519"
RECIPIENT_PREFIX = "age1pq"
IDENTITY_PREFIX = "AGE-SECRET-KEY-PQ-"
RECIPIENT_LENGTH = 1216
SEED_LENGTH = 32

_MLKEM_KEY_LENGTH = 1184
_MLKEM_CIPHERTEXT_LENGTH = 1088
_ENC_LENGTH = 1120
_SCHEDULE = BaseSchedule(0x647A, b"age-encryption.org/mlkem768x25519")
_COMBINER_LABEL = b"\\.//^\\"  # X-Wing's domain separator, six bytes that draw its shape


def _combine(mlkem_secret: bytes, x25519_secret: bytes, share: bytes, point: bytes) -> bytes:
    """X-Wing's combiner: one hash over both secrets and what the X25519 half hangs on."""
    return hashlib.sha3_256(mlkem_secret + x25519_secret + share + point + _COMBINER_LABEL).digest()


class HybridRecipient:
    """A hybrid public key to seal for."""

    labels = frozenset({POST_QUANTUM})
    wrapped_size = len("-> mlkem768x25519 \n\n") + 1494 + 43

    def __init__(self, key: bytes) -> None:
        if len(key) != RECIPIENT_LENGTH:
            raise Mistake("A hybrid recipient is {length} bytes long.", length=RECIPIENT_LENGTH)
        self._key = bytes(key)

    @classmethod
    def from_bytes(cls, data: bytes) -> "HybridRecipient":
        """Make a recipient of its 1 216 raw bytes: much cheaper than reading the string."""
        return cls(data)

    @classmethod
    def parse(cls, text: str) -> "HybridRecipient":
        """Read an ``age1pq1…`` string."""
        return _parse_recipient(text)

    def to_bytes(self) -> bytes:
        """Give the 1 216 raw bytes."""
        return self._key

    @cached_property
    def _publics(self) -> tuple[MLKEM768PublicKey, X25519PublicKey, bytes]:
        point = self._key[_MLKEM_KEY_LENGTH:]
        try:
            # OpenSSL makes FIPS 203's check of the encapsulation key here: every coefficient below q.
            mlkem = MLKEM768PublicKey.from_public_bytes(self._key[:_MLKEM_KEY_LENGTH])
        except ValueError:
            raise Mistake("This hybrid recipient is not valid: its ML-KEM key is malformed.") from None
        return mlkem, X25519PublicKey.from_public_bytes(point), point

    def wrap(self, file_key: bytes) -> list[Stanza]:
        """Wrap *file_key* with HPKE under a fresh encapsulation."""
        mlkem, x25519, point = self._publics
        mlkem_secret, ciphertext = mlkem.encapsulate()
        ephemeral = X25519PrivateKey.generate()
        share = ephemeral.public_key().public_bytes_raw()
        try:
            x25519_secret = ephemeral.exchange(x25519)
        except ValueError:
            raise Mistake("This hybrid recipient is not safe: its X25519 point has a low order.") from None
        body = _SCHEDULE.seal(_combine(mlkem_secret, x25519_secret, share, point), file_key)
        return [Stanza(STANZA_TYPE, (b64.encode(ciphertext + share),), body)]

    def __str__(self) -> str:
        return self._text

    @cached_property
    def _text(self) -> str:
        return bech32.encode(RECIPIENT_PREFIX, self._key)

    def __repr__(self) -> str:
        return f"<HybridRecipient {self._text[:20]}…>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HybridRecipient) and other._key == self._key

    def __hash__(self) -> int:
        return hash(self._key)


class HybridIdentity:
    """A hybrid private key to open with."""

    def __init__(self, seed: bytes) -> None:
        if len(seed) != SEED_LENGTH:
            raise Mistake("The seed of a hybrid identity is {length} bytes long.", length=SEED_LENGTH)
        self._seed = bytes(seed)

    @classmethod
    def generate(cls) -> "HybridIdentity":
        """Make a new key."""
        return cls(os.urandom(SEED_LENGTH))

    @classmethod
    def from_seed(cls, seed: bytes) -> "HybridIdentity":
        """Make the identity of 32 secret bytes."""
        return cls(seed)

    @classmethod
    def parse(cls, text: str) -> "HybridIdentity":
        """Read an ``AGE-SECRET-KEY-PQ-1…`` string."""
        decoded = bech32.decode(text.strip())
        if decoded is None or decoded[0] != IDENTITY_PREFIX or len(decoded[1]) != SEED_LENGTH:
            raise Mistake("This is not a hybrid identity (AGE-SECRET-KEY-PQ-1…), or it has a typing error.")
        return cls(decoded[1])

    @property
    def seed(self) -> bytes:
        """The 32 secret bytes that all follows from."""
        return self._seed

    @cached_property
    def _privates(self) -> tuple[MLKEM768PrivateKey, X25519PrivateKey, bytes]:
        # X-Wing, "expandDecapsulationKey": 64 bytes for ML-KEM's (d, z) and 32 for X25519.
        stretched = hashlib.shake_256(self._seed).digest(96)
        x25519 = X25519PrivateKey.from_private_bytes(stretched[64:])
        return MLKEM768PrivateKey.from_seed_bytes(stretched[:64]), x25519, x25519.public_key().public_bytes_raw()

    @cached_property
    def recipient(self) -> HybridRecipient:
        """The public half."""
        mlkem, x25519, point = self._privates
        public = mlkem.public_key()
        recipient = HybridRecipient(public.public_bytes_raw() + point)
        # Checked keys, of our own making: reading them again from the bytes costs as much as encapsulating to them.
        recipient.__dict__["_publics"] = (public, x25519.public_key(), point)
        return recipient

    def unwrap(self, stanzas: Sequence[Stanza]) -> bytes | None:
        """Try every mlkem768x25519 stanza: the type is anonymous, nothing tells which one is ours."""
        for stanza in stanzas:
            if stanza.type == STANZA_TYPE:
                file_key = self._unwrap(stanza)
                if file_key is not None:
                    return file_key
        return None

    def _unwrap(self, stanza: Stanza) -> bytes | None:
        enc = b64.decode(stanza.args[0]) if len(stanza.args) == 1 else None
        if enc is None or len(enc) != _ENC_LENGTH or len(stanza.body) != WRAPPED_LENGTH:
            raise HeaderFailure("A mlkem768x25519 stanza in the header is malformed.")
        mlkem, x25519, point = self._privates
        share = enc[_MLKEM_CIPHERTEXT_LENGTH:]
        try:
            x25519_secret = x25519.exchange(X25519PublicKey.from_public_bytes(share))
        except ValueError:
            raise HeaderFailure("A mlkem768x25519 stanza in the header has a share of low order.") from None
        # ML-KEM never fails: a foreign ciphertext gives a pseudorandom secret (FIPS 203, implicit rejection).
        mlkem_secret = mlkem.decapsulate(enc[:_MLKEM_CIPHERTEXT_LENGTH])
        return _SCHEDULE.open(_combine(mlkem_secret, x25519_secret, share, point), stanza.body)

    def encode(self) -> str:
        """Give the ``AGE-SECRET-KEY-PQ-1…`` string. It is the key: keep it out of logs."""
        return bech32.encode(IDENTITY_PREFIX, self._seed)

    def __str__(self) -> str:
        return self.encode()

    def __repr__(self) -> str:
        return f"<HybridIdentity of {self.recipient!r}>"


@lru_cache(maxsize=1024)
def _parse_recipient(text: str) -> HybridRecipient:
    decoded = bech32.decode(text.strip())
    if decoded is None or decoded[0] != RECIPIENT_PREFIX or len(decoded[1]) != RECIPIENT_LENGTH:
        raise Mistake("This is not a hybrid recipient (age1pq1…), or it has a typing error.")
    return HybridRecipient(decoded[1])

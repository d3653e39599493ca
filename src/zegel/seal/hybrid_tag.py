"""The mlkem768p256tag lock: ML-KEM-768 in software and P-256 in a token, both needed to open.

It is p256tag made post-quantum: ``age1tagpq1…`` strings, 1 249 bytes (an ML-KEM encapsulation key and an uncompressed
P-256 point). `cryptography` has no MLKEM768-P256 KEM, so its combiner is written out here
(draft-ietf-hpke-pq, KEM 0x0050; c2sp.org/age, "mlkem768p256tag recipient stanza").
"""

import hashlib
import hmac
from collections.abc import Sequence
from functools import cached_property, lru_cache

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey

from zegel.errors import Mistake
from zegel.seal import b64, bech32
from zegel.seal.errors import HeaderFailure
from zegel.seal.format import Stanza
from zegel.seal.hpke import BaseSchedule
from zegel.seal.p256tag import POINT_LENGTH, Exchange, load_point, read_tagged, stanza_tag, uncompressed
from zegel.seal.roles import POST_QUANTUM

STANZA_TYPE = "mlkem768p256tag"
RECIPIENT_PREFIX = "age1tagpq"
RECIPIENT_LENGTH = 1249

_MLKEM_KEY_LENGTH = 1184
_MLKEM_CIPHERTEXT_LENGTH = 1088
_ENC_LENGTH = 1153
_INFO = b"age-encryption.org/mlkem768p256tag"
_SCHEDULE = BaseSchedule(0x0050, _INFO)


def _combine(mlkem_secret: bytes, p256_secret: bytes, share: bytes, point: bytes) -> bytes:
    return hashlib.sha3_256(mlkem_secret + p256_secret + share + point + b"MLKEM768-P256").digest()


class HybridTagRecipient:
    """A hardware key's public half, with an ML-KEM key next to it, to seal for."""

    labels = frozenset({POST_QUANTUM})
    wrapped_size = len("-> mlkem768p256tag  \n\n") + 6 + 1538 + 43

    def __init__(self, key: bytes) -> None:
        point = load_point(key[_MLKEM_KEY_LENGTH:]) if len(key) == RECIPIENT_LENGTH else None
        if point is None or key[_MLKEM_KEY_LENGTH] != 4:
            raise Mistake(
                "A mlkem768p256tag recipient is an ML-KEM key and an uncompressed P-256 point, {length} bytes.",
                length=RECIPIENT_LENGTH,
            )
        self._key = bytes(key)
        self._p256 = point

    @classmethod
    def from_bytes(cls, data: bytes) -> "HybridTagRecipient":
        """Make a recipient of its 1 249 raw bytes."""
        return cls(data)

    @classmethod
    def parse(cls, text: str) -> "HybridTagRecipient":
        """Read an ``age1tagpq1…`` string."""
        return _parse_recipient(text)

    def to_bytes(self) -> bytes:
        """Give the 1 249 raw bytes."""
        return self._key

    @property
    def point(self) -> bytes:
        """The uncompressed P-256 point."""
        return self._key[_MLKEM_KEY_LENGTH:]

    @cached_property
    def _mlkem(self) -> MLKEM768PublicKey:
        try:
            return MLKEM768PublicKey.from_public_bytes(self._key[:_MLKEM_KEY_LENGTH])
        except ValueError:
            raise Mistake("This mlkem768p256tag recipient is not valid: its ML-KEM key is malformed.") from None

    def wrap(self, file_key: bytes) -> list[Stanza]:
        """Wrap *file_key* with HPKE under a fresh encapsulation."""
        mlkem_secret, ciphertext = self._mlkem.encapsulate()
        ephemeral = ec.generate_private_key(ec.SECP256R1())
        share = uncompressed(ephemeral.public_key())
        p256_secret = ephemeral.exchange(ec.ECDH(), self._p256)
        enc = ciphertext + share
        tag = stanza_tag(_INFO, enc, self.point)
        body = _SCHEDULE.seal(_combine(mlkem_secret, p256_secret, share, self.point), file_key)
        return [Stanza(STANZA_TYPE, (b64.encode(tag), b64.encode(enc)), body)]

    def __str__(self) -> str:
        return bech32.encode(RECIPIENT_PREFIX, self._key)

    def __repr__(self) -> str:
        return f"<HybridTagRecipient {str(self)[:24]}…>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HybridTagRecipient) and other._key == self._key

    def __hash__(self) -> int:
        return hash(self._key)


class HybridTagIdentity:
    """Opens with an ML-KEM key in memory and a P-256 key that stays in a token, reached through *exchange*."""

    def __init__(self, mlkem_seed: bytes, point: bytes, exchange: Exchange) -> None:
        self._mlkem = MLKEM768PrivateKey.from_seed_bytes(mlkem_seed)
        self._exchange = exchange
        self.recipient = HybridTagRecipient(self._mlkem.public_key().public_bytes_raw() + point)

    def unwrap(self, stanzas: Sequence[Stanza]) -> bytes | None:
        """Open the stanzas that carry our tag; the token is asked for no other."""
        for stanza in stanzas:
            if stanza.type == STANZA_TYPE:
                file_key = self._unwrap(stanza)
                if file_key is not None:
                    return file_key
        return None

    def _unwrap(self, stanza: Stanza) -> bytes | None:
        tag, enc = read_tagged(stanza, _ENC_LENGTH)
        share = enc[_MLKEM_CIPHERTEXT_LENGTH:]
        if len(share) != POINT_LENGTH or load_point(share) is None:
            raise HeaderFailure("A mlkem768p256tag stanza in the header has a share that is not on the curve.")
        if not hmac.compare_digest(tag, stanza_tag(_INFO, enc, self.recipient.point)):
            return None
        mlkem_secret = self._mlkem.decapsulate(enc[:_MLKEM_CIPHERTEXT_LENGTH])
        secret = _combine(mlkem_secret, self._exchange(share), share, self.recipient.point)
        return _SCHEDULE.open(secret, stanza.body)


@lru_cache(maxsize=1024)
def _parse_recipient(text: str) -> HybridTagRecipient:
    decoded = bech32.decode(text.strip())
    if decoded is None or decoded[0] != RECIPIENT_PREFIX or len(decoded[1]) != RECIPIENT_LENGTH:
        raise Mistake("This is not a hybrid hardware key's recipient (age1tagpq1…), or it has a typing error.")
    return HybridTagRecipient(decoded[1])

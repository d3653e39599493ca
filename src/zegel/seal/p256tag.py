"""The p256tag lock: for hardware keys that know only P-256 (c2sp.org/age, "The tagged recipient types").

The recipient string ``age1tag1…`` is standard; identities are not, for the private half lives in a token. So the
identity here is handed a function that does the one operation the token does, an ECDH exchange, and HPKE happens
around it: PKCS#11 tokens, smart cards and remote custody all fit behind that function, and the payload never goes
near the token.

A stanza carries a tag by which its recipient is recognised without touching the token; that makes the recipient
linkable to whoever knows the public key, unlike the other locks.
"""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache

from cryptography.hazmat.primitives.asymmetric import ec

from zegel.errors import Mistake
from zegel.seal import b64, bech32
from zegel.seal.errors import HeaderFailure
from zegel.seal.format import Stanza
from zegel.seal.hpke import BaseSchedule, dhkem_secret
from zegel.seal.primitives import WRAPPED_LENGTH

STANZA_TYPE = "p256tag"
RECIPIENT_PREFIX = "age1tag"
POINT_LENGTH = 65
TAG_LENGTH = 4

Exchange = Callable[[bytes], bytes]
"""Takes the other side's uncompressed point (65 bytes), gives the raw ECDH secret: the x coordinate (32 bytes)."""

_COMPRESSED_LENGTH = 33
_KEM_ID = 0x0010  # DHKEM(P-256, HKDF-SHA256)
_INFO = b"age-encryption.org/p256tag"
_SCHEDULE = BaseSchedule(_KEM_ID, _INFO)


def uncompressed(key: ec.EllipticCurvePublicKey) -> bytes:
    """Give a point's 65 bytes (SEC 1, 2.3.3).

    Written out, for `cryptography`'s serialization imports SSH and with it a fifth of a command's starting time.
    """
    numbers = key.public_numbers()
    return b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")


def compressed(key: ec.EllipticCurvePublicKey) -> bytes:
    """Give a point's 33 bytes (SEC 1, 2.3.3): the sign of y and x."""
    numbers = key.public_numbers()
    return bytes([2 + (numbers.y & 1)]) + numbers.x.to_bytes(32, "big")


def load_point(data: bytes) -> ec.EllipticCurvePublicKey | None:
    """Read a P-256 point; None if it isn't on the curve (an invalid-curve attack on the token, else)."""
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), data)
    except ValueError:
        return None


def stanza_tag(info: bytes, enc: bytes, hashed: bytes) -> bytes:
    """Compute the tag by which a recipient knows its stanza; *hashed* is the encoding of its point."""
    return hmac.digest(info, enc + hashlib.sha256(hashed).digest()[:TAG_LENGTH], "sha256")[:TAG_LENGTH]


class P256TagRecipient:
    """A hardware key's public half to seal for."""

    labels: frozenset[str] = frozenset()
    wrapped_size = len("-> p256tag  \n\n") + 6 + 87 + 43

    def __init__(self, point: bytes) -> None:
        key = load_point(point) if len(point) == _COMPRESSED_LENGTH else None
        if key is None:
            raise Mistake(
                "A p256tag recipient is a compressed P-256 point of {length} bytes.", length=_COMPRESSED_LENGTH
            )
        self._point = bytes(point)
        self._public = key

    @classmethod
    def from_bytes(cls, data: bytes) -> "P256TagRecipient":
        """Make a recipient of the 33 bytes of its compressed point."""
        return cls(data)

    @classmethod
    def parse(cls, text: str) -> "P256TagRecipient":
        """Read an ``age1tag1…`` string."""
        return _parse_recipient(text)

    def to_bytes(self) -> bytes:
        """Give the 33 bytes of the compressed point."""
        return self._point

    @cached_property
    def uncompressed_point(self) -> bytes:
        """The 65 bytes that HPKE works with."""
        return uncompressed(self._public)

    def wrap(self, file_key: bytes) -> list[Stanza]:
        """Wrap *file_key* with HPKE under a fresh ephemeral key."""
        ephemeral = ec.generate_private_key(ec.SECP256R1())
        enc = uncompressed(ephemeral.public_key())
        secret = dhkem_secret(_KEM_ID, ephemeral.exchange(ec.ECDH(), self._public), enc, self.uncompressed_point)
        tag = stanza_tag(_INFO, enc, self._point)
        return [Stanza(STANZA_TYPE, (b64.encode(tag), b64.encode(enc)), _SCHEDULE.seal(secret, file_key))]

    def __str__(self) -> str:
        return bech32.encode(RECIPIENT_PREFIX, self._point)

    def __repr__(self) -> str:
        return f"P256TagRecipient.parse({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, P256TagRecipient) and other._point == self._point

    def __hash__(self) -> int:
        return hash(self._point)


class P256TagIdentity:
    """Opens with a private key that stays in a token, reached through *exchange*."""

    def __init__(self, recipient: P256TagRecipient, exchange: Exchange) -> None:
        self.recipient = recipient
        self._exchange = exchange

    def unwrap(self, stanzas: Sequence[Stanza]) -> bytes | None:
        """Open the stanzas that carry our tag; the token is asked for no other."""
        for stanza in stanzas:
            if stanza.type == STANZA_TYPE:
                file_key = self._unwrap(stanza)
                if file_key is not None:
                    return file_key
        return None

    def _unwrap(self, stanza: Stanza) -> bytes | None:
        tag, enc = read_tagged(stanza, POINT_LENGTH)
        if load_point(enc) is None:
            raise HeaderFailure("A p256tag stanza in the header has a share that is not on the curve.")
        if not hmac.compare_digest(tag, stanza_tag(_INFO, enc, self.recipient.to_bytes())):
            return None
        secret = dhkem_secret(_KEM_ID, self._exchange(enc), enc, self.recipient.uncompressed_point)
        return _SCHEDULE.open(secret, stanza.body)


def read_tagged(stanza: Stanza, enc_length: int) -> tuple[bytes, bytes]:
    """Read the tag and the encapsulated key of a tagged stanza, strictly."""
    tag, enc = (b64.decode(arg) for arg in stanza.args) if len(stanza.args) == 2 else (None, None)
    if tag is None or len(tag) != TAG_LENGTH or enc is None or len(enc) != enc_length:
        raise HeaderFailure("A {type} stanza in the header is malformed.", type=stanza.type)
    if len(stanza.body) != WRAPPED_LENGTH:
        raise HeaderFailure("A {type} stanza in the header is malformed.", type=stanza.type)
    return tag, enc


@lru_cache(maxsize=1024)
def _parse_recipient(text: str) -> P256TagRecipient:
    decoded = bech32.decode(text.strip())
    if decoded is None or decoded[0] != RECIPIENT_PREFIX or len(decoded[1]) != _COMPRESSED_LENGTH:
        raise Mistake("This is not a hardware key's recipient (age1tag1…), or it has a typing error.")
    return P256TagRecipient(decoded[1])

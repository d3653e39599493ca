"""The few cryptographic functions that every lock is made of.

HKDF is two or three HMACs, and the standard library's one-shot HMAC (OpenSSL) is the fastest there is for inputs
this small; a test compares it with `cryptography`'s HKDF.
"""

import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

FILE_KEY_LENGTH = 16
WRAPPED_LENGTH = FILE_KEY_LENGTH + 16
"""A stanza's body: the file key and its Poly1305 tag. Checked before decrypting, against partitioning oracles."""

_ZERO_NONCE = bytes(12)
_ZERO_SALT = bytes(32)


def new_file_key() -> bytes:
    """Make a file key: fresh for every file, never used for a second one."""
    return os.urandom(FILE_KEY_LENGTH)


def hkdf(key_material: bytes, salt: bytes, info: bytes) -> bytes:
    """HKDF-SHA-256 with 32 bytes of output, the only form age uses (RFC 5869)."""
    extracted = hmac.digest(salt or _ZERO_SALT, key_material, "sha256")
    return hmac.digest(extracted, info + b"\x01", "sha256")


def wrap_file_key(wrap_key: bytes, file_key: bytes) -> bytes:
    """Encrypt *file_key* under a key that is used this once.

    The nonce is fixed at zero, which is safe only because every wrap key comes from a fresh share or salt
    (c2sp.org/age, "X25519 recipient stanza").
    """
    return ChaCha20Poly1305(wrap_key).encrypt(_ZERO_NONCE, file_key, None)


def unwrap_file_key(wrap_key: bytes, body: bytes) -> bytes | None:
    """Decrypt a file key, or give None if *wrap_key* isn't the key of this stanza."""
    if len(body) != WRAPPED_LENGTH:
        return None
    try:
        return ChaCha20Poly1305(wrap_key).decrypt(_ZERO_NONCE, body, None)
    except InvalidTag:
        return None

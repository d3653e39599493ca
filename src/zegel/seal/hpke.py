"""HPKE (RFC 9180), as much as age needs: Base mode, one message, HKDF-SHA256 and ChaCha20-Poly1305.

Three locks share this schedule and differ only in the KEM that makes the shared secret. `cryptography` has a whole
HPKE, but no MLKEM768-P256, no way in for a key that lives in a token, and one error for every failure, where age
must tell a malformed share (refuse the file) from a foreign one (try the next stanza). The tests hold this file
against `cryptography`'s `Suite` in both directions.
"""

import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

_VERSION = b"HPKE-v1"
_KDF_HKDF_SHA256 = 0x0001
_AEAD_CHACHA20POLY1305 = 0x0003
_ZERO_SALT = bytes(32)


def _extract(salt: bytes, key_material: bytes) -> bytes:
    return hmac.digest(salt or _ZERO_SALT, key_material, "sha256")


class BaseSchedule:
    """The key schedule of one KEM and one ``info``; everything that doesn't depend on the message is computed once."""

    def __init__(self, kem_id: int, info: bytes) -> None:
        suite = b"HPKE" + b"".join(
            number.to_bytes(2, "big") for number in (kem_id, _KDF_HKDF_SHA256, _AEAD_CHACHA20POLY1305)
        )
        labelled = _VERSION + suite
        psk_id_hash = _extract(b"", labelled + b"psk_id_hash")
        info_hash = _extract(b"", labelled + b"info_hash" + info)
        context = b"\x00" + psk_id_hash + info_hash  # mode_base (RFC 9180, 5.1)
        self._secret_label = labelled + b"secret"
        self._key_info = (32).to_bytes(2, "big") + labelled + b"key" + context + b"\x01"
        self._nonce_info = (12).to_bytes(2, "big") + labelled + b"base_nonce" + context + b"\x01"

    def _cipher(self, shared_secret: bytes) -> tuple[ChaCha20Poly1305, bytes]:
        secret = hmac.digest(shared_secret, self._secret_label, "sha256")
        key = hmac.digest(secret, self._key_info, "sha256")
        return ChaCha20Poly1305(key), hmac.digest(secret, self._nonce_info, "sha256")[:12]

    def seal(self, shared_secret: bytes, plaintext: bytes) -> bytes:
        """Encrypt the first and only message of the context (sequence number zero)."""
        cipher, nonce = self._cipher(shared_secret)
        return cipher.encrypt(nonce, plaintext, None)

    def open(self, shared_secret: bytes, ciphertext: bytes) -> bytes | None:
        """Decrypt the only message, or give None if it isn't for this secret."""
        cipher, nonce = self._cipher(shared_secret)
        try:
            return cipher.decrypt(nonce, ciphertext, None)
        except InvalidTag:
            return None


def dhkem_secret(kem_id: int, dh: bytes, enc: bytes, recipient: bytes) -> bytes:
    """Make the shared secret of a Diffie-Hellman KEM from the raw exchange (RFC 9180, 4.1: ExtractAndExpand)."""
    labelled = _VERSION + b"KEM" + kem_id.to_bytes(2, "big")
    extracted = _extract(b"", labelled + b"eae_prk" + dh)
    info = (32).to_bytes(2, "big") + labelled + b"shared_secret" + enc + recipient
    return hmac.digest(extracted, info + b"\x01", "sha256")

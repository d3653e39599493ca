"""The payload: STREAM over ChaCha20-Poly1305 in chunks of 64 KiB (c2sp.org/age, "Payload").

::

    nonce (16)  |  chunk 0 + tag  |  chunk 1 + tag  | …  |  last chunk + tag

Each chunk's AEAD nonce is its number and one byte that says whether it's the last, so chunks can't be moved, dropped
or cut off unnoticed. Only the last may be shorter, and it's empty only if the whole payload is. This module turns
chunks around in memory; where they come from and go to is for its callers.
"""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from zegel.seal.errors import PayloadFailure
from zegel.seal.primitives import hkdf

CHUNK = 64 * 1024
TAG = 16
SEALED_CHUNK = CHUNK + TAG
NONCE_LENGTH = 16

_LAST = b"\x01"
_NOT_LAST = b"\x00"


def new_nonce() -> bytes:
    """Make a payload nonce: a new one for each file, also when a file key is used again by mistake."""
    return os.urandom(NONCE_LENGTH)


def payload_cipher(file_key: bytes, nonce: bytes) -> ChaCha20Poly1305:
    """Make the cipher of one payload."""
    return ChaCha20Poly1305(hkdf(file_key, nonce, b"payload"))


def chunk_nonce(number: int, *, last: bool) -> bytes:
    """Give the AEAD nonce of a chunk: an 11-byte counter and the last-chunk flag."""
    return number.to_bytes(11, "big") + (_LAST if last else _NOT_LAST)


_ONLY_CHUNK = chunk_nonce(0, last=True)


def chunk_count(plain_size: int) -> int:
    """Give the number of chunks of a payload: one even if it's empty."""
    return max(1, -(-plain_size // CHUNK))


def sealed_payload_size(plain_size: int) -> int:
    """Give the length of nonce and chunks together."""
    return NONCE_LENGTH + plain_size + TAG * chunk_count(plain_size)


def plain_payload_size(sealed_size: int) -> int:
    """Give the plaintext length inside a payload of *sealed_size* bytes, or refuse a length that no payload has."""
    chunks, rest = divmod(sealed_size - NONCE_LENGTH, SEALED_CHUNK)
    if sealed_size < NONCE_LENGTH + TAG or 0 < rest < TAG or (rest == TAG and chunks > 0):
        raise PayloadFailure("The payload of the sealed file is cut off.")
    return chunks * CHUNK + (rest - TAG if rest else 0)


def seal_one(file_key: bytes, nonce: bytes, plaintext: bytes | bytearray | memoryview) -> bytes:
    """Seal a payload of one chunk: what a letter is, without the machinery for streams."""
    return payload_cipher(file_key, nonce).encrypt(_ONLY_CHUNK, plaintext, None)


def open_one(file_key: bytes, nonce: bytes, sealed: memoryview) -> bytes:
    """Open a payload of one chunk."""
    if len(sealed) < TAG:
        raise PayloadFailure("The payload of the sealed file is cut off.", number=0)
    try:
        return payload_cipher(file_key, nonce).decrypt(_ONLY_CHUNK, sealed, None)
    except InvalidTag:
        raise PayloadFailure("Chunk {number} of the payload is damaged, or the payload is cut off.", number=0) from None


class PayloadSealer:
    """Seals a stream that arrives in pieces of any size; a chunk leaves as soon as it's known not to be the last."""

    def __init__(self, file_key: bytes, nonce: bytes) -> None:
        self._cipher = payload_cipher(file_key, nonce)
        self._pending = bytearray()
        self._number = 0

    def update(self, plaintext: bytes | bytearray | memoryview) -> list[bytes]:
        """Take more plaintext; give the sealed chunks that are complete."""
        view = memoryview(plaintext).cast("B")
        sealed: list[bytes] = []
        if self._pending:
            taken = CHUNK - len(self._pending)
            if len(view) <= taken:
                self._pending += view
                return sealed
            self._pending += view[:taken]
            view = view[taken:]
            sealed.append(self._seal(self._pending, last=False))
            self._wipe_pending()
        # A full chunk waits for one byte more: it may be the last one.
        whole = max(0, len(view) - 1) // CHUNK * CHUNK
        sealed.extend(self._seal(view[at : at + CHUNK], last=False) for at in range(0, whole, CHUNK))
        self._pending += view[whole:]
        return sealed

    def finish(self) -> bytes:
        """Seal what is left as the last chunk."""
        sealed = self._seal(self._pending, last=True)
        self._wipe_pending()
        return sealed

    def _seal(self, plaintext: bytearray | memoryview, *, last: bool) -> bytes:
        sealed = self._cipher.encrypt(chunk_nonce(self._number, last=last), plaintext, None)
        self._number += 1
        return sealed

    def _wipe_pending(self) -> None:
        self._pending[:] = bytes(len(self._pending))
        self._pending.clear()


class PayloadOpener:
    """Opens a stream that arrives in pieces of any size; gives a chunk only after its tag was verified.

    A full chunk is opened as soon as it's there, first as a middle one and, if that fails, as the last one; so the
    plaintext released before a refusal is exactly what the stock implementation releases.
    """

    def __init__(self, file_key: bytes, nonce: bytes) -> None:
        self._cipher = payload_cipher(file_key, nonce)
        self._pending = bytearray()
        self._number = 0
        self._finished = False
        self._failure: PayloadFailure | None = None

    def update(self, sealed: bytes | bytearray | memoryview) -> list[bytes]:
        """Take more of the payload (after the nonce); give the plaintext chunks that are authentic.

        Plaintext that came before a damaged chunk in the same call is given first; the refusal follows on the next
        call. So a caller gets every authentic byte, whatever the size of the pieces.
        """
        self._raise_failure()
        view = memoryview(sealed).cast("B")
        plain: list[bytes] = []
        try:
            while view:
                taken = SEALED_CHUNK - len(self._pending)
                if len(view) < taken:
                    self._require_unfinished()
                    self._pending += view
                    break
                piece: bytearray | memoryview = view[:taken]
                if self._pending:
                    self._pending += piece
                    piece = self._pending
                plain.append(self._open_full(piece))
                view = view[taken:]
                self._pending = bytearray()
        except PayloadFailure as failure:
            self._failure = failure
            if not plain:
                raise
        return plain

    def finish(self) -> bytes:
        """Say that the payload ends here; give the last plaintext, or refuse a payload that was cut off."""
        self._raise_failure()
        if self._finished:
            return b""
        if len(self._pending) < TAG or (len(self._pending) == TAG and self._number > 0):
            raise self._fail("The payload of the sealed file is cut off.")
        plain = self._open(self._pending, last=True)
        if plain is None:
            raise self._fail("Chunk {number} of the payload is damaged, or the payload is cut off.")
        self._finished = True
        return plain

    def _open_full(self, piece: bytearray | memoryview) -> bytes:
        self._require_unfinished()
        plain = self._open(piece, last=False)
        if plain is None:
            plain = self._open(piece, last=True)
            if plain is None:
                raise self._fail("Chunk {number} of the payload is damaged.")
            self._finished = True
        self._number += 1
        return plain

    def _open(self, piece: bytearray | memoryview, *, last: bool) -> bytes | None:
        try:
            return self._cipher.decrypt(chunk_nonce(self._number, last=last), piece, None)
        except InvalidTag:
            return None

    def _require_unfinished(self) -> None:
        if self._finished:
            raise self._fail("Something follows the last chunk of the payload.")

    def _fail(self, text: str) -> PayloadFailure:
        # A failed stream stays failed: whoever goes on reading gets the same refusal, never more plaintext.
        self._failure = PayloadFailure(text, number=self._number)
        return self._failure

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

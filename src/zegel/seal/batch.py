"""A run of chunks turned around in fixed buffers: the inner loop of the descriptor forms.

A batch of 8 to 16 chunks is the sweet spot: smaller, and the threads spend their time handing over the interpreter
lock (it's free only inside the cipher and the system calls); larger, and the data falls out of the processor's cache
between reading, sealing and writing. The slices are made once, since making a memoryview costs as much as
hashing a few hundred bytes.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from zegel.seal.errors import PayloadFailure
from zegel.seal.stream import CHUNK, SEALED_CHUNK, TAG, chunk_nonce

CHUNKS = 16
PLAIN_BATCH = CHUNKS * CHUNK
SEALED_BATCH = CHUNKS * SEALED_CHUNK


class Batch:
    """Room for a batch of plaintext and its sealed form."""

    def __init__(self) -> None:
        self.plain = memoryview(bytearray(PLAIN_BATCH))
        self.sealed = memoryview(bytearray(SEALED_BATCH))
        self._used = 0
        self._pairs = [
            (
                self.plain[number * CHUNK : (number + 1) * CHUNK],
                self.sealed[number * SEALED_CHUNK : (number + 1) * SEALED_CHUNK],
            )
            for number in range(CHUNKS)
        ]

    def seal(self, cipher: ChaCha20Poly1305, first: int, length: int, *, last: bool) -> int:
        """Seal the first *length* bytes of ``plain`` into ``sealed``; give how many bytes that became.

        *first* is the number of the first chunk; with *last*, the final chunk of the batch ends the payload.
        """
        count = max(1, -(-length // CHUNK))
        self._used = max(self._used, length)
        for index in range(count):
            plain, sealed = self._pairs[index]
            size = min(CHUNK, length - index * CHUNK)
            if size < CHUNK:
                plain, sealed = plain[:size], sealed[: size + TAG]
            nonce = chunk_nonce(first + index, last=last and index == count - 1)
            cipher.encrypt_into(nonce, plain, None, sealed)
        return length + count * TAG

    def open(self, cipher: ChaCha20Poly1305, first: int, length: int, *, last: bool) -> int:
        """Open the first *length* bytes of ``sealed`` into ``plain``; give how many bytes that became.

        A refusal says in its fact ``number`` which chunk is damaged; the chunks before it are in ``plain``.
        """
        count = max(1, -(-length // SEALED_CHUNK))
        self._used = max(self._used, min(length, PLAIN_BATCH))
        for index in range(count):
            plain, sealed = self._pairs[index]
            size = min(SEALED_CHUNK, length - index * SEALED_CHUNK)
            number = first + index
            if size < TAG or (size == TAG and number > 0):
                raise PayloadFailure("The payload of the sealed file is cut off.", number=number)
            if size < SEALED_CHUNK:
                plain, sealed = plain[: size - TAG], sealed[:size]
            try:
                cipher.decrypt_into(chunk_nonce(number, last=last and index == count - 1), sealed, None, plain)
            except InvalidTag:
                # decrypt_into has left the unauthenticated plaintext behind: it must not outlive this line.
                plain[:] = bytes(len(plain))
                raise PayloadFailure(
                    "Chunk {number} of the payload is damaged, or the payload is cut off.", number=number
                ) from None
        return length - count * TAG

    def wipe(self) -> None:
        """Overwrite the plaintext, as far as there was any."""
        self.plain[: self._used] = bytes(self._used)

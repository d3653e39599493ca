"""Opening a part of a sealed file: chunks are independent, so a range costs the chunks it touches, no more."""

import os
from collections.abc import Callable, Iterator, Sequence

from cryptography.exceptions import InvalidTag

from zegel.errors import Mistake
from zegel.seal.age import unwrap_header
from zegel.seal.errors import HeaderFailure, PayloadFailure
from zegel.seal.format import MAX_HEADER_BYTES, find_header
from zegel.seal.roles import Identity
from zegel.seal.stream import (
    CHUNK,
    NONCE_LENGTH,
    SEALED_CHUNK,
    chunk_count,
    chunk_nonce,
    payload_cipher,
    plain_payload_size,
)

ReadAt = Callable[[int, int], bytes]
"""Takes an offset and a length; gives that many bytes of the sealed file (fewer only at its end)."""

_FIRST_READ = 16 * 1024
_BATCH = 16


class RangeOpener:
    """Opens ranges of one sealed file, whose bytes it asks for through *read_at*.

    The last chunk is opened first, whatever is asked: without that, a file cut off at a chunk's edge would look like
    a shorter one (c2sp.org/age: seeking relative to the end must verify the final chunk).
    """

    def __init__(self, read_at: ReadAt, sealed_size: int, identities: Sequence[Identity]) -> None:
        self._read_at = read_at
        header = _read_header(read_at, sealed_size)
        file_key = unwrap_header(header, identities)
        nonce = self._exactly(len(header), NONCE_LENGTH)
        self._payload_at = len(header) + NONCE_LENGTH
        self._sealed_size = sealed_size
        self.size = plain_payload_size(sealed_size - len(header))
        self._cipher = payload_cipher(file_key, nonce)
        self._last = chunk_count(self.size) - 1
        for _ in self._chunks(self._last, self._last):
            pass

    @classmethod
    def from_fd(cls, fd: int, identities: Sequence[Identity]) -> "RangeOpener":
        """Open ranges of the regular file behind *fd*, which stays the caller's."""
        return cls(lambda offset, length: os.pread(fd, length, offset), os.fstat(fd).st_size, identities)

    def read(self, offset: int, length: int | None = None) -> bytes:
        """Give the plaintext from *offset*, at most *length* bytes: fewer, or none, past the end."""
        return b"".join(self.iterate(offset, length))

    def iterate(self, offset: int, length: int | None = None) -> Iterator[bytes]:
        """Give the same in pieces, for ranges that do not fit in memory."""
        if offset < 0 or (length is not None and length < 0):
            raise Mistake("A range cannot begin or end before the start of the file.")
        end = self.size if length is None else min(self.size, offset + length)
        if offset >= end:
            return
        first, last = offset // CHUNK, (end - 1) // CHUNK
        for number, plain in self._chunks(first, last):
            begin = number * CHUNK
            yield plain[max(0, offset - begin) : end - begin]

    def _chunks(self, first: int, last: int) -> Iterator[tuple[int, bytes]]:
        for start in range(first, last + 1, _BATCH):
            stop = min(last + 1, start + _BATCH)
            at = self._payload_at + start * SEALED_CHUNK
            sealed = memoryview(self._exactly(at, min(self._payload_at + stop * SEALED_CHUNK, self._sealed_size) - at))
            for number in range(start, stop):
                piece = sealed[(number - start) * SEALED_CHUNK :][:SEALED_CHUNK]
                try:
                    yield number, self._cipher.decrypt(chunk_nonce(number, last=number == self._last), piece, None)
                except InvalidTag:
                    raise PayloadFailure("Chunk {number} of the payload is damaged.", number=number) from None

    def _exactly(self, offset: int, length: int) -> bytes:
        data = self._read_at(offset, length)
        if len(data) != length:
            raise PayloadFailure("The payload of the sealed file is cut off.")
        return data


def open_range(
    source: int | tuple[ReadAt, int], identities: Sequence[Identity], offset: int, length: int | None = None
) -> bytes:
    """Open one range of a sealed file: of a descriptor, or of a ``(read_at, sealed size)`` pair."""
    if isinstance(source, int):
        return RangeOpener.from_fd(source, identities).read(offset, length)
    return RangeOpener(*source, identities).read(offset, length)


def _read_header(read_at: ReadAt, sealed_size: int) -> bytes:
    wanted = _FIRST_READ
    while True:
        data = read_at(0, min(wanted, sealed_size))
        length = find_header(data)
        if length is not None:
            return data[:length]
        if wanted >= min(sealed_size, MAX_HEADER_BYTES + 1):
            raise HeaderFailure("The header of the sealed file is cut off.")
        wanted *= 4

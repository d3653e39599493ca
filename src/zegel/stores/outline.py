"""Outlines: the digest of a blob and of each of its pieces, made while it passes by."""

import hashlib

from zegel.parcels.copies import PIECE_BYTES, Outline


class Outliner:
    """Takes a blob's bytes in order."""

    def __init__(self) -> None:
        self._whole = hashlib.sha256()
        self._piece = hashlib.sha256()
        self._in_piece = 0
        self._pieces: list[bytes] = []
        self.size = 0

    def write(self, data: bytes | memoryview) -> None:
        self._whole.update(data)
        self.size += len(data)
        rest = memoryview(data)
        while rest:
            part = rest[: PIECE_BYTES - self._in_piece]
            self._piece.update(part)
            self._in_piece += len(part)
            rest = rest[len(part) :]
            if self._in_piece == PIECE_BYTES:
                self._close_piece()

    def finish(self, blob: str) -> Outline:
        """The outline; of a blob of one piece without pieces."""
        if self._in_piece:
            self._close_piece()
        pieces = tuple(self._pieces) if len(self._pieces) > 1 else ()
        return Outline(blob, self.size, self._whole.hexdigest(), pieces)

    def _close_piece(self) -> None:
        self._pieces.append(self._piece.digest())
        self._piece, self._in_piece = hashlib.sha256(), 0

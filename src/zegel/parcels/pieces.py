"""A digest in pieces: SHA-256 over the SHA-256 digests of every MiB of a plaintext (docs/format.md §4).

A browser can digest only what lies in memory as a whole, so the plain SHA-256 of a large file would have to be computed
in JavaScript, at a third of the speed of everything else. Pieces are digested by the platform, as they arrive.
"""

import hashlib

PIECE = 1 << 20
"""Bytes of a piece; the last one may be shorter. A plaintext of no bytes has no pieces."""


class PieceDigest:
    """Takes a plaintext in any cuts; memory is flat."""

    def __init__(self) -> None:
        self._all = hashlib.sha256()
        self._piece = hashlib.sha256()
        self._filled = 0

    def update(self, data: bytes | memoryview) -> None:
        """Append."""
        view = memoryview(data)
        while view:
            part = view[: PIECE - self._filled]
            self._piece.update(part)
            self._filled += len(part)
            view = view[len(part) :]
            if self._filled == PIECE:
                self._all.update(self._piece.digest())
                self._piece, self._filled = hashlib.sha256(), 0

    def hexdigest(self) -> str:
        """The digest of all that was taken; taking more afterwards is fine."""
        whole = self._all.copy()
        if self._filled:
            whole.update(self._piece.digest())
        return whole.hexdigest()

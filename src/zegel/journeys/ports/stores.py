"""Where sealed bytes lie (``stores``)."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Protocol

from zegel.parcels.copies import Copy
from zegel.parcels.deposit import Blob


class BlobWriter(Protocol):
    """One blob being written. Nothing of it can be read before :meth:`commit` returns."""

    @property
    def light(self) -> bool:
        """All of it is in memory and little: it may be left as it is, and be committed together with others."""

    def write(self, data: bytes | memoryview) -> None:
        """Append; raises Unavailable (disk full, store away)."""

    def commit(self) -> Blob:
        """Make it durable and return its size and SHA-256.

        Raises Mistake ``blob-exists`` when other bytes already have this name; the same bytes again are fine.
        """

    def abort(self) -> None:
        """Forget it; safe to call at any time, also after :meth:`commit` (then it does nothing)."""


class BlobStore(Protocol):
    """Where sealed bytes lie (``stores``)."""

    def open_write(self, blob: str, class_: int | None = None) -> BlobWriter:
        """Begin a blob. Of a class that is not known yet it is kept where every class may be."""

    def commit_all(self, writers: Sequence[Any]) -> list[Blob]:
        """Commit several writers of this store, under names that were just made up; small ones with one wait."""

    def settle(self, blobs: Sequence[Blob], class_: int) -> list[Copy]:
        """Make sure that enough copies lie where the class may be; returns the rows to record with the deposit.

        Raises Mistake ``unplaceable`` (the rules), ``blob-missing``, ``blob-differs``; Unavailable: patches are away.
        """

    def write_part(self, blob: str, number: int, data: Iterator[bytes], owner: str) -> None:
        """Keep part ``number`` (from 0) of a large blob; writing a part again replaces it."""

    def join_parts(self, blob: str, count: int, owner: str) -> Blob:
        """Make one durable blob of parts 0…count-1; idempotent. Raises Mistake ``missing-part``."""

    def read(self, blob: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Yield the sealed bytes in pieces of at most 256 KiB; raises NotFound before the first piece."""

    def size(self, blob: str) -> int:
        """Raises NotFound."""

    def delete(self, blob: str) -> None:
        """Remove it; removing what is not there is fine."""

    def older_than(self, moment: datetime) -> Iterator[str]:
        """Names of blobs (and leftovers of unfinished ones are removed on the way) last written before ``moment``."""

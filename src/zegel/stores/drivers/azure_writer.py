"""One object on its way into a container of Azure Blob Storage.

One *Put Blob* with ``Content-MD5``, or *Put Block* for every part, each with ``Content-MD5``, and one *Put Block List*.
The service computes these digests itself and refuses other bytes. Either end carries ``If-None-Match: *``, of which the
service says that it holds for one of several at once.
"""

import base64
import secrets
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from azure.core import MatchConditions

from zegel.errors import NotFound
from zegel.parcels.deposit import Blob
from zegel.stores.drivers.azure_errors import translated
from zegel.stores.drivers.driver import missing, silent
from zegel.stores.drivers.parted import Body, Exists, PartedWriter


class Containerful(Protocol):
    """What a writer needs of ``AzureStore``."""

    def blob(self, key: str) -> Any: ...
    def read(self, name: str, start: int = 0, length: int | None = None) -> Iterator[bytes]: ...


class AzureWriter(PartedWriter):
    """One object being written."""

    def __init__(self, store: Containerful, key: str, name: str, replace: bool = False):
        super().__init__(name)
        self._store = store
        self._key = key
        self._replace = replace

    def _put(self, body: Body) -> None:
        whole = b"".join(body)
        with translated():
            self._store.blob(self._key).upload_blob(
                whole, length=len(whole), validate_content=True, max_concurrency=1, overwrite=self._replace
            )

    def _begin(self) -> str:
        # Blocks of one name have one room, whoever sends them: ours are told by this.
        return secrets.token_hex(8)

    def _send_part(self, number: int, body: Body) -> str:
        block = base64.b64encode(f"{self._upload}-{number:06d}".encode()).decode()
        whole = b"".join(body)
        with translated():
            self._store.blob(self._key).stage_block(block, whole, length=len(whole), validate_content=True)
        return block

    def _complete(self, tags: Sequence[str], done: Blob) -> None:
        only_new = {} if self._replace else {"match_condition": MatchConditions.IfMissing}
        try:
            with translated():
                self._store.blob(self._key).commit_block_list(list(tags), **only_new)
        except Exists:
            if not self._is_there(done):
                raise silent() from None
        self._upload = ""

    def _cancel(self) -> None:
        forget_blocks(self._store.blob(self._key))

    def _kept(self) -> Iterator[bytes]:
        pieces = self._store.read(self._name)
        first = next(pieces, b"")
        if not first and self._size:
            # Nothing that is sealed is empty: this is somebody forgetting his blocks (below), and over in a moment.
            raise missing()
        yield first
        yield from pieces


def forget_blocks(blob: Any) -> None:
    """Remove blocks that were never committed; what is committed stays. Raises Unavailable.

    The service has no request for that, and keeps them for a week. Committing none of them drops them all, and leaves
    an empty blob for a moment, which is deleted if it is still that one.
    """
    try:
        with translated():
            made = blob.commit_block_list([], match_condition=MatchConditions.IfMissing)
            blob.delete_blob(etag=made["etag"], match_condition=MatchConditions.IfNotModified)
    except (Exists, NotFound):
        pass  # Committed meanwhile, or forgotten by somebody else.

"""A container of Azure Blob Storage, for whoever has to leave one.

Objects lie at ``<prefix>blobs/<name>``, parts of large uploads at ``<prefix>parts/<name>.<owner>/<number>``; how they
get there, ``azure_writer`` tells.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import requests
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.blob import BlobProperties, ContainerClient, LinearRetry
from requests.adapters import HTTPAdapter

from zegel.errors import NotFound, Unavailable
from zegel.parcels.deposit import Blob
from zegel.stores.drivers.azure_errors import LOCKED, MISSING, Beyond, of_answer, translated
from zegel.stores.drivers.azure_writer import AzureWriter, forget_blocks
from zegel.stores.drivers.driver import (
    PIECE,
    Guarantees,
    Remains,
    Stored,
    Writer,
    check_address,
    checked_name,
    locked,
    missing_part,
    parts_of,
    silent,
    write_all,
)
from zegel.stores.drivers.parted import PART

_BATCH: Final = 256
"""The service deletes at most this many names per request."""
_CHUNK: Final = 4 * 1024 * 1024
"""So much of a blob is asked for at a time, and is in memory."""

# It writes every request down at INFO, with the names of blobs.
logging.getLogger("azure.core.pipeline.policies.http_logging_policy").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Container:
    """Where it is and how to get in: an account and its key, or without ``account`` a shared access signature."""

    endpoint: str
    container: str
    account: str
    secret: str = field(repr=False)
    prefix: str = "zegel/"

    @property
    def credential(self) -> Any:
        """As the library wants it."""
        if self.account:
            return {"account_name": self.account, "account_key": self.secret}
        return self.secret.lstrip("?")


class AzureStore:
    """A ``Driver`` in a container."""

    guarantees = Guarantees(exclusive=True, prompt=False)

    def __init__(
        self, container: Container, connect_seconds: float = 5, read_seconds: float = 20, connections: int = 32
    ):
        check_address(container.endpoint)
        self.prefix = container.prefix
        session = requests.Session()
        for scheme in ("https://", "http://"):
            session.mount(scheme, HTTPAdapter(pool_maxsize=connections, pool_connections=2))
        self.client = ContainerClient(
            container.endpoint.rstrip("/"),
            container.container,
            credential=container.credential,
            transport=RequestsTransport(session=session, connection_timeout=connect_seconds, read_timeout=read_seconds),
            # A second copy elsewhere is a better retry than a third try here.
            retry_policy=LinearRetry(backoff=0, retry_total=1, random_jitter_range=0),
            max_single_put_size=PART,
            max_single_get_size=_CHUNK,
            max_chunk_get_size=_CHUNK,
            permit_redirects=False,
        )

    # One object ---------------------------------------------------------------------------------------------------

    def key(self, name: str) -> str:
        return f"{self.prefix}blobs/{checked_name(name)}"

    def blob(self, key: str) -> Any:
        """The library's client of one object."""
        return self.client.get_blob_client(key)

    def facts(self, key: str) -> BlobProperties:
        """What the service says of one object; raises NotFound."""
        with translated():
            found: BlobProperties = self.blob(key).get_blob_properties()
            return found

    def open_write(self, name: str) -> AzureWriter:
        return AzureWriter(self, self.key(name), name)

    def commit_all(self, writers: Sequence[Writer]) -> list[Blob]:
        return [writer.commit() for writer in writers]

    def read(self, name: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        return self._read(self.key(name), start, length)

    def _read(self, key: str, start: int, length: int | None) -> Iterator[bytes]:
        if length == 0:
            return iter(())
        try:
            with translated():
                stream = self.blob(key).download_blob(offset=start, length=length, max_concurrency=1)
        except Beyond:
            return iter(())
        return _pieces(stream.chunks())

    def size(self, name: str) -> int:
        return int(self.facts(self.key(name)).size)

    def delete(self, names: Sequence[str]) -> dict[str, Unavailable]:
        by_key = {self.key(name): name for name in names}
        keys = list(by_key)
        kept: dict[str, Unavailable] = {}
        old = self._keeps_versions()
        for first in range(0, len(keys), _BATCH):
            batch = keys[first : first + _BATCH]
            try:
                found = self._delete(batch) if not old else self._delete_versions(batch)
            except Unavailable as error:
                if not first:
                    raise
                found = dict.fromkeys(keys[first:], error)
            kept |= {by_key[key]: why for key, why in found.items()}
        return kept

    def _delete(self, keys: Sequence[str]) -> dict[str, Unavailable]:
        with translated():
            answers = list(self.client.delete_blobs(*keys, delete_snapshots="include", raise_on_any_failure=False))
        # Answers come in the order of the questions ("Blob Batch", response body).
        kept = {}
        for key, answer in zip(keys, answers, strict=True):
            why = _why_kept(answer.status_code, str(answer.headers.get("x-ms-error-code", "")))
            if why:
                kept[key] = why
        return kept

    def _delete_versions(self, keys: Sequence[str]) -> dict[str, Unavailable]:
        """One after another: every version is a blob of its own, and deleting the newest makes one more."""
        kept: dict[str, Unavailable] = {}
        for key in keys:
            try:
                with translated():
                    self.blob(key).delete_blob(delete_snapshots="include")
            except NotFound:
                pass
            except Unavailable as error:
                kept[key] = _as_kept(error)
                continue
            try:
                for entry in self._entries(key, ["versions"]):
                    if entry.name == key and entry.version_id:
                        with translated():
                            self.blob(key).delete_blob(version_id=entry.version_id)
            except NotFound:
                continue
            except Unavailable as error:
                kept[key] = _as_kept(error)
        return kept

    # Everything ---------------------------------------------------------------------------------------------------

    def _keeps_versions(self) -> bool:
        """Whether the account keeps old versions. It tells by giving each blob the number of its version."""
        entry = next(self._entries(self.prefix, ["versions"], page=1), None)
        return entry is not None and bool(entry.version_id)

    def _entries(self, under: str, include: list[str] | None = None, page: int | None = None) -> Iterator[Any]:
        with translated():
            yield from self.client.list_blobs(name_starts_with=under, include=include, results_per_page=page)

    def listing(self) -> Iterator[Stored]:
        first = len(self.prefix) + len("blobs/")
        for entry in self._entries(f"{self.prefix}blobs/"):
            yield Stored(entry.name[first:], entry.size, entry.last_modified)

    def sweep(self, moment: datetime) -> int:
        removed = 0
        for entry in list(self._entries(f"{self.prefix}parts/")):
            if entry.last_modified < moment:
                self._forget(entry.name)
                removed += 1
        for key, begun in list(self._unfinished()):
            if begun is None or begun < moment:
                forget_blocks(self.blob(key))
                removed += 1
        return removed

    def _unfinished(self) -> Iterator[tuple[str, datetime | None]]:
        """Keys that have blocks and no blob. A listing shows them as empty, and a question after them says *no*."""
        for entry in self._entries(self.prefix, ["uncommittedblobs"]):
            if not entry.size:
                try:
                    self.facts(entry.name)
                except NotFound:
                    yield entry.name, entry.last_modified

    def remains(self) -> Remains:
        found = Remains()
        for entry in self._entries(self.prefix):
            found.objects += 1
            found.size += entry.size
        found.uploads = sum(1 for _ in self._unfinished())
        try:
            every = self._entries(self.prefix, ["snapshots", "versions", "deleted"])
            found.versions = sum(1 for _ in every) - found.objects
        except Unavailable as error:
            found.unknown.append(f"old and deleted versions ({error})")
        return found

    # Parts of large uploads ---------------------------------------------------------------------------------------

    def write_part(self, name: str, number: int, data: Iterator[bytes], owner: str) -> None:
        write_all(AzureWriter(self, self._part(name, owner, number), name, replace=True), data)

    def read_parts(self, name: str, count: int, owner: str) -> Iterator[bytes]:
        there = {entry.name for entry in self._entries(self._parts(name, owner))}
        keys = [self._part(name, owner, number) for number in range(count)]
        if not there.issuperset(keys):
            raise missing_part()
        return (piece for key in keys for piece in self._read(key, 0, None))

    def forget_parts(self, name: str, owner: str) -> None:
        for entry in list(self._entries(self._parts(name, owner))):
            self._forget(entry.name)

    def _forget(self, key: str) -> None:
        """Remove a part; somebody else may have, in between."""
        with suppress(NotFound), translated():
            self.blob(key).delete_blob(delete_snapshots="include")

    def _parts(self, name: str, owner: str) -> str:
        return f"{self.prefix}parts/{parts_of(name, owner)}/"

    def _part(self, name: str, owner: str, number: int) -> str:
        return f"{self._parts(name, owner)}{number:06d}"


def _pieces(chunks: Iterator[bytes]) -> Iterator[bytes]:
    with translated():
        for chunk in chunks:
            for start in range(0, len(chunk), PIECE):
                yield chunk[start : start + PIECE]


def _why_kept(status: int, code: str) -> Unavailable | None:
    if status < 300 or code in MISSING:
        return None
    if code in LOCKED:
        return locked(code)
    error = of_answer(code, status)
    if isinstance(error, Unavailable) and error.kind == "store-refused":
        # The account or the container, not this name.
        raise error
    return error if isinstance(error, Unavailable) else silent()


def _as_kept(error: Unavailable) -> Unavailable:
    reason = str(error.facts.get("reason", ""))
    return locked(reason) if reason in LOCKED else error

"""One object on its way into a bucket.

Up to 8 MiB is one PUT with ``Content-MD5`` and ``If-None-Match: *``; more is a multipart upload of 8 MiB pieces, at
most two on their way, each with ``Content-MD5``. Every answer's ETag, the provider's own digest of what it keeps, is
compared with ours. So memory stays flat, and what the provider got is what we sent.
"""

import base64
import hashlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final, Protocol

from zegel.errors import NotFound, Unavailable
from zegel.parcels.deposit import Blob
from zegel.stores.drivers.driver import silent, taken
from zegel.stores.drivers.s3_errors import Exists, translated

PART: Final = 8 * 1024 * 1024
_AT_ONCE: Final = 2


class Bucketful(Protocol):
    """What a writer needs of ``S3Store``."""

    client: Any
    bucket: str

    def head(self, key: str) -> dict[str, Any]: ...
    def read(self, name: str, start: int = 0, length: int | None = None) -> Iterator[bytes]: ...


class S3Writer:
    """One object being written; never more than three pieces of 8 MiB in memory."""

    def __init__(self, store: Bucketful, key: str, name: str, replace: bool = False):
        self._store = store
        self._key = key
        self._name = name
        self._replace = replace
        self._hash = hashlib.sha256()
        self._size = 0
        self._piece = bytearray()
        self._upload = ""
        self._etags: list[str] = []
        self._flying: list[Future[str]] = []
        self._pool: ThreadPoolExecutor | None = None
        self._done: Blob | None = None

    def write(self, data: bytes | memoryview) -> None:
        self._hash.update(data)
        self._size += len(data)
        rest = memoryview(data)
        while rest:
            taken_now = rest[: PART - len(self._piece)]
            self._piece += taken_now
            rest = rest[len(taken_now) :]
            # Kept back when exactly full: whether it is the last decides between one PUT and a multipart upload.
            if rest and len(self._piece) == PART:
                self._send()

    def commit(self) -> Blob:
        if self._done:
            return self._done
        done = Blob(self._name, self._size, self._hash.hexdigest())
        if self._upload:
            self._finish(done)
        else:
            self._put(done)
        self._done = done
        return done

    def abort(self) -> None:
        for future in self._flying:
            with suppress(Exception):
                future.result()
        self._flying.clear()
        if self._pool:
            self._pool.shutdown(wait=True)
            self._pool = None
        if self._upload and not self._done:
            with suppress(Unavailable, NotFound), translated():
                self._store.client.abort_multipart_upload(**self._where(), UploadId=self._upload)
        self._upload = ""
        self._piece = bytearray()

    def _where(self) -> dict[str, str]:
        return {"Bucket": self._store.bucket, "Key": self._key}

    def _put(self, done: Blob) -> None:
        body = bytes(self._piece)
        digest = hashlib.md5(body, usedforsecurity=False)
        only_new = {} if self._replace else {"IfNoneMatch": "*"}
        try:
            with translated():
                answer = self._store.client.put_object(
                    **self._where(), Body=body, ContentMD5=base64.b64encode(digest.digest()).decode(), **only_new
                )
        except Exists:
            # Also our own first try, whose answer was lost.
            self._check_same(done)
            return
        _compare(answer["ETag"], digest.hexdigest())

    def _send(self) -> None:
        if not self._upload:
            with translated():
                self._upload = self._store.client.create_multipart_upload(**self._where())["UploadId"]
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_AT_ONCE, "s3-part")
        if len(self._flying) - len(self._etags) >= _AT_ONCE:
            self._etags.append(self._flying[len(self._etags)].result())
        self._flying.append(self._pool.submit(self._send_part, len(self._flying) + 1, bytes(self._piece)))
        self._piece.clear()

    def _send_part(self, number: int, body: bytes) -> str:
        digest = hashlib.md5(body, usedforsecurity=False)
        md5 = base64.b64encode(digest.digest()).decode()
        with translated():
            answer = self._store.client.upload_part(
                **self._where(), UploadId=self._upload, PartNumber=number, Body=body, ContentMD5=md5
            )
        _compare(answer["ETag"], digest.hexdigest())
        return str(answer["ETag"])

    def _finish(self, done: Blob) -> None:
        self._send()
        self._etags += [future.result() for future in self._flying[len(self._etags) :]]
        try:
            # No conditional completion on older servers: names are random, so this race needs a second writer of ours.
            self._store.head(self._key)
            if not self._replace:
                self._check_same(done)
                return
        except NotFound:
            pass
        parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(self._etags, 1)]
        with translated():
            self._store.client.complete_multipart_upload(
                **self._where(), UploadId=self._upload, MultipartUpload={"Parts": parts}
            )
        self._upload = ""
        if int(self._store.head(self._key)["ContentLength"]) != done.size:
            raise silent()

    def _check_same(self, done: Blob) -> None:
        digest = hashlib.sha256()
        for piece in self._store.read(self._name):
            digest.update(piece)
        if digest.hexdigest() != done.sha256:
            raise taken()


def _compare(etag: str, md5: str) -> None:
    """An ETag of another shape (encrypted buckets) says nothing; one of an MD5's shape must be it."""
    plain = etag.strip('"').lower()
    if len(plain) == 32 and plain != md5:
        raise silent()

"""One object on its way into a bucket.

One PUT with ``Content-MD5`` and ``If-None-Match: *``, or a multipart upload, each part with ``Content-MD5``. Every
answer's ETag, the provider's own digest of what it keeps, is compared with ours: what the provider got is what we sent.
"""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from zegel.errors import NotFound
from zegel.parcels.deposit import Blob
from zegel.stores.drivers.driver import silent
from zegel.stores.drivers.parted import Body, PartedWriter
from zegel.stores.drivers.s3_errors import translated
from zegel.stores.drivers.s3_wire import Wire


class Bucketful(Protocol):
    """What a writer needs of ``S3Store``."""

    client: Any
    bucket: str
    wire: Wire

    def head(self, key: str) -> dict[str, Any]: ...
    def read(self, name: str, start: int = 0, length: int | None = None) -> Iterator[bytes]: ...


class S3Writer(PartedWriter):
    """One object being written."""

    def __init__(self, store: Bucketful, key: str, name: str, replace: bool = False):
        super().__init__(name)
        self._store = store
        self._key = key
        self._replace = replace

    def _where(self) -> dict[str, str]:
        return {"Bucket": self._store.bucket, "Key": self._key}

    def _put(self, body: Body) -> None:
        digest = _md5(body)
        only_new = {} if self._replace else {"If-None-Match": "*"}
        with translated():
            etag = self._store.wire.put(self._key, body, _base64(digest), only_new)
        _compare(etag, digest.hex())

    def _begin(self) -> str:
        with translated():
            return str(self._store.client.create_multipart_upload(**self._where())["UploadId"])

    def _send_part(self, number: int, body: Body) -> str:
        digest = _md5(body)
        with translated():
            etag = self._store.wire.put(self._key, body, _base64(digest), partNumber=number, uploadId=self._upload)
        _compare(etag, digest.hex())
        return etag

    def _complete(self, tags: Sequence[str], done: Blob) -> None:
        # No conditional completion on older servers: names are random, so this race needs a second writer of ours.
        if not self._replace and self._is_there(done):
            return
        parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(tags, 1)]
        with translated():
            self._store.client.complete_multipart_upload(
                **self._where(), UploadId=self._upload, MultipartUpload={"Parts": parts}
            )
        self._upload = ""
        try:
            kept = int(self._store.head(self._key)["ContentLength"])
        except NotFound:  # Deleted by now, or never there: either way it is not there to be recorded.
            raise silent() from None
        if kept != done.size:
            raise silent()

    def _cancel(self) -> None:
        with translated():
            self._store.client.abort_multipart_upload(**self._where(), UploadId=self._upload)

    def _kept(self) -> Iterator[bytes]:
        return self._store.read(self._name)


def _md5(body: Body) -> bytes:
    digest = hashlib.md5(usedforsecurity=False)
    for piece in body:
        digest.update(piece)
    return digest.digest()


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


def _compare(etag: str, md5: str) -> None:
    """An ETag of another shape (encrypted buckets) says nothing; one of an MD5's shape must be it."""
    plain = etag.strip('"').lower()
    if len(plain) == 32 and plain != md5:
        raise silent()

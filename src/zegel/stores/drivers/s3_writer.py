"""One object on its way into a bucket.

Up to 8 MiB is one PUT with ``Content-MD5`` and ``If-None-Match: *``; more is a multipart upload of 8 MiB pieces, at
most two on their way, each with ``Content-MD5``. Every answer's ETag, the provider's own digest of what it keeps, is
compared with ours. So memory stays flat, and what the provider got is what we sent.
"""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final, Protocol

from zegel.errors import NotFound, Unavailable
from zegel.parcels.deposit import Blob
from zegel.stores.drivers.driver import silent, taken
from zegel.stores.drivers.s3_errors import Exists, translated
from zegel.stores.drivers.s3_wire import Wire

PART: Final = 8 * 1024 * 1024
_AT_ONCE: Final = 2
_LITTLE: Final = 64 * 1024
_TRIES: Final = 5
"""So often a name may be taken, and free again when we look."""


class Bucketful(Protocol):
    """What a writer needs of ``S3Store``."""

    client: Any
    bucket: str
    wire: Wire

    def head(self, key: str) -> dict[str, Any]: ...
    def read(self, name: str, start: int = 0, length: int | None = None) -> Iterator[bytes]: ...


class S3Writer:
    """One object being written; never more than three pieces of 8 MiB in memory."""

    light = False

    def __init__(self, store: Bucketful, key: str, name: str, replace: bool = False):
        self._store = store
        self._key = key
        self._name = name
        self._replace = replace
        self._hash = hashlib.sha256()
        self._size = 0
        self._part: list[bytes | bytearray] = []
        self._in_part = 0
        self._upload = ""
        self._etags: list[str] = []
        self._flying: list[Future[str]] = []
        self._pool: ThreadPoolExecutor | None = None
        self._done: Blob | None = None

    def digest(self) -> str:
        return self._hash.hexdigest()

    def write(self, data: bytes | memoryview) -> None:
        self._hash.update(data)
        self._size += len(data)
        while data:
            # Kept back when exactly full: whether it is the last decides between one PUT and a multipart upload.
            if self._in_part == PART:
                self._send()
            room = PART - self._in_part
            self._keep(data if len(data) <= room else memoryview(data)[:room])
            data = memoryview(data)[room:]

    def _keep(self, data: bytes | memoryview) -> None:
        """Bytes never change, so large ones are kept as they came; the rest is copied, little to little."""
        self._in_part += len(data)
        last = self._part[-1] if self._part else None
        if isinstance(last, bytearray) and len(last) + len(data) <= _LITTLE:
            last += data
        elif len(data) < _LITTLE:
            self._part.append(bytearray(data))
        else:
            self._part.append(bytes(data))

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
        if self._upload:
            # Also when the same blob was there already, under its name: the pieces of this one are too many then.
            with suppress(Unavailable, NotFound), translated():
                self._store.client.abort_multipart_upload(**self._where(), UploadId=self._upload)
        self._upload = ""
        self._part, self._in_part = [], 0

    def _where(self) -> dict[str, str]:
        return {"Bucket": self._store.bucket, "Key": self._key}

    def _put(self, done: Blob) -> None:
        digest = _md5(self._part)
        only_new = {} if self._replace else {"If-None-Match": "*"}
        for _ in range(_TRIES):
            try:
                with translated():
                    etag = self._store.wire.put(self._key, self._part, _base64(digest), only_new)
            except Exists:
                # Also our own first try, whose answer was lost.
                if self._is_there(done):
                    return
            else:
                _compare(etag, digest.hex())
                return
        raise silent()

    def _send(self) -> None:
        if not self._upload:
            with translated():
                self._upload = self._store.client.create_multipart_upload(**self._where())["UploadId"]
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_AT_ONCE, "s3-part")
        if len(self._flying) - len(self._etags) >= _AT_ONCE:
            self._etags.append(self._flying[len(self._etags)].result())
        self._flying.append(self._pool.submit(self._send_part, len(self._flying) + 1, self._part))
        self._part, self._in_part = [], 0

    def _send_part(self, number: int, body: list[bytes | bytearray]) -> str:
        digest = _md5(body)
        with translated():
            etag = self._store.wire.put(self._key, body, _base64(digest), partNumber=number, uploadId=self._upload)
        _compare(etag, digest.hex())
        return etag

    def _finish(self, done: Blob) -> None:
        self._send()
        self._etags += [future.result() for future in self._flying[len(self._etags) :]]
        # No conditional completion on older servers: names are random, so this race needs a second writer of ours.
        if not self._replace and self._is_there(done):
            return
        parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(self._etags, 1)]
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

    def _is_there(self, done: Blob) -> bool:
        """Whether the same bytes have this name; raises Mistake when others have. Deleted while we look: it is free."""
        digest = hashlib.sha256()
        try:
            for piece in self._store.read(self._name):
                digest.update(piece)
        except NotFound:
            return False
        if digest.hexdigest() != done.sha256:
            raise taken()
        return True


def _md5(body: Sequence[bytes | bytearray]) -> bytes:
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

"""A bucket at whoever speaks S3.

Objects lie at ``<prefix>blobs/<name>``, parts of large uploads at ``<prefix>parts/<name>.<owner>/<number>``; how they
get there, ``s3_writer`` tells. Blobs travel over ``s3_wire``; boto3 asks for everything else.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import boto3
from botocore.config import Config

from zegel.errors import Unavailable
from zegel.parcels.deposit import Blob
from zegel.stores.drivers.driver import (
    Guarantees,
    Remains,
    Stored,
    Writer,
    check_address,
    checked_name,
    is_permanent,
    locked,
    missing_part,
    parts_of,
    silent,
    write_all,
)
from zegel.stores.drivers.s3_errors import LOCKED, MISSING, Answer, translated
from zegel.stores.drivers.s3_wire import Wire, address
from zegel.stores.drivers.s3_writer import S3Writer

_BATCH: Final = 1000
"""S3 deletes at most this many names per request."""
_FIRST, _FEW, _SHORT, _LONG = 50, 10, 1.0, 5.0
"""Names in the first request, and in one after a request that failed; seconds below which more are tried, above which
fewer.

A server that asks its disks for each name (Swift) takes minutes for a thousand, and whoever stands before it, or our
own timeout, gives up long before.
"""


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where it is and how to get in. ``region`` must be what the provider calls it: some check it."""

    endpoint: str
    bucket: str
    region: str
    access_key: str
    secret_key: str = field(repr=False)
    prefix: str = "zegel/"
    path_style: bool = True


class S3Store:
    """A ``Driver`` in a bucket."""

    # Not exclusive: of four writers at once, Swift told several that If-None-Match had held.
    guarantees = Guarantees(exclusive=False, prompt=False)

    def __init__(self, bucket: Bucket, connect_seconds: float = 5, read_seconds: float = 20, connections: int = 32):
        check_address(bucket.endpoint)
        self.bucket = bucket.bucket
        self.prefix = bucket.prefix
        self.client: Any = boto3.session.Session().client(
            "s3",
            endpoint_url=bucket.endpoint,
            region_name=bucket.region,
            aws_access_key_id=bucket.access_key,
            aws_secret_access_key=bucket.secret_key,
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": "path" if bucket.path_style else "virtual"},
                # Newer botocore adds CRC trailers by itself, which older servers refuse; we send Content-MD5.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                # A second copy elsewhere is a better retry than a third try here.
                retries={"total_max_attempts": 2, "mode": "standard"},
                connect_timeout=connect_seconds,
                read_timeout=read_seconds,
                max_pool_connections=connections,
            ),
        )
        self.wire = Wire(
            address(bucket.endpoint, bucket.bucket, bucket.path_style),
            bucket.region,
            bucket.access_key,
            bucket.secret_key,
            (connect_seconds, read_seconds),
            connections,
        )
        self._versioned: bool | None = None
        self._together = _FIRST

    def key(self, name: str) -> str:
        return f"{self.prefix}blobs/{checked_name(name)}"

    def open_write(self, name: str) -> "S3Writer":
        return S3Writer(self, self.key(name), name)

    def commit_all(self, writers: Sequence[Writer]) -> list[Blob]:
        return [writer.commit() for writer in writers]

    def read(self, name: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        return self._read(self.key(name), start, length)

    def _read(self, key: str, start: int, length: int | None) -> Iterator[bytes]:
        if length == 0:
            return iter(())
        wanted = ""
        if start or length is not None:
            wanted = f"bytes={start}-" + ("" if length is None else str(start + length - 1))
        with translated():
            try:
                return self.wire.get(key, wanted)
            except Answer as answer:
                if answer.status == 416:
                    return iter(())
                raise

    def size(self, name: str) -> int:
        return int(self.head(self.key(name))["ContentLength"])

    def head(self, key: str) -> dict[str, Any]:
        """Size and ETag of one object; raises NotFound."""
        with translated():
            found: dict[str, Any] = self.client.head_object(Bucket=self.bucket, Key=key)
            return found

    def delete(self, names: Sequence[str]) -> dict[str, Unavailable]:
        kept: dict[str, Unavailable] = {}
        left = list(names)
        while left:
            batch, began = left[: self._together], time.monotonic()
            try:
                kept |= self._delete(batch)
            except Unavailable as error:
                if not is_permanent(error) and len(batch) > _FEW:
                    # Perhaps it was too much at once. What it deletes after all is quickly answered the next time.
                    self._together = _FEW
                    continue
                if len(left) == len(names):
                    raise
                return kept | dict.fromkeys(left, error)
            self._pace(len(batch), time.monotonic() - began)
            del left[: len(batch)]
        return kept

    def _pace(self, count: int, seconds: float) -> None:
        if seconds > _LONG:
            self._together = max(count // 2, _FEW)
        elif seconds < _SHORT and count == self._together:
            self._together = min(count * 2, _BATCH)

    def _delete(self, names: Sequence[str]) -> dict[str, Unavailable]:
        by_key = {self.key(name): name for name in names}
        objects: list[dict[str, str]] = [{"Key": key} for key in by_key]
        if self.versioned():
            objects = [{"Key": key, "VersionId": version} for key in by_key for version in self._versions_of(key)]
        kept: dict[str, Unavailable] = {}
        for first in range(0, len(objects), _BATCH):
            with translated():
                answer = self.client.delete_objects(
                    Bucket=self.bucket, Delete={"Objects": objects[first : first + _BATCH], "Quiet": True}
                )
            for error in answer.get("Errors", ()):
                if error["Code"] not in MISSING:
                    reason = error.get("Message") or error["Code"]
                    kept[by_key[error["Key"]]] = locked(reason) if error["Code"] in LOCKED else silent()
        return kept

    def versioned(self) -> bool:
        """Whether the bucket keeps old versions (asked once); a storage that does not know the question has none."""
        if self._versioned is None:
            try:
                with translated():
                    answer = self.client.get_bucket_versioning(Bucket=self.bucket)
                self._versioned = answer.get("Status") in ("Enabled", "Suspended")
            except Unavailable as error:
                if error.kind == "store-unavailable" and error.facts.get("reason") != "NotImplemented":
                    raise
                self._versioned = False
        return self._versioned

    def _versions_of(self, key: str) -> list[str]:
        with translated():
            answer = self.client.list_object_versions(Bucket=self.bucket, Prefix=key)
        entries = [*answer.get("Versions", ()), *answer.get("DeleteMarkers", ())]
        return [entry["VersionId"] for entry in entries if entry["Key"] == key]

    def listing(self) -> Iterator[Stored]:
        first = len(self.key("a" * 26)) - 26
        for entry in self._entries("blobs/"):
            yield Stored(entry["Key"][first:], entry["Size"], entry["LastModified"])

    def _entries(self, under: str) -> Iterator[dict[str, Any]]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix + under)
        with translated():
            for page in pages:
                yield from page.get("Contents", ())

    def sweep(self, moment: datetime) -> int:
        old = [entry["Key"] for entry in self._entries("parts/") if entry["LastModified"] < moment]
        with translated():
            for key in old:
                self.client.delete_object(Bucket=self.bucket, Key=key)
            uploads = [one for one in self._uploads() if one["Initiated"] < moment]
            for one in uploads:
                # NoSuchUpload: it was completed or given up in between.
                with suppress(self.client.exceptions.NoSuchUpload):
                    self.client.abort_multipart_upload(Bucket=self.bucket, Key=one["Key"], UploadId=one["UploadId"])
        return len(old) + len(uploads)

    def _uploads(self) -> Iterator[dict[str, Any]]:
        pages = self.client.get_paginator("list_multipart_uploads").paginate(Bucket=self.bucket, Prefix=self.prefix)
        for page in pages:
            yield from page.get("Uploads", ())

    def remains(self) -> Remains:
        found = Remains()
        for entry in self._entries(""):
            found.objects += 1
            found.size += entry["Size"]
        try:
            with translated():
                found.uploads = sum(1 for _ in self._uploads())
        except Unavailable as error:
            found.unknown.append(f"unfinished uploads ({error})")
        try:
            # Asked anew: a proof must not rest on what was so when this process started.
            self._versioned = None
            if self.versioned():
                with translated():
                    pages = self.client.get_paginator("list_object_versions").paginate(
                        Bucket=self.bucket, Prefix=self.prefix
                    )
                    for page in pages:
                        found.versions += len(page.get("Versions", ())) + len(page.get("DeleteMarkers", ()))
                found.versions -= found.objects
        except Unavailable as error:
            found.unknown.append(f"old versions ({error})")
        return found

    # Parts of large uploads ---------------------------------------------------------------------------------------

    def write_part(self, name: str, number: int, data: Iterator[bytes], owner: str) -> None:
        write_all(S3Writer(self, self._part(name, owner, number), name, replace=True), data)

    def read_parts(self, name: str, count: int, owner: str) -> Iterator[bytes]:
        under = self._part(name, owner, 0).removesuffix("000000").removeprefix(self.prefix)
        there = {entry["Key"] for entry in self._entries(under)}
        keys = [self._part(name, owner, number) for number in range(count)]
        if not there.issuperset(keys):
            raise missing_part()
        return (piece for key in keys for piece in self._read(key, 0, None))

    def forget_parts(self, name: str, owner: str) -> None:
        under = self._part(name, owner, 0).removesuffix("000000").removeprefix(self.prefix)
        with translated():
            for entry in list(self._entries(under)):
                self.client.delete_object(Bucket=self.bucket, Key=entry["Key"])

    def _part(self, name: str, owner: str, number: int) -> str:
        return f"{self.prefix}parts/{parts_of(name, owner)}/{number:06d}"

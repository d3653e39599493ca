"""The exam, on local disk and on two real S3 servers."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.ground.s3 import Server
from tests.stores.exam import MIB, Exam, get, put
from zegel.errors import Mistake, Unavailable
from zegel.parcels.identifiers import new_identifier
from zegel.stores.drivers.driver import Driver, is_permanent
from zegel.stores.drivers.local import LocalStore
from zegel.stores.drivers.s3 import Bucket, S3Store


class TestLocal(Exam):
    """A folder."""

    @pytest.fixture
    def again(self, tmp_path: Path) -> Callable[[], Driver]:
        return lambda: LocalStore(tmp_path / "store")

    @pytest.fixture
    def driver(self, again: Callable[[], Driver]) -> Driver:
        return again()


class _OnS3(Exam):
    @pytest.fixture
    def bucket(self, server: Server) -> Bucket:
        return server.fresh()

    @pytest.fixture
    def again(self, bucket: Bucket) -> Callable[[], Driver]:
        return lambda: S3Store(bucket)

    @pytest.fixture
    def driver(self, again: Callable[[], Driver]) -> Driver:
        return again()

    def test_a_wrong_key_is_permanent_and_never_not_found(self, bucket: Bucket) -> None:
        stranger = S3Store(replace(bucket, secret_key="wrong"))
        for use in (stranger.size, stranger.read, lambda name: stranger.delete([name])):
            with pytest.raises(Unavailable) as caught:
                use(new_identifier())
            assert is_permanent(caught.value)
        with pytest.raises(Unavailable) as caught:
            put(stranger, b"x")
        assert is_permanent(caught.value)
        assert "wrong" not in str(caught.value)

    def test_a_bucket_that_is_gone_is_permanent(self, bucket: Bucket) -> None:
        S3Store(bucket).client.delete_bucket(Bucket=bucket.bucket)
        with pytest.raises(Unavailable) as caught:
            put(S3Store(bucket), b"x")
        assert is_permanent(caught.value)

    def test_deleting_in_a_bucket_that_keeps_versions_removes_them_all(self, bucket: Bucket) -> None:
        store = S3Store(bucket)
        store.client.put_bucket_versioning(Bucket=bucket.bucket, VersioningConfiguration={"Status": "Enabled"})
        store, name = S3Store(bucket), new_identifier()
        for body in (b"old", b"new"):
            store.client.put_object(Bucket=bucket.bucket, Key=store.key(name), Body=body)
        assert store.remains().versions == 1
        assert store.delete([name]) == {}
        assert store.remains().nothing

    def test_a_bucket_that_keeps_versions_since_is_seen_in_the_proof(self, bucket: Bucket) -> None:
        store = S3Store(bucket)
        name = put(store, b"sealed")
        store.delete([new_identifier()])
        S3Store(bucket).client.put_bucket_versioning(
            Bucket=bucket.bucket, VersioningConfiguration={"Status": "Enabled"}
        )
        store.delete([name])
        assert not store.remains().nothing
        assert store.delete([name]) == {}
        assert store.remains().nothing

    @pytest.mark.parametrize("size", [1000, 9 * MIB])
    def test_a_blob_that_is_deleted_while_it_is_put_again_is_put(
        self, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, size: int
    ) -> None:
        store = S3Store(bucket)
        name, read = put(store, b"x" * size), store.read
        looked = []

        def too_late(*arguments: Any) -> Iterator[bytes]:
            looked.append(store.delete([name]))
            return read(*arguments)

        monkeypatch.setattr(store, "read", too_late)
        put(store, b"x" * size, name)
        assert looked == [{}]
        assert get(S3Store(bucket), name) == b"x" * size

    def test_a_sweep_does_not_mind_what_is_given_up_meanwhile(
        self, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = S3Store(bucket)
        first, second = (store.open_write(new_identifier()) for _ in range(2))
        for writer in (first, second):
            writer.write(b"x" * (17 * MIB))
        found = list(store._uploads())
        assert len(found) == 2
        first.abort()
        monkeypatch.setattr(store, "_uploads", lambda: found)
        assert store.sweep(datetime.now(UTC) + timedelta(hours=1)) == 2
        assert S3Store(bucket).remains().nothing
        second.abort()


@pytest.mark.slow
class TestSwift(_OnS3):
    """OpenStack Swift."""

    @pytest.fixture
    def server(self, swift: Server) -> Server:
        return swift


@pytest.mark.slow
class TestCeph(_OnS3):
    """Ceph's gateway."""

    @pytest.fixture
    def server(self, ceph: Server) -> Server:
        return ceph

    def test_a_lock_that_refuses_deletion_is_told_by_name(self, server: Server) -> None:
        bucket = replace(server.bucket, bucket="zegel-locked")
        store = S3Store(bucket)
        store.client.create_bucket(Bucket=bucket.bucket, ObjectLockEnabledForBucket=True)
        held, free = put(store, b"held"), put(store, b"free")
        store.client.put_object_retention(
            Bucket=bucket.bucket,
            Key=store.key(held),
            Retention={"Mode": "COMPLIANCE", "RetainUntilDate": datetime.now(UTC) + timedelta(days=1)},
        )
        kept = store.delete([held, free])
        assert list(kept) == [held]
        assert kept[held].kind == "store-locked"
        assert store.remains().objects == 1


def test_an_endpoint_without_tls_is_refused_unless_it_is_this_machine() -> None:
    for endpoint, fits in [("http://s3.voorbeeld.example", False), ("https://s3.voorbeeld.example", True)]:
        bucket = Bucket(endpoint, "b", "nl", "key", "secret")
        if fits:
            S3Store(bucket)
        else:
            with pytest.raises(Mistake, match="https"):
                S3Store(bucket)
        assert "secret" not in repr(bucket).replace("secret_key", "")


class _Pondering(BaseHTTPRequestHandler):
    """Takes what comes, and answers a while later."""

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(1)  # What is shown is that it may take this long.
        self.send_response(200)
        self.send_header("ETag", '"x"')
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_an_answer_may_take_longer_than_connecting() -> None:
    """As it does when a part of 8 MiB goes over a slow line."""
    server = HTTPServer(("127.0.0.1", 0), _Pondering)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        bucket = Bucket(f"http://127.0.0.1:{server.server_port}", "b", "nl", "key", "secret")
        assert S3Store(bucket, connect_seconds=0.5, read_seconds=120).wire.put("x", [b"body"], "md5") == '"x"'
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_server_that_is_not_there_is_temporary() -> None:
    store = S3Store(Bucket("http://127.0.0.1:9", "b", "nl", "key", "secret"))
    with pytest.raises(Unavailable) as caught:
        store.size(new_identifier())
    assert (caught.value.kind, is_permanent(caught.value)) == ("store-unavailable", False)

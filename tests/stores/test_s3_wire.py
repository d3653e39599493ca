"""The requests that carry blobs, through what stands between us and a storage: faults, proxies, TLS, bucket names."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.ground.delivery import make_certificates
from tests.ground.faults import FaultProxy, faulty
from tests.ground.forward import Forward, forwarding, under_tls
from tests.ground.s3 import Server
from tests.stores.exam import MIB, get, put
from zegel.errors import Unavailable
from zegel.parcels.identifiers import new_identifier
from zegel.stores.drivers.driver import is_permanent
from zegel.stores.drivers.s3 import Bucket, S3Store
from zegel.stores.drivers.s3_wire import address

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy or certificates of whoever runs the tests."""
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def bucket(swift: Server) -> Bucket:
    return swift.fresh()


# One more try --------------------------------------------------------------------------------------------------------


@pytest.fixture
def proxy(bucket: Bucket) -> Iterator[FaultProxy]:
    with faulty(bucket.endpoint) as found:
        yield found


@pytest.fixture
def store(bucket: Bucket, proxy: FaultProxy) -> S3Store:
    return S3Store(replace(bucket, endpoint=proxy.endpoint))


@pytest.mark.parametrize("fault", ["erring", "dead"])
def test_a_fault_that_passes_is_not_noticed(store: S3Store, proxy: FaultProxy, fault: str) -> None:
    data = bytes(range(256)) * 1000
    proxy.next.extend([fault, "well"])
    name = put(store, data)
    assert proxy.requests == 2
    # The connection is an old one by now, which a server may have closed at any time.
    proxy.next.extend([fault, "well"])
    assert get(store, name) == data
    assert proxy.requests == 4


@pytest.mark.parametrize("fault", ["erring", "dead"])
def test_a_fault_that_stays_is_told_after_the_second_try(store: S3Store, proxy: FaultProxy, fault: str) -> None:
    proxy.mood = fault
    for use in (lambda: put(store, b"x"), lambda: store.read(new_identifier())):
        before = proxy.requests
        with pytest.raises(Unavailable) as caught:
            use()
        assert not is_permanent(caught.value)
        assert proxy.requests - before == 2


def test_a_refusal_is_not_asked_twice(store: S3Store, proxy: FaultProxy) -> None:
    proxy.mood = "refusing"
    with pytest.raises(Unavailable) as caught:
        put(store, b"x")
    assert is_permanent(caught.value)
    assert proxy.requests == 1


@pytest.mark.parametrize("size", [20_000, 9 * MIB])
def test_a_write_whose_answer_was_lost_is_found_done(store: S3Store, proxy: FaultProxy, size: int) -> None:
    data = b"\x5a" * size
    if size > 8 * MIB:
        proxy.next.append("well")  # the beginning of the upload; what is lost is a part of it
    proxy.next.append("losing")
    name = put(store, data)
    assert get(store, name) == data
    assert [one.name for one in store.listing()] == [name]


def test_an_object_that_breaks_off_is_told_and_never_taken_for_whole(store: S3Store, proxy: FaultProxy) -> None:
    name = put(store, bytes(MIB))
    proxy.mood = "cutting"
    with pytest.raises(Unavailable):
        get(store, name)


def test_names_that_are_too_many_at_once_are_deleted_few_at_a_time(store: S3Store, proxy: FaultProxy) -> None:
    names = [put(store, b"x") for _ in range(25)]
    proxy.mood = "choking"
    assert store.delete(names) == {}
    assert list(store.listing()) == []


def test_what_was_deleted_before_a_storage_went_away_counts(store: S3Store, proxy: FaultProxy) -> None:
    names = [put(store, b"x") for _ in range(25)]
    assert store.delete([]) == {}
    assert not store.versioned()
    # All at once, and boto3's second try; ten of them; then nobody answers.
    proxy.next.extend(["choking", "choking", "well"])
    proxy.mood = "dead"
    kept = store.delete(names)
    assert list(kept) == names[10:]
    assert not any(is_permanent(error) for error in kept.values())
    with pytest.raises(Unavailable):
        store.delete(names)
    proxy.mood = "well"
    assert {one.name for one in store.listing()} == set(names[10:])


# Proxies and names ---------------------------------------------------------------------------------------------------


@pytest.fixture
def forward() -> Iterator[Forward]:
    with forwarding("zegel", "ge heim") as found:
        yield found


def environment(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, proxy)


def used(bucket: Bucket, size: int = 9 * MIB) -> str:
    """Everything that the wire and boto3 do at this bucket; returns the name of what lies there."""
    store, data = S3Store(bucket), b"\xa5" * size
    name = put(store, data)
    assert (store.size(name), get(store, name), get(store, name, 5, 7)) == (size, data, data[5:12])
    small = put(store, b"small")
    assert store.delete([small]) == {}
    assert [one.name for one in store.listing()] == [name]
    return name


def test_all_goes_through_the_proxy_of_the_environment(
    bucket: Bucket, forward: Forward, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment(monkeypatch, forward.url.replace("ge heim", "ge%20heim"))
    used(bucket)
    methods = {asked.split(" ")[0] for asked in forward.asked}
    assert methods == {"PUT", "GET", "HEAD", "POST"}
    assert all(f" {bucket.endpoint}/{bucket.bucket}" in asked for asked in forward.asked)


def test_a_proxy_without_a_scheme_is_one_too(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    with forwarding() as forward:
        environment(monkeypatch, forward.url.removeprefix("http://"))
        put(S3Store(bucket), b"x")
        assert [asked.split(" ")[0] for asked in forward.asked] == ["PUT"]


def test_who_is_left_out_is_asked_directly(bucket: Bucket, forward: Forward, monkeypatch: pytest.MonkeyPatch) -> None:
    environment(monkeypatch, forward.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    used(bucket, 5)
    assert forward.asked == []


def test_a_proxy_that_does_not_know_us_is_no_storage_that_refuses(
    bucket: Bucket, forward: Forward, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment(monkeypatch, f"http://127.0.0.1:{forward.port}")
    with pytest.raises(Unavailable) as caught:
        put(S3Store(bucket), b"x")
    assert not is_permanent(caught.value)


def test_a_bucket_may_be_part_of_the_name_of_the_host(
    bucket: Bucket, forward: Forward, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = bucket.endpoint.rpartition(":")[2]
    environment(monkeypatch, forward.url.replace("ge heim", "ge%20heim"))
    virtual = replace(bucket, endpoint=f"http://localhost:{port}", path_style=False)
    name = used(virtual)
    assert all(f" http://{bucket.bucket}.localhost:{port}/" in asked for asked in forward.asked)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert S3Store(bucket).size(name) == 9 * MIB, "both names are of one bucket"


def test_the_address_of_a_bucket() -> None:
    assert address("https://s3.example:8443/", "b", path_style=True) == "https://s3.example:8443/b"
    assert address("https://s3.example:8443", "b", path_style=False) == "https://b.s3.example:8443"
    assert address("https://s3.example/under/", "b", path_style=True) == "https://s3.example/under/b"


# TLS -----------------------------------------------------------------------------------------------------------------


def test_tls_is_verified_directly_and_through_a_proxy(
    bucket: Bucket, forward: Forward, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, other = make_certificates(tmp_path / "one"), make_certificates(tmp_path / "other")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(made.authorities))
    with under_tls(bucket.endpoint, made) as port, under_tls(bucket.endpoint, other) as strange:
        safe = replace(bucket, endpoint=f"https://127.0.0.1:{port}")
        store = S3Store(safe)
        name = put(store, b"over TLS")
        assert get(store, name) == b"over TLS"
        with pytest.raises(Unavailable):
            S3Store(replace(bucket, endpoint=f"https://127.0.0.1:{strange}")).read(name)
        environment(monkeypatch, forward.url.replace("ge heim", "ge%20heim"))
        store = S3Store(safe)
        assert get(store, name) == b"over TLS"
        assert forward.asked == [f"CONNECT 127.0.0.1:{port}"]
        with pytest.raises(Unavailable):
            S3Store(replace(bucket, endpoint=f"https://127.0.0.1:{strange}")).read(name)

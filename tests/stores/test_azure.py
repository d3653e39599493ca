"""The exam on Azurite, and what only Azure does: blocks of one name in one room, signatures instead of keys."""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from azure.storage.blob import ContainerSasPermissions, generate_container_sas

from tests.ground.azure import ACCOUNT, KEY, Server, running_azurite
from tests.stores.exam import MIB, Exam, get, put
from zegel.errors import Mistake, NotFound, Unavailable
from zegel.parcels.identifiers import new_identifier
from zegel.stores.drivers.azure import AzureStore, Container, _why_kept
from zegel.stores.drivers.azure_writer import forget_blocks
from zegel.stores.drivers.driver import Driver, is_permanent

pytestmark = [pytest.mark.node, pytest.mark.slow]


@pytest.fixture(scope="module")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_azurite(tmp_path_factory.mktemp("azurite")) as server:
        yield server


@pytest.fixture
def container(azurite: Server) -> Container:
    return azurite.fresh()


class TestAzure(Exam):
    """Azurite."""

    @pytest.fixture
    def again(self, container: Container) -> Callable[[], Driver]:
        return lambda: AzureStore(container)

    @pytest.fixture
    def driver(self, again: Callable[[], Driver]) -> Driver:
        return again()


def uses(store: AzureStore) -> Iterator[Callable[[str], object]]:
    yield store.size
    yield store.read
    yield lambda name: store.delete([name])
    yield lambda name: put(store, b"x", name)
    yield lambda name: put(store, b"x" * (9 * MIB), name)
    yield lambda _: list(store.listing())
    yield lambda _: store.remains()


@pytest.mark.parametrize("account", [ACCOUNT, ""])
def test_a_wrong_key_is_permanent_never_not_found_and_never_shown(container: Container, account: str) -> None:
    key = "c2VjcmV0LXRoYXQtaXMtd3Jvbmc="
    secret = key if account else f"sv=2025-11-05&sr=c&sp=rwdl&sig={key}"
    stranger = AzureStore(replace(container, account=account, secret=secret))
    for use in uses(stranger):
        with pytest.raises(Unavailable) as caught:
            use(new_identifier())
        assert is_permanent(caught.value)
        assert "c2VjcmV0" not in f"{caught.value} {caught.value.facts} {caught.value.__cause__}"
    assert "c2VjcmV0" not in repr(replace(container, account=account, secret=secret))


def test_a_container_that_is_gone_is_permanent(azurite: Server, container: Container) -> None:
    azurite.client(container).delete_container()
    for use in uses(AzureStore(container)):
        with pytest.raises(Unavailable) as caught:
            use(new_identifier())
        assert is_permanent(caught.value)


def test_a_service_that_is_not_there_is_temporary_and_its_address_not_told(
    container: Container, caplog: pytest.LogCaptureFixture
) -> None:
    signed = replace(container, endpoint="http://127.0.0.1:9", account="", secret="sv=1&sig=c2VjcmV0")
    with caplog.at_level(logging.INFO):
        for use in uses(AzureStore(signed, connect_seconds=1)):
            with pytest.raises(Unavailable) as caught:
                use(new_identifier())
            assert (caught.value.kind, is_permanent(caught.value)) == ("store-unavailable", False)
            assert caught.value.__cause__ is None
            assert caught.value.__suppress_context__
    assert "c2VjcmV0" not in caplog.text


def test_a_signature_is_enough(azurite: Server, container: Container) -> None:
    rights = ContainerSasPermissions(read=True, write=True, delete=True, list=True, create=True)
    until = datetime.now(UTC) + timedelta(hours=1)
    signature = generate_container_sas(ACCOUNT, container.container, account_key=KEY, permission=rights, expiry=until)
    for secret in (signature, "?" + signature):
        store = AzureStore(replace(container, account="", secret=secret))
        names = [put(store, b"small"), put(store, b"x" * (9 * MIB))]
        assert get(store, names[0]) == b"small"
        assert store.delete(names) == {}
        assert store.remains().nothing


def test_names_of_blobs_are_not_logged(container: Container, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        name = put(AzureStore(container), b"x")
    assert name not in caplog.text


def test_more_than_a_batch_is_deleted(container: Container) -> None:
    store = AzureStore(container)
    with ThreadPoolExecutor(8) as pool:
        names = list(pool.map(lambda _: put(store, b"x"), range(260)))
    assert store.delete([*names, new_identifier()]) == {}
    assert store.remains().nothing


def test_two_that_send_blocks_under_one_name_do_not_mix_them(container: Container) -> None:
    store, name = AzureStore(container), new_identifier()
    first, second = store.open_write(name), store.open_write(name)
    for writer, letter in ((first, b"a"), (second, b"b")):
        writer.write(letter * (9 * MIB))
    assert first.commit().size == 9 * MIB
    with pytest.raises(Mistake, match="identifier"):
        second.commit()
    second.abort()
    first.abort()
    assert get(store, name) == b"a" * (9 * MIB)


def test_who_forgets_his_blocks_leaves_what_another_has_finished(container: Container) -> None:
    store, name = AzureStore(container), new_identifier()
    gone = store.open_write(name)
    # First: where blocks lie, the emulator calls the name taken, and the service does not.
    put(store, b"whole", name)
    gone.write(b"a" * (17 * MIB))
    gone.abort()
    assert get(store, name) == b"whole"
    store.delete([name])
    assert store.remains().nothing


def test_the_moment_in_which_blocks_are_forgotten_is_no_other_blob(azurite: Server, container: Container) -> None:
    """The sender's connection broke; his next try must not be told for ever that another blob has the name."""
    store, name = AzureStore(container), new_identifier()
    client = azurite.client(container).get_blob_client(store.key(name))
    client.commit_block_list([])
    for size in (20, 9 * MIB):
        with pytest.raises(Unavailable) as caught:
            put(store, b"x" * size, name)
        assert not is_permanent(caught.value)
    client.delete_blob()
    put(store, b"x" * (9 * MIB), name)


def test_blocks_that_a_dead_process_left_are_counted_and_swept(azurite: Server, container: Container) -> None:
    store, name = AzureStore(container), new_identifier()
    azurite.client(container).get_blob_client(store.key(name)).stage_block("AAAA", b"x" * 1000)
    empty = put(store, b"")
    assert (store.remains().uploads, store.remains().objects) == (1, 1)
    assert store.sweep(datetime.now(UTC) + timedelta(hours=1)) == 1
    assert store.remains().uploads == 0
    with pytest.raises(NotFound):
        store.size(name)
    assert store.size(empty) == 0


def test_snapshots_are_counted_and_go_with_their_blob(azurite: Server, container: Container) -> None:
    store = AzureStore(container)
    name = put(store, b"x")
    azurite.client(container).get_blob_client(store.key(name)).create_snapshot()
    assert store.remains().versions == 1
    assert store.delete([name]) == {}
    assert store.remains().nothing


def test_a_blob_that_somebody_holds_is_told_by_name(azurite: Server, container: Container) -> None:
    store = AzureStore(container)
    held, free = put(store, b"held"), put(store, b"free")
    lease = azurite.client(container).get_blob_client(store.key(held)).acquire_lease()
    kept = store.delete([held, free])
    assert {name: why.kind for name, why in kept.items()} == {held: "store-locked"}
    lease.release()
    assert store.delete([held]) == {}


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (202, "", ""),
        (404, "BlobNotFound", ""),
        (409, "BlobImmutableDueToPolicy", "store-locked"),
        (412, "LeaseIdMissing", "store-locked"),
        (503, "ServerBusy", "store-unavailable"),
        (412, "ConditionNotMet", "store-unavailable"),
    ],
)
def test_why_a_name_of_a_batch_was_kept(status: int, code: str, kind: str) -> None:
    why = _why_kept(status, code)
    assert (why.kind if why else "") == kind


def test_committed_bytes_are_never_forgotten(container: Container) -> None:
    store = AzureStore(container)
    name = put(store, b"x" * (9 * MIB))
    forget_blocks(store.blob(store.key(name)))
    assert store.size(name) == 9 * MIB

"""The exam on a real WebDAV server, and what only WebDAV does: ranges that are ignored, locks, folders that vanish."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.ground.webdav import running_webdav
from tests.stores.exam import Exam, get, put
from zegel.errors import Mistake, Unavailable
from zegel.parcels.identifiers import new_identifier
from zegel.stores.drivers.driver import Driver, is_permanent, silent
from zegel.stores.drivers.webdav import Folder, WebdavStore
from zegel.stores.drivers.webdav_xml import read_entries


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Folder]]:
    path = tmp_path_factory.mktemp("webdav")
    with running_webdav(path) as found:
        yield path, found


class TestWebdav(Exam):
    """WsgiDAV."""

    leaves_unfinished = False

    @pytest.fixture
    def place(self, server: tuple[Path, Folder], tmp_path: Path) -> tuple[Path, Folder]:
        path, folder = server
        (path / tmp_path.name).mkdir()
        return path / tmp_path.name, replace(folder, url=f"{folder.url}{tmp_path.name}/")

    @pytest.fixture
    def again(self, place: tuple[Path, Folder]) -> Callable[[], Driver]:
        return lambda: WebdavStore(place[1])

    @pytest.fixture
    def driver(self, again: Callable[[], Driver]) -> Driver:
        return again()

    def test_a_wrong_password_is_permanent_and_never_not_found(self, place: tuple[Path, Folder]) -> None:
        stranger = WebdavStore(replace(place[1], password="not-the-one"))
        for use in (stranger.size, stranger.read, lambda name: put(stranger, b"x", name)):
            with pytest.raises(Unavailable) as caught:
                use(new_identifier())
            assert is_permanent(caught.value)
            assert "not-the-one" not in str(caught.value)
        assert "not-the-one" not in repr(replace(place[1], password="not-the-one"))

    def test_a_folder_that_is_gone_is_permanent_and_never_not_found(self, place: tuple[Path, Folder]) -> None:
        path, folder = place
        store = WebdavStore(replace(folder, url=folder.url + "elsewhere/"))
        for use in (store.size, store.read, lambda name: put(store, b"x", name), lambda _: list(store.listing())):
            with pytest.raises(Unavailable) as caught:
                use(new_identifier())
            assert is_permanent(caught.value)
        assert list(path.iterdir()) == []

    @pytest.mark.parametrize("kept", [b"short", b"as long but not"])
    def test_what_was_kept_otherwise_is_not_given_a_name(
        self, place: tuple[Path, Folder], monkeypatch: pytest.MonkeyPatch, kept: bytes
    ) -> None:
        store = WebdavStore(place[1])
        ask = store.ask

        def alters(method: str, path: str, **facts: Any) -> httpx.Response:
            answer = ask(method, path, **facts)
            if method == "PUT":
                (place[0] / path).write_bytes(kept)
            return answer

        monkeypatch.setattr(store, "ask", alters)
        with pytest.raises(Unavailable):
            put(store, b"as long as that")
        assert list(store.listing()) == []
        assert store.remains().nothing

    @pytest.mark.parametrize("slip", ["MKCOL", "MOVE"])
    def test_of_what_another_made_at_the_same_moment_the_answer_does_not_count(
        self, place: tuple[Path, Folder], monkeypatch: pytest.MonkeyPatch, slip: str
    ) -> None:
        """WsgiDAV looks, makes, and answers 500 when somebody else came between."""
        store = WebdavStore(place[1])
        ask = store.ask

        def too_late(method: str, path: str, **facts: Any) -> httpx.Response:
            answer = ask(method, path, **facts)
            return httpx.Response(500) if method == slip else answer

        monkeypatch.setattr(store, "ask", too_late)
        name = put(store, b"there")
        assert get(store, name) == b"there"
        with pytest.raises(Mistake, match="identifier"):
            put(store, b"other", name)
        assert get(store, name) == b"there"

    def test_of_two_that_delete_it_at_once_both_have(
        self, place: tuple[Path, Folder], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = WebdavStore(place[1])
        ask = store.ask

        def too_late(method: str, path: str, **facts: Any) -> httpx.Response:
            answer = ask(method, path, **facts)
            return httpx.Response(500) if method == "DELETE" else answer

        monkeypatch.setattr(store, "ask", too_late)
        name = put(store, b"there")
        assert store.delete([name]) == {}
        assert list(store.listing()) == []

    def test_what_is_not_deleted_is_told(self, place: tuple[Path, Folder], monkeypatch: pytest.MonkeyPatch) -> None:
        store = WebdavStore(place[1])
        name, ask = put(store, b"there"), store.ask
        monkeypatch.setattr(
            store,
            "ask",
            lambda method, *more, **facts: httpx.Response(500) if method == "DELETE" else ask(method, *more, **facts),
        )
        assert list(store.delete([name])) == [name]

    def test_a_blob_that_is_deleted_while_it_is_put_again_is_put(
        self, place: tuple[Path, Folder], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = WebdavStore(place[1])
        name, read = put(store, b"there"), store.read_path

        def too_late(path: str, *more: Any) -> Iterator[bytes]:
            if path.endswith(name):
                store.delete([name])
            return read(path, *more)

        monkeypatch.setattr(store, "read_path", too_late)
        put(store, b"there", name)
        monkeypatch.undo()
        assert get(store, name) == b"there"
        assert store.remains().uploads == 0

    def test_a_listing_that_fails_over_what_vanishes_is_asked_again(
        self, place: tuple[Path, Folder], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = WebdavStore(place[1])
        name, real, failed = put(store, b"there"), store._asked_entries, set[str]()

        def fails_once(path: str, depth: int) -> Any:
            if path not in failed:
                failed.add(path)
                raise silent()
            return real(path, depth)

        monkeypatch.setattr(store, "_asked_entries", fails_once)
        assert [stored.name for stored in store.listing()] == [name]

    def test_a_sweep_leaves_the_folder_where_a_part_is_about_to_come(self, place: tuple[Path, Folder]) -> None:
        store, name = WebdavStore(place[1]), new_identifier()
        store.write_part(name, 0, iter([b"part"]), "a")
        (folder,) = (place[0] / "parts").iterdir()
        (folder / "000000").unlink()
        store.sweep(datetime.now(UTC) - timedelta(hours=1))
        assert folder.exists()
        store.sweep(datetime.now(UTC) + timedelta(hours=1))
        assert not folder.exists()

    def test_foreign_files_are_not_ours(self, place: tuple[Path, Folder]) -> None:
        store = WebdavStore(place[1])
        name = put(store, b"ours")
        (place[0] / "blobs" / name[:2] / "Thumbs.db").write_bytes(b"theirs")
        assert [stored.name for stored in store.listing()] == [name]


class Answers(httpx.BaseTransport):
    """A server that says the same to everything but PROPFIND."""

    def __init__(self, status: int, body: bytes = b"") -> None:
        self.status, self.body = status, body

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "PROPFIND":
            return httpx.Response(207, stream=httpx.ByteStream(ENTRY))
        return httpx.Response(self.status, stream=httpx.ByteStream(self.body))


ENTRY = b'<multistatus xmlns="DAV:"><response><href>/x/</href></response></multistatus>'


def store_that(answers: httpx.BaseTransport) -> WebdavStore:
    store = WebdavStore(Folder("http://127.0.0.1:9/x/", "user", "secret"))
    store._client = httpx.Client(transport=answers)
    return store


def test_a_server_that_ignores_ranges_is_read_all_the_same() -> None:
    data = bytes(range(256)) * 4000
    store = store_that(Answers(200, data))
    for start, length in [(0, 1), (5, 10), (300_000, 400_000), (1_023_999, 9), (1_024_000, 1), (7, None)]:
        assert get(store, new_identifier(), start, length) == data[start : None if length is None else start + length]


@pytest.mark.parametrize(("status", "kind"), [(423, "store-locked"), (403, "store-locked"), (500, "store-unavailable")])
def test_what_will_not_be_deleted_is_told_by_name(status: int, kind: str) -> None:
    name = new_identifier()
    kept = store_that(Answers(status)).delete([name])
    assert {one: why.kind for one, why in kept.items()} == {name: kind}


@pytest.mark.parametrize(
    ("status", "kind"),
    [(507, "store-full"), (413, "store-full"), (503, "store-unavailable"), (301, "store-unavailable")],
)
def test_answers_have_their_families(status: int, kind: str) -> None:
    with pytest.raises(Unavailable) as caught:
        put(store_that(Answers(status)), b"x")
    assert caught.value.kind == kind


def test_a_server_that_is_not_there_is_temporary() -> None:
    with pytest.raises(Unavailable) as caught:
        WebdavStore(Folder("http://127.0.0.1:9/", "user", "secret")).size(new_identifier())
    assert (caught.value.kind, is_permanent(caught.value)) == ("store-unavailable", False)


def test_an_address_without_tls_is_refused_unless_it_is_this_machine() -> None:
    WebdavStore(Folder("https://dav.voorbeeld.example/zegel/", "user", "secret"))
    with pytest.raises(Mistake, match="https"):
        WebdavStore(Folder("http://dav.voorbeeld.example/zegel/", "user", "secret"))


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "not XML"),
        (b"no xml", "not XML"),
        (b"<multistatus", "not XML"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><multistatus xmlns="DAV:"/>', "document type"),
        (b'<m xmlns="DAV:"><response><getcontentlength>many</getcontentlength></response></m>', "invalid literal"),
        (b'<m xmlns="DAV:"><response><getlastmodified>once</getlastmodified></response></m>', "once"),
    ],
)
def test_a_listing_that_is_none(body: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_entries(body)

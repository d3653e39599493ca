"""Uploads over HTTP: whole, in parts, again, cut short, too large, and under somebody else's name."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from tests.ground.databases import Database
from tests.ground.house import make_house
from tests.web.ground import URL, Web, opened, problem
from zegel.parcels.identifiers import new_identifier
from zegel.parcels.limits import Limits

PART = 65_536


@pytest.fixture
def small(tmp_path: Path, sqlite: Database):  # type: ignore[no-untyped-def]
    """A door with small parts."""
    limits = replace(Limits(), part_bytes=PART, parcel_bytes=4 * PART)
    with opened(make_house(tmp_path, limits=limits)) as found:
        yield found


def stored(web: Web) -> list[str]:
    """What is in storage, and every leftover."""
    return sorted(
        path.name
        for path in (web.ground.folder / "store").rglob("*")
        if path.is_file() and path.parent.name != "journal"
    )


def test_a_blob_is_stored_and_its_receipt_tells_what(web: Web) -> None:
    blob, data = new_identifier(), b"sealed" * 1000
    answer = web.put(f"/api/v1/blobs/{blob}", content=data, headers=web.bearer)
    assert answer.status_code == 201
    members = answer.json()
    assert members.pop("receipt").count(".") == 1
    assert members == {"blob": blob, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    assert stored(web) == [blob]


def test_the_same_bytes_again_are_fine_other_bytes_are_not(quick: Web) -> None:
    path = f"/api/v1/blobs/{new_identifier()}"
    for _ in range(2):
        assert quick.put(path, content=b"een", headers=quick.bearer).status_code == 201
    problem(quick.put(path, content=b"twee", headers=quick.bearer), 409, "blob-exists")
    assert quick.ground.house.store.size(path[-26:]) == 3


def test_parts_make_a_blob_also_when_sent_again_and_out_of_order(small: Web) -> None:
    blob, parts = new_identifier(), [b"a" * PART, b"b" * PART, b"c" * 10]
    for number in (2, 0, 1, 0):
        answer = small.put(f"/api/v1/blobs/{blob}/parts/{number}", content=parts[number], headers=small.bearer)
        assert answer.status_code == 204
        assert not answer.content
    for _ in range(2):
        answer = small.post(f"/api/v1/blobs/{blob}/complete", json={"parts": 3}, headers=small.bearer)
        assert answer.status_code == 201
        assert answer.json()["sha256"] == hashlib.sha256(b"".join(parts)).hexdigest()
    assert stored(small) == [blob]


def test_a_missing_part(small: Web) -> None:
    blob = new_identifier()
    small.put(f"/api/v1/blobs/{blob}/parts/1", content=b"b", headers=small.bearer)
    answer = small.post(f"/api/v1/blobs/{blob}/complete", json={"parts": 2}, headers=small.bearer)
    problem(answer, 400, "missing-part")


def test_nobody_adds_parts_to_the_blob_of_another(small: Web) -> None:
    blob = new_identifier()
    other = {"Authorization": f"Bearer {small.other_sender()}"}
    small.put(f"/api/v1/blobs/{blob}/parts/0", content=b"mine", headers=small.bearer)
    small.put(f"/api/v1/blobs/{blob}/parts/0", content=b"evil", headers=other)
    answer = small.post(f"/api/v1/blobs/{blob}/complete", json={"parts": 1}, headers=small.bearer)
    assert answer.json()["sha256"] == hashlib.sha256(b"mine").hexdigest()


@pytest.mark.parametrize("path", ["/api/v1/blobs/{blob}", "/api/v1/blobs/{blob}/parts/0"])
def test_a_body_that_is_larger_than_a_part(small: Web, path: str) -> None:
    path = path.format(blob=new_identifier())
    problem(small.put(path, content=b"x" * (PART + 1), headers=small.bearer), 413, "part-too-large")
    problem(small.put(path, content=b"", headers=small.bearer), 413, "part-too-large")
    assert stored(small) == []


def test_a_part_beyond_the_largest_parcel(small: Web) -> None:
    path = f"/api/v1/blobs/{new_identifier()}/parts/"
    problem(small.put(f"{path}6", content=b"x", headers=small.bearer), 413, "too-large")
    problem(small.put(f"{path}-1", content=b"x", headers=small.bearer), 413, "too-large")
    problem(small.put(f"{path}eerste", content=b"x", headers=small.bearer), 422, "bad-schema")


@pytest.mark.parametrize("parts", [0, -1, 10**9, "3", 1.5, None])
def test_a_count_of_parts_that_is_none(small: Web, parts: object) -> None:
    path = f"/api/v1/blobs/{new_identifier()}/complete"
    answer = small.post(path, json={"parts": parts}, headers=small.bearer)
    problem(answer, 400 if parts == 10**9 else 422, "missing-part" if parts == 10**9 else "bad-schema")


@pytest.mark.parametrize("blob", ["x", "..%2f..%2fetc%2fpasswd", "K" * 26, "k3mt3zmvwvuqrppbmm5mvjdu4r", "a" * 5000])
def test_a_name_that_is_no_identifier(quick: Web, blob: str) -> None:
    answer = quick.put(f"/api/v1/blobs/{blob}", content=b"x", headers=quick.bearer)
    assert answer.status_code in (400, 404)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert stored(quick) == []


@pytest.mark.parametrize("length", ["", "-1", "+5", "5, 5", "0x5", "٥", "9" * 40])
def test_a_length_that_is_none(quick: Web, length: str) -> None:
    answer = raw_put(quick, length, b"hallo")
    assert answer == (411 if not length or not length[0].isdigit() or len(length) > 15 or "," in length or "x" in length
                      or not length.isascii() else 201)  # fmt: skip
    assert stored(quick) == []


def test_an_upload_that_ends_early_leaves_nothing(quick: Web) -> None:
    assert raw_put(quick, "500", b"hallo") == 400
    assert stored(quick) == []


def raw_put(web: Web, length: str, body: bytes) -> int:
    """PUT with a Content-Length that no client would send; returns the status."""
    import io

    from django.core.handlers.wsgi import WSGIHandler

    seen: list[str] = []
    environ = {
        "REQUEST_METHOD": "PUT", "PATH_INFO": f"/api/v1/blobs/{new_identifier()}", "SCRIPT_NAME": "",
        "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "8025", "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": length,
        "HTTP_AUTHORIZATION": web.bearer["Authorization"], "HTTP_HOST": URL.removeprefix("http://"),
    }  # fmt: skip
    list(WSGIHandler()(environ, lambda status, headers: seen.append(status)))  # type: ignore[misc, arg-type]
    return int(seen[0].split()[0])

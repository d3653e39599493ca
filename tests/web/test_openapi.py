"""The OpenAPI documents tell the truth: every operation, whatever is sent to it, answers as declared."""

import re
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.web.ground import INSIDE_URL, URL, Web, problem

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
words = st.sampled_from(
    ["", "x", "k3mt3zmvwvuqrppbmm5mvjdu4q", "0", "-1", "é", "\x00", "..", "a" * 3000, "null", "%", "\u202e", "1e9", "٣"]
)


@pytest.fixture
def documents(quick: Web) -> dict[str, dict[str, Any]]:
    return {
        URL: quick.get("/api/v1/openapi.json").json(),
        INSIDE_URL: quick.inside.get("/inside/v1/openapi.json").json(),
    }


def operations(documents: dict[str, dict[str, Any]]) -> list[tuple[str, str, str, dict[str, Any]]]:
    return [
        (base, method.upper(), path, operation)
        for base, document in documents.items()
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_the_documents_are_openapi_and_load_nothing_from_elsewhere(quick: Web, documents: dict[str, Any]) -> None:
    for document in documents.values():
        assert document["openapi"].startswith("3.1")
    for path in ("/api/v1/docs", "/inside/v1/docs"):
        assert quick.get(path).status_code == 404
        assert quick.inside.get(path).status_code == 404


def test_every_operation_of_the_contract_is_there(documents: dict[str, Any]) -> None:
    assert {(method, path) for _, method, path, _ in operations(documents)} == {
        ("PUT", "/api/v1/blobs/{blob}"),
        ("PUT", "/api/v1/blobs/{blob}/parts/{number}"),
        ("POST", "/api/v1/blobs/{blob}/complete"),
        ("GET", "/api/v1/me"),
        ("POST", "/api/v1/parcels"),
        ("GET", "/api/v1/parcels"),
        ("GET", "/api/v1/parcels/{parcel}"),
        ("POST", "/api/v1/parcels/{parcel}/revoke"),
        ("POST", "/api/v1/parcels/{parcel}/expiry"),
        ("POST", "/api/v1/slips/{slip}/proof"),
        ("POST", "/api/v1/arrivals"),
        ("GET", "/api/v1/reader/slips/{slip}"),
        ("POST", "/api/v1/reader/slips/{slip}/code"),
        ("POST", "/api/v1/reader/slips/{slip}/open"),
        ("GET", "/api/v1/reader/slips/{slip}/blobs/{blob}"),
        ("POST", "/inside/v1/signatures"),
        ("POST", "/inside/v1/parcels"),
    }


def test_errors_are_declared_as_problems(documents: dict[str, Any]) -> None:
    for _, method, path, operation in operations(documents):
        answers = operation["responses"]
        assert {"400", "405", "413", "415", "422", "500", "503"} <= set(answers), (method, path)
        for status, answer in answers.items():
            if int(status) >= 400:
                schema = answer["content"]["application/problem+json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/Problem"}


def test_tokens_are_declared_where_they_are_needed(documents: dict[str, Any]) -> None:
    for _, _, path, operation in operations(documents):
        assert bool(operation.get("security")) == (not path.startswith(("/api/v1/reader", "/api/v1/arrivals"))), path


def test_a_deposit_is_described_to_the_last_member(documents: dict[str, Any]) -> None:
    schemas = documents[URL]["components"]["schemas"]
    deposit = schemas["DepositIn"]
    assert deposit["additionalProperties"] is False
    assert set(deposit["properties"]) == {"parcel", "suite", "class", "expires", "language", "blobs", "readers"}
    assert schemas["ReaderIn"]["properties"]["sealed_slip"]["contentEncoding"] == "base64"


@settings(
    max_examples=300,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_whatever_is_sent_the_answer_is_declared(quick: Web, documents: dict[str, Any], data: st.DataObject) -> None:
    base, method, path, operation = data.draw(st.sampled_from(operations(documents)))
    url = base + re.sub(r"\{\w+\}", lambda _: quote(data.draw(words), safe=""), path)
    headers = {} if data.draw(st.integers(0, 9)) == 0 else dict(quick.bearer)
    if data.draw(st.booleans()):
        headers["Range"] = data.draw(st.sampled_from(["bytes=0-1", "bytes=", "x"]))
    body = data.draw(bodies(operation, documents[base]))
    if kind := body.pop("kind", ""):
        headers["Content-Type"] = kind
    if data.draw(st.booleans()) and "Authorization" in headers and "/reader/" in path:
        headers["Authorization"] = "Ticket " + data.draw(st.sampled_from(["x", "a.b", "e30.e30"]))
    query = data.draw(st.dictionaries(st.sampled_from(["before", "limit", "x"]), words, max_size=2))

    answer = quick.client.request(method, url, params=query, headers=headers, **body)

    known = answer.status_code == 404 and answer.json()["code"] == "no-such-page"
    assert str(answer.status_code) in operation["responses"] or known, (method, url, answer.status_code, answer.text)
    assert answer.status_code != 500, answer.text
    if answer.status_code >= 400:
        problem(answer, answer.status_code, answer.json()["code"])


@st.composite
def bodies(draw: st.DrawFn, operation: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """A body: none, rubbish, any JSON, or the right members with some of them wrong."""
    choice = draw(st.integers(0, 5))
    if choice == 0:
        return {}
    if choice == 1:
        kind = draw(st.sampled_from(["application/json", "text/plain", "multipart/form-data; boundary=x"]))
        return {"content": draw(st.binary(max_size=200)), "kind": kind}
    wanted = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if choice == 2 or not wanted:
        return {"json": draw(json_values)}
    return {"json": draw(example(wanted, document))}


@st.composite
def example(draw: st.DrawFn, schema: dict[str, Any], document: dict[str, Any]) -> Any:
    """Something like what the schema describes."""
    if draw(st.integers(0, 11)) == 0:
        return draw(json_values)
    if "$ref" in schema:
        return draw(example(document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]], document))
    if "anyOf" in schema:
        return draw(example(draw(st.sampled_from(schema["anyOf"])), document))
    match schema.get("type"):
        case "object":
            members = schema.get("properties", {})
            return {name: draw(example(part, document)) for name, part in members.items() if draw(st.integers(0, 9))}
        case "array":
            return [draw(example(schema["items"], document)) for _ in range(draw(st.integers(0, 2)))]
        case "string" if "enum" in schema:
            return draw(st.sampled_from(schema["enum"]))
        case "string":
            return draw(words | st.sampled_from(["2026-12-01T00:00:00Z", "YWdlLWVuY3J5cHRpb24ub3JnL3YxCg==", "sms"]))
        case "integer":
            return draw(st.integers(-(10**20), 10**20))
    return draw(json_values)


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE"])
def test_other_methods(quick: Web, method: str) -> None:
    for path in ("/api/v1/parcels", "/api/v1/me", "/api/v1/blobs/x", "/api/v1/reader/slips/x"):
        answer = quick.client.request(method, URL + path, headers=quick.bearer)
        assert answer.status_code == 405
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.headers["Allow"]


@pytest.mark.parametrize("path", ["/api/v1/", "/api/v1/nergens", "/api/v1/parcels/", "/api/", "/api/v2/parcels",
                                  "/.well-known/nergens", "/healthz/x"])  # fmt: skip
def test_programs_get_problems_where_nothing_is(quick: Web, path: str) -> None:
    problem(quick.get(path), 404, "no-such-page")


def test_an_error_that_nobody_foresaw_is_a_problem_and_a_page(quick: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    def fall(*_: object) -> None:
        raise RuntimeError("geheim: zgl_token")

    import zegel.journeys.collect as collect
    import zegel.journeys.follow as follow

    monkeypatch.setattr(collect.Collect, "look", fall)
    monkeypatch.setattr(follow.Follow, "parcels", fall)
    transport: Any = quick.client._transport
    transport.raise_app_exceptions = False
    answer: httpx.Response = quick.get("/api/v1/reader/slips/k3mt3zmvwvuqrppbmm5mvjdu4q")
    problem(answer, 500, "internal-error")
    assert "geheim" not in answer.text

"""The five families as statuses, for programs and for people."""

import json
from typing import Any

import pytest

from tests.web.ground import URL, Web, problem
from zegel.doors.web import installed
from zegel.doors.web import problems as told
from zegel.errors import Damaged, Denied, Mistake, NotFound, Unavailable, ZegelError


@pytest.mark.parametrize(
    ("error", "status", "wait"),
    [
        (Mistake("x"), 400, None),
        (Mistake("x", code="too-large"), 413, None),
        (Mistake("x", code="part-too-large"), 413, None),
        (Mistake("x", code="parcel-exists"), 409, None),
        (Mistake("x", code="bad-schema"), 422, None),
        (Mistake("x", code="bad-media-type"), 415, None),
        (Mistake("x", code="no-length"), 411, None),
        (Denied("x"), 403, None),
        (Denied("x", code="bad-token"), 401, None),
        (Denied("x", code="bad-login"), 401, None),
        (Denied("x", code="bad-ticket"), 403, None),
        (Denied("x", code="proof-paused", retry_after=61), 429, "61"),
        (NotFound("x"), 404, None),
        (NotFound("x", code="expired"), 410, None),
        (NotFound("x", code="revoked"), 410, None),
        (Unavailable("x"), 503, "60"),
        (Unavailable("x", retry_after=10), 503, "10"),
        (Damaged("x"), 500, None),
    ],
)
def test_statuses(quick: Web, error: ZegelError, status: int, wait: str | None) -> None:
    response = told.problem(error)
    members = json.loads(response.content)
    assert (response.status_code, members["status"], response.headers.get("Retry-After")) == (status, status, wait)
    assert members.get("retry_after") == (int(wait) if wait else None)
    assert (response.headers.get("WWW-Authenticate") is not None) == (status == 401)


def test_facts_are_filled_in_and_are_no_templates() -> None:
    error = Mistake("“{address}” is not a mail address.", code="bad-address", address="{x.__class__} %s <b>")
    assert "{x.__class__} %s <b>" in json.loads(told.problem(error).content)["detail"]


def fail(*_: Any, **__: Any) -> None:
    raise Unavailable("The database cannot be reached or is too busy. Try again later.", retry_after=10)


def test_a_database_that_is_away(quick: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    house = quick.ground.house
    monkeypatch.setattr(type(house.records), "audit_head", fail)
    monkeypatch.setattr(type(house.records), "slip", fail)
    monkeypatch.setattr(type(house.people), "by_password", fail)
    for path in ("/healthz", "/api/v1/reader/slips/k3mt3zmvwvuqrppbmm5mvjdu4q"):
        answer = quick.get(path)
        assert problem(answer, 503, "unavailable")["retry_after"] == 10
    page = quick.get("/login").text
    token = page.partition('csrfmiddlewaretoken" value="')[2].partition('"')[0]
    fields = {"address": "zorg@voorbeeld.example", "password": "x" * 12, "csrfmiddlewaretoken": token}
    answer = quick.post("/login", data=fields)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    assert "<html" in answer.text


def test_before_the_house_is_there(quick: Web) -> None:
    installed._installed.clear()
    problem(quick.get("/.well-known/zegel"), 503, "starting")
    page = quick.client.get(URL + "/")
    assert page.status_code == 200
    assert "<html" in page.text


def test_an_error_never_becomes_markup(quick: Web) -> None:
    page = quick.post("/language", data={"language": "<b>x</b>"})
    assert page.status_code == 400
    assert "<b>x" not in page.text

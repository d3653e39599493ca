"""The sender's link in a real browser: its secret part leaves the address at once; what is missing gets filled in."""

from typing import Any

import pytest

from tests.browser.test_pages import check, log_in, words

__all__ = ["words"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_the_pages_of_the_link(page: Any, house: Any, words: dict[str, str]) -> None:
    sent = house.send(text="x", proofs=["mail", "missing", "missing"])
    page.goto(f"{house.url}/fill/{sent['parcel']}")
    page.locator("#cut").wait_for()
    check(page, "fill-cut")
    page.goto(f"{house.url}/fill/{sent['parcel']}#zomaar.iets")
    page.get_by_role("alert").wait_for()
    page.complaints.clear()  # 403, which is what it should be
    check(page, "fill-refused")
    page.goto("about:blank")
    page.goto(sent["request"])
    page.get_by_role("button", name="lezer1@example.net").wait_for()
    assert page.url == f"{house.url}/fill/{sent['parcel']}"
    check(page, "fill-list")
    page.get_by_role("button", name="lezer1@example.net").click()
    page.locator("#telephone").fill("0612345678")
    check(page, "fill-form")
    page.locator("#telephone").press("Enter")
    page.locator("#telephone[aria-invalid=true]").wait_for()
    page.complaints.clear()
    check(page, "fill-error")
    page.locator("#telephone").fill("+31612345642")
    page.locator("#telephone").press("Enter")
    page.get_by_role("status").wait_for()
    check(page, "fill-done")
    page.locator("form:has([value=ask-withdraw]) button").click()
    page.locator("[value=withdraw]").wait_for(state="attached")
    check(page, "fill-withdraw")
    assert house.ask("states", parcel=sent["parcel"])["states"][1] == "sent"


def test_another_language_keeps_the_link(page: Any, house: Any) -> None:
    sent = house.send(text="x", proofs=["missing"])
    secret = sent["request"].partition("#")[2]
    told: list[str] = []
    page.on("request", lambda request: told.append(f"{request.method} {request.url} {request.all_headers()}"))
    page.goto(sent["request"])
    page.locator("#telephone").wait_for()
    for shown, wanted in (
        ("EN English", "Mobile number of the reader"),
        ("NL Nederlands", "Mobiel nummer van de lezer"),
    ):
        page.get_by_role("button", name=shown).click()
        page.get_by_label(wanted).wait_for()
        assert page.url == f"{house.url}/fill/{sent['parcel']}"
    page.locator("#telephone").fill("+31612345642")
    page.locator("#telephone").press("Enter")
    page.get_by_role("status").wait_for()
    assert house.ask("states", parcel=sent["parcel"])["states"] == ["sent"]
    assert not [line for line in told if secret[:20] in line.partition("#")[0]]
    assert not page.complaints


def test_logged_in_with_an_access_code(page: Any, house: Any) -> None:
    sent = house.send(text="x", proofs=["mail", "missing"])
    log_in(page, house)
    page.goto(f"{house.url}/sent/{sent['parcel']}")
    check(page, "sent-waiting")
    page.get_by_role("link", name="Aanvullen lezer1@example.net").click()
    page.locator("#code").fill("appel-boom-79")
    page.get_by_role("button", name="Gebruik deze toegangscode").click()
    page.get_by_text("De lezer krijgt nu een aankondiging").wait_for()
    assert house.ask("states", parcel=sent["parcel"])["states"] == ["announced", "sent"]
    assert not page.complaints


def test_the_secret_part_is_in_no_request_line_and_no_history(page: Any, house: Any) -> None:
    sent = house.send(text="x", proofs=["missing"])
    secret = sent["request"].partition("#")[2]
    seen: list[Any] = []
    page.on("request", lambda request: seen.append(request))  # noqa: PLW0108 - Playwright marks what it is given
    page.goto(sent["request"])
    page.locator("#telephone").wait_for()
    told = [f"{request.method} {request.url} {request.all_headers()}" for request in seen]
    assert not [line for line in told if secret[:20] in line]
    assert [secret[:20] in (request.post_data or "") for request in seen if request.method == "POST"] == [True]
    page.go_back()
    assert "#" not in page.url
    assert not page.complaints

"""Every page at two widths and in two languages: no fault that axe-core finds, no scrolling sideways, a picture.

Pictures go to the folder that ``ZEGEL_SCREENSHOTS`` names.
"""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import ROOT, WIDTHS
from tests.browser.reading import OPEN, attachment, trouble

pytestmark = [pytest.mark.browser, pytest.mark.slow]

AXE = ROOT / "frontend/node_modules/axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
HTML = "<h2>Besluit</h2><p>U krijgt <b>huishoudelijke hulp</b>.</p><table><tr><th>Uren</th><td>4</td></tr></table>"
NL = {"open": "Bericht openen", "send": "Stuur mij een code"}
EN = {"open": "Open message", "send": "Send me a code"}


def check(page: Any, name: str) -> None:
    """Look at the page as it is now, at both widths."""
    if not AXE.exists():
        if os.environ.get("CI"):
            pytest.fail("CI needs frontend/node_modules")
        pytest.skip("frontend/node_modules is missing (axe-core)")
    for size, width in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": 900})
        _no_sideways(page, f"{name} at {width}")
        _axe(page, f"{name} at {width}")
        folder = os.environ.get("ZEGEL_SCREENSHOTS")
        if folder:
            language = page.get_attribute("html", "lang")
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=Path(folder) / f"{name}-{language}-{size}.png", full_page=True)
    page.set_viewport_size({"width": 320, "height": 900})
    _no_sideways(page, f"{name} at 320")
    page.set_viewport_size({"width": WIDTHS["large"], "height": 900})


def _no_sideways(page: Any, name: str) -> None:
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{name} scrolls sideways by {wide} pixels (WCAG 1.4.10)"


def _axe(page: Any, name: str) -> None:
    page.evaluate(AXE.read_text())
    for frame in page.frames[1:]:
        frame.evaluate(AXE.read_text())
    found = page.evaluate("rules => axe.run(document, { runOnly: rules })", RULES)
    said = [f"{v['id']}: {v['help']} at {[n['target'] for n in v['nodes']]}" for v in found["violations"]]
    assert not said, f"{name}: {said}"
    assert len(found["passes"]) > 15


@pytest.fixture(params=["nl", "en"])
def words(request: pytest.FixtureRequest, page: Any, house: Any) -> dict[str, str]:
    """The language of the pages."""
    if request.param == "en":
        page.goto(house.url)
        page.get_by_role("button", name="EN English").click()
        page.wait_for_function("() => document.documentElement?.lang === 'en'")
    return NL if request.param == "nl" else EN


@pytest.mark.parametrize(
    "path", ["/", "/keys", "/accessibility", "/privacy", "/login", "/demo/catcher", "/o/niets", "/nergens"]
)
def test_plain_pages(page: Any, house: Any, words: dict[str, str], path: str) -> None:
    page.goto(house.url + path)
    check(page, "page" + re.sub(r"\W", "-", path.rstrip("/")) if path != "/" else "home")


def test_reader_pages(page: Any, house: Any, words: dict[str, str]) -> None:
    long = "Dossierstukken-met-een-lange-naam-zonder-spaties-2026.zip"
    items = [attachment("Beschikking-2026-11834.pdf", bytes(284_000)), attachment(long, b"x")]
    sent = house.send(text="x", html=HTML, attachments=items, proofs=["mail", "sms:+31612345642", "code:appel-boom-79"])
    page.goto(sent["links"][0])
    page.get_by_role("button", name=words["open"]).wait_for()
    check(page, "proof-mail")
    page.get_by_role("button", name=words["open"]).click()
    page.frame_locator("iframe.zegel-frame").get_by_text("huishoudelijke hulp").wait_for()
    check(page, "message-html")
    with page.expect_download():
        page.get_by_role("button", name=re.compile("Download Beschikking")).click()
    page.locator(".zegel-file__state--good").wait_for()
    check(page, "message-saved")
    page.goto(sent["links"][1])
    page.get_by_role("button", name=words["send"]).wait_for()
    check(page, "proof-sms")
    page.get_by_role("button", name=words["send"]).click()
    page.locator("#code").fill("12")
    page.get_by_role("button", name=words["open"]).click()
    page.locator("#code[aria-invalid=true]").wait_for()
    check(page, "proof-sms-error")
    page.goto(sent["links"][2])
    page.locator("#code").wait_for()
    check(page, "proof-code")


def test_reader_in_trouble(page: Any, house: Any, words: dict[str, str]) -> None:
    sent = house.send(text="Alleen tekst.\n\n" + "Een lange regel met woorden. " * 30)
    open_button = page.get_by_role("button", name=words["open"])
    page.goto(sent["links"][0][:-3])
    assert trouble(page) == "cut-link"
    check(page, "trouble-cut-link")
    page.route("**/.well-known/zegel", lambda route: route.fulfill(json={"organisation": {"host": "x"}, "signing": []}))
    page.goto(sent["links"][0])
    open_button.click()
    page.locator("[data-verified=false]").wait_for()
    check(page, "message-unverified")
    house.ask("revoke", parcel=sent["parcel"])
    page.reload()
    assert trouble(page) == "revoked"
    check(page, "trouble-revoked")


def log_in(page: Any, house: Any) -> None:
    account = house.ask("password")
    page.goto(house.url + "/login")
    page.locator("#address").fill(account["address"])
    page.locator("#password").fill(account["password"])
    page.locator("main button[type=submit]").click()
    page.wait_for_url("**/sent")


def test_sender_pages(page: Any, house: Any, words: dict[str, str]) -> None:
    sent = house.send(text="x", proofs=["mail", "sms:+31612345642"])
    page.goto(house.url + "/login")
    page.locator("#address").fill("niemand@voorbeeld.example")
    page.locator("#password").fill("verkeerd")
    page.locator("main button[type=submit]").click()
    page.get_by_role("alert").wait_for()
    check(page, "login-error")
    log_in(page, house)
    check(page, "sent-list")
    page.goto(f"{house.url}/sent/{sent['parcel']}")
    check(page, "sent-parcel")
    page.goto(f"{house.url}/sent/{sent['parcel']}/revoke")
    check(page, "confirm")


OFFICER = (
    "patchwork",
    "patchwork/patches/local/evacuate",
    "patchwork/patches/local/drill",
    "patchwork/suppliers/own/cut",
    "patchwork/patches/local",
    "patchwork/suppliers/own",
    "patchwork/what-if?name=local",
)


def test_officer_pages(page: Any, house: Any, words: dict[str, str]) -> None:
    house.send(text="x")
    house.ask("officer")
    log_in(page, house)
    for path in OFFICER:
        page.goto(f"{house.url}/{path}")
        check(page, re.sub(r"\W", "-", path))


def test_a_sender_follows_extends_and_withdraws(page: Any, house: Any) -> None:
    sent = house.send(text="x", proofs=["mail", "mail"])
    log_in(page, house)
    page.locator(f"a[href$='{sent['parcel']}']").click()
    assert page.locator("main .utrecht-badge-status").all_inner_texts() == [
        "Beschikbaar",
        "Aangekondigd",
        "Aangekondigd",
    ]
    old = page.locator("#expires").input_value()
    page.locator("#expires").fill(f"{int(old[:4])}-12-31")
    page.get_by_role("button", name="Datum opslaan").click()
    page.get_by_role("status").filter(has_text="De nieuwe datum is opgeslagen.").wait_for()
    page.locator("#expires").fill("2020-01-01")
    page.get_by_role("button", name="Datum opslaan").click()
    page.get_by_role("alert").wait_for()
    page.get_by_role("link", name="Intrekken lezer0@example.net").click()
    page.get_by_role("button", name="Intrekken").click()
    page.get_by_text("Het bericht is voor deze lezer ingetrokken.").wait_for()
    page.get_by_role("link", name="Het hele bericht intrekken").click()
    page.get_by_role("button", name="Intrekken").click()
    page.get_by_text("Niemand kan het nog openen.").wait_for()
    assert page.locator("main .utrecht-badge-status").all_inner_texts()[1:] == ["Ingetrokken", "Ingetrokken"]
    page.goto(sent["links"][1])
    assert trouble(page) == "revoked"


def test_the_catcher_shows_news_by_itself(page: Any, house: Any) -> None:
    page.goto(house.url + "/demo/catcher")
    page.evaluate("window.first = true")
    house.keep_mail("Beveiligd bericht", f"Open {house.url}/o/{'a' * 26}#{'A' * 43}")
    page.wait_for_function("() => window.first === undefined")
    assert page.locator(".zegel-mail a").first.get_attribute("href") == f"{house.url}/o/{'a' * 26}#{'A' * 43}"


def test_keyboard_only(page: Any, house: Any) -> None:
    page.goto(house.send(text="x", attachments=[attachment("a.txt", b"a")])["links"][0])
    page.get_by_role("button", name=OPEN).wait_for()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == OPEN, "the heading had the focus"
    page.keyboard.press("Enter")
    page.locator("[data-verified]").wait_for()
    page.keyboard.press("Tab")
    with page.expect_download():
        page.keyboard.press("Enter")


def test_home_shows_the_fingerprint_of_the_published_key(page: Any, house: Any) -> None:
    published = page.request.get(house.url + "/.well-known/zegel").json()
    page.goto(house.url)
    assert page.inner_text(".zegel-fingerprint") == published["signing"][0]["key"]

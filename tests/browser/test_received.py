"""A mailbox of our own that is read in the portal, in a real browser at the inside web door."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import House, running_house
from tests.browser.reading import attachment, state_of
from tests.browser.test_pages import check

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MAILBOX = """
[[mailbox]]
domains = ["loket.example"]
deliver = "portal"
"""
OWN, TEAM, OTHER = "ans@loket.example", "team@loket.example", "bob@loket.example"
DATA = b"%PDF-1.4 " + bytes(range(256)) * 800
HTML = "<h2>Besluit</h2><p>U krijgt <b>huishoudelijke hulp</b>.</p>"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running_house(tmp_path_factory.mktemp("loket"), MAILBOX, ("outside", "inside")) as found:
        yield found


@pytest.fixture(scope="module")
def passwords(house: House) -> dict[str, str]:
    also = {OWN: [TEAM], OTHER: []}
    return {address: house.ask("account", address=address, also=more)["password"] for address, more in also.items()}


def log_in(page: Any, house: House, address: str, password: str) -> None:
    page.goto(house.inside)
    page.locator("#address").fill(address)
    page.locator("#password").fill(password)
    page.locator("main button[type=submit]").click()
    page.wait_for_url("**/received")


def test_a_message_for_a_mailbox_is_read_by_who_may(
    page: Any, browser: Any, house: House, passwords: dict[str, str], tmp_path: Path
) -> None:
    sent = house.send(
        text="x", html=HTML, attachments=[attachment("besluit.pdf", DATA)], proofs=[], mailboxes=["Team@loket.example"]
    )
    assert house.ask("states", parcel=sent["parcel"])["states"] == ["kept"]
    [slip] = sent["slips"]

    log_in(page, house, OWN, passwords[OWN])
    check(page, "received-list")
    page.get_by_role("button", name="EN English").click()
    page.wait_for_function("() => document.documentElement?.lang === 'en'")
    check(page, "received-list")
    page.get_by_role("button", name="NL Nederlands").click()
    page.wait_for_function("() => document.documentElement?.lang === 'nl'")
    page.get_by_role("link", name=re.compile("^Bericht van")).click()
    page.locator("[data-verified=true]").wait_for()
    page.frame_locator("iframe.zegel-frame").get_by_text("huishoudelijke hulp").wait_for()
    check(page, "received-message")
    assert house.ask("states", parcel=sent["parcel"])["states"] == ["opened"]
    with page.expect_download() as started:
        page.get_by_role("button", name=re.compile("Download besluit")).click()
    started.value.save_as(tmp_path / "besluit.pdf")
    assert hashlib.sha256((tmp_path / "besluit.pdf").read_bytes()).digest() == hashlib.sha256(DATA).digest()
    assert state_of(page, "besluit.pdf", "good")
    assert house.ask("states", parcel=sent["parcel"])["states"] == ["downloaded"]
    page.get_by_role("button", name="EN English").click()
    page.wait_for_function("() => document.documentElement?.lang === 'en'")
    page.locator("[data-verified=true]").wait_for()
    check(page, "received-message")
    # Those about the frame are axe's, which runs a script in it.
    assert [said for said in page.complaints if "about:srcdoc" not in said] == []

    _others_get_nothing(browser, house, passwords, sent)

    house.ask("revoke", parcel=sent["parcel"])
    assert page.goto(f"{house.inside}/received/{slip}").status == 410
    assert _post(page, f"/inside/received/{slip}/open") == 410
    page.goto(f"{house.inside}/received")
    page.get_by_text("Withdrawn").wait_for()
    assert page.get_by_role("link", name=re.compile("^Message from")).count() == 0


def _others_get_nothing(browser: Any, house: House, passwords: dict[str, str], sent: dict[str, Any]) -> None:
    [slip] = sent["slips"]
    context = browser.new_context(locale="nl-NL")
    try:
        page = context.new_page()
        assert context.request.get(f"{house.inside}/received/{slip}", max_redirects=0).status == 302
        assert context.request.get(f"{house.inside}/inside/received/{slip}/blobs/{slip}").status == 403
        log_in(page, house, OTHER, passwords[OTHER])
        page.get_by_text("Er is nog niets binnengekomen.").wait_for()
        assert page.goto(f"{house.inside}/received/{slip}").status == 404
        assert _post(page, f"/inside/received/{slip}/open") == 404
        # His session is worth nothing outside, and there is nothing to read there.
        for address in (f"/received/{slip}", f"/inside/received/{slip}/open", f"/api/v1/reader/slips/{slip}"):
            assert context.request.get(house.url + address).status == 404
    finally:
        context.close()


def _post(page: Any, path: str) -> int:
    """Ask for a key as the page does, with a token of a page of ours."""
    page.goto(page.url.split("/received")[0] + "/received")
    ask = """async (path) => {
      const token = document.querySelector('[name=csrfmiddlewaretoken]').value;
      return (await fetch(path, { method: "POST", headers: { "X-CSRFToken": token } })).status;
    }"""
    status: int = page.evaluate(ask, path)
    return status


def test_a_message_from_another_organisation_is_not_taken_for_ours(
    page: Any, house: House, passwords: dict[str, str]
) -> None:
    slip = house.ask("elsewhere", mailbox=OWN, named="Gemeente Voorbeeld")["slip"]
    log_in(page, house, OWN, passwords[OWN])
    page.goto(f"{house.inside}/received/{slip}")
    verdict = page.locator("[data-verified]")
    verdict.wait_for()
    assert verdict.get_attribute("data-verified") == "true"
    # Whatever it calls itself, the page says that it is another, and who vouches for it.
    assert "andere organisatie" in verdict.inner_text()
    assert "voorbeeld.example staat in voor haar sleutel" in verdict.inner_text()
    check(page, "received-elsewhere")


def test_a_key_is_not_given_without_the_token_of_our_own_page(
    page: Any, house: House, passwords: dict[str, str]
) -> None:
    [slip] = house.send(text="x", proofs=[], mailboxes=[OWN])["slips"]
    log_in(page, house, OWN, passwords[OWN])
    asked = page.context.request.post(f"{house.inside}/inside/received/{slip}/open")
    assert asked.status == 403
    assert "AGE-SECRET" not in asked.text()


def test_a_session_of_the_outside_is_worth_nothing_inside(page: Any, house: House, passwords: dict[str, str]) -> None:
    """Both zones write one table; whoever commands the outside must not be able to make a session for the inside."""
    page.goto(f"{house.url}/login")
    page.locator("#address").fill(OWN)
    page.locator("#password").fill(passwords[OWN])
    page.locator("main button[type=submit]").click()
    page.wait_for_url("**/sent")
    [kept] = [cookie["value"] for cookie in page.context.cookies() if cookie["name"] == "zegel_session"]
    page.context.add_cookies([{"name": "zegel_inside_session", "value": kept, "url": house.inside}])
    assert page.context.request.get(f"{house.inside}/received", max_redirects=0).status == 302


def test_the_key_lies_with_the_inside_alone(house: House, passwords: dict[str, str]) -> None:
    house.send(text="x", proofs=[], mailboxes=[OWN])
    path = house.data / "keys" / "mailboxes" / "loket.example.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text().split()[-1].startswith("AGE-SECRET-KEY-PQ-1")

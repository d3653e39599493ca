"""An officer's afternoon in a real browser: three patches, a drill, an evacuation by keyboard, a signed report."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.conftest import House, running_house
from tests.browser.test_pages import check, log_in

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SUPPLIERS = """
[[supplier]]
name = "amstel-cloud"
legal_name = "Amstel Cloud B.V."
seat = "NL"
hosting = ["NL"]
assurance = 3
us_presence = false
contract_end = 2028-12-31
notice_days = 90
egress_eur_per_gb = 0.02
[[supplier.owner]]
name = "Amstel Holding N.V."
country = "NL"
since = 2019-05-01
ultimate = true

[[supplier]]
name = "seine-cloud"
legal_name = "Seine Cloud S.A."
seat = "FR"
hosting = ["FR", "DE"]
assurance = 3
egress_eur_per_gb = 0.01
[[supplier.owner]]
name = "Example Capital LLC"
country = "US"
announced = 2026-06-10
ultimate = true
"""
PATCHES = """
[[patch]]
name = "kelder"
folder = "store"
rank = 5

[[patch]]
name = "amstel"
folder = "amstel"
supplier = "amstel-cloud"

[[patch]]
name = "seine"
folder = "seine"
supplier = "seine-cloud"

[[spread]]
classes = [0, 1, 2, 3]
copies = 2
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running_house(tmp_path_factory.mktemp("quilt"), PATCHES, ("outside", "tidy")) as found:
        found.ask("suppliers", text=SUPPLIERS)
        found.ask("officer")
        for number in range(5):
            found.send(subject=f"Besluit {number}")
        yield found


def done(page: Any) -> None:
    """The page renews itself until the job is done."""
    page.locator(".utrecht-badge-status--safe").get_by_text("Klaar").wait_for(timeout=60_000)


def test_an_officers_afternoon(page: Any, house: House) -> None:
    log_in(page, house)
    page.get_by_role("link", name="Lappendeken").click()
    page.get_by_text("Tijd voor een oefening met: amstel, kelder, seine.").wait_for()
    check(page, "officer-overview")
    page.locator("#name").select_option("seine-cloud")
    page.get_by_role("button", name="Laat zien wat er gebeurt").click()
    page.get_by_text("Er zou niets verloren gaan.").wait_for()
    check(page, "officer-what-if")
    page.goto(f"{house.url}/patchwork/suppliers/seine-cloud")
    page.get_by_text("de aangekondigde eigenaar Example Capital LLC zit in US").wait_for()
    check(page, "officer-supplier")
    page.get_by_role("link", name="Deze leverancier afsnijden").click()
    check(page, "officer-cut")

    page.goto(f"{house.url}/patchwork/patches/seine")
    page.get_by_role("link", name="Oefening houden").click()
    page.get_by_role("button", name="Oefenen met seine").click()
    done(page)
    page.goto(f"{house.url}/patchwork/patches/seine")
    check(page, "officer-patch")
    page.get_by_role("link", name="Evacueren", exact=True).focus()
    page.keyboard.press("Enter")
    page.locator("#reason").focus()
    page.keyboard.type("verkocht")
    page.keyboard.press("Tab")
    page.keyboard.type("sein")
    page.keyboard.press("Enter")
    page.get_by_role("alert").get_by_text("Typ de naam “seine” om te bevestigen.").wait_for()
    check(page, "officer-evacuate")
    page.locator("#name").focus()
    page.keyboard.type("seine")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/patchwork/jobs/"))
    done(page)
    check(page, "officer-job")
    assert house.ask("sign")["signed"] == 2
    page.get_by_role("link", name="Toon het rapport").click()
    page.get_by_text("niets: geen bestanden, oude versies of onvoltooide uploads").wait_for()
    check(page, "officer-report")
    with page.expect_download() as saved:
        page.get_by_role("link", name="Handtekening opslaan").click()
    assert re.fullmatch(r"cooperative-seine-\d{8}-\w{8}\.json\.signature", saved.value.suggested_filename)
    page.goto(f"{house.url}/patchwork")
    page.locator("tr", has=page.get_by_role("rowheader", name="seine")).get_by_text("Wordt verlaten").wait_for()
    check(page, "officer-overview-after")
    # The browser says of the name that was not right what we said ourselves.
    assert [said for said in page.complaints if "400 (Bad Request)" not in said] == []

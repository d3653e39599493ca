"""The officer's pages: to whom they are shown, what they say, and that every picture is said in words too."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ground.databases import Database
from tests.ground.house import SENDER
from tests.patchwork.conftest import Quilt, make_quilt
from tests.suppliers.made import AMERICAN, make_supplier
from tests.web.ground import Web, opened
from tests.web.test_portal import log_in
from zegel.stores.placement import Spread

PAGES = ["/patchwork", "/patchwork/patches/ams", "/patchwork/suppliers/ams-cloud", "/patchwork/what-if?name=ams"]


@pytest.fixture
def quilt(tmp_path: Path, database: Database) -> Quilt:
    """Two copies of classes 0 to 3; the French supplier has been sold to Americans."""
    suppliers = (make_supplier("ams-cloud"), make_supplier("par-cloud", seat="FR", hosting=("FR",), owner=(AMERICAN,)))
    return make_quilt(tmp_path, {class_: Spread(2, 1) for class_ in range(4)}, suppliers, home=5)


@pytest.fixture
def office(quilt: Quilt) -> Iterator[Web]:
    """The door, and an officer who has logged in, in English."""
    quilt.ground.house.welcome.officer(SENDER, True)
    with opened(quilt.ground) as web:
        web.post("/language", data={"language": "en"})
        log_in(web)
        yield web


def said(page: str) -> str:
    """The text of a page, without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


@pytest.mark.parametrize("path", PAGES)
def test_only_officers_see_them(quilt: Quilt, path: str) -> None:
    with opened(quilt.ground) as web:
        assert web.get(path).headers["Location"].startswith("/login?next=%2Fpatchwork")
        log_in(web)
        refused = web.get(path)
        assert refused.status_code == 403
        assert not re.search("zegel-(facts|scroll|picture)", refused.text)
        assert "/patchwork" not in web.get("/sent").text
        quilt.ground.house.welcome.officer(SENDER, True)
        assert web.get(path).status_code == 200
        assert 'href="/patchwork"' in web.get("/sent").text
        quilt.ground.house.welcome.officer(SENDER, False)
        assert web.get(path).status_code == 403, "the right ends with the session only"
        events = [entry.event for entry in quilt.records.audit_entries()]
        assert events[-2:] == ["officer:named", "officer:dismissed"]


def test_the_overview_tells_what_lies_where_and_how_it_is(quilt: Quilt, office: Web) -> None:
    for number in range(3):
        quilt.put(bytes([number]) * 100)
    quilt.put(b"four", class_=4)
    page = office.get("/patchwork")
    text = said(page.text)
    assert page.status_code == 200
    assert "A drill is due for: ams, home, par." in text
    assert re.search(r"ams ams-cloud In use 3 files", text)
    assert re.search(r"home own In use 1 file,", text)
    assert re.search(r"2 – confidential 3 \(300 bytes\) ams: 3 par: 3 2 wanted", text), text
    assert "its announced owner" in text or "its owner" in text
    squares = re.findall(r'class="zegel-patch zegel-patch--(\d)"', page.text)
    assert squares == ["0"] * 6 + ["4", "0", "4"] + ["0"] * 4 + ["4", "0"]


def test_a_supplier_shows_its_owners_laws_and_what_it_may_hold(office: Web) -> None:
    text = said(office.get("/patchwork/suppliers/par-cloud").text)
    assert AMERICAN.name in text
    assert "CLOUD Act" in text
    assert "can demand access" in text
    assert re.search(r"2 – confidential never alone 3 – very confidential no it is under non-European control", text)


def test_a_patch_shows_its_supplier_and_what_may_lie_there(quilt: Quilt, office: Web) -> None:
    quilt.put(b"sealed")
    text = said(office.get("/patchwork/patches/ams").text)
    assert re.search(r"Last drill never Next drill now", text)
    assert re.search(r"4 – departmentally confidential no this class stays on own or government storage", text)


def test_what_if_is_a_picture_and_says_the_same_in_words(quilt: Quilt, office: Web) -> None:
    for number in range(3):
        quilt.put(bytes([number]) * 100)
    quilt.put(b"four", class_=4)
    page = office.get("/patchwork/what-if?name=ams-cloud")
    text = said(page.text)
    assert "Nothing would be lost." in text
    assert re.search(r"2 – confidential 0 0 3 0", text), text
    assert "Where it would go" in text
    assert re.search(r"home: class 2", text)
    assert page.text.count('class="zegel-box zegel-box--gone"') == 1
    assert page.text.count('class="zegel-box zegel-box--place"') == 2
    lost = said(office.get("/patchwork/what-if?name=home").text)
    assert "1 file would be lost: no other copy exists." in lost
    assert "4 – departmentally confidential: there are too few places that may have it" in lost
    assert "nowhere: class 4" in lost


def test_copies_at_a_patch_that_is_cut_are_not_readable_for_now(quilt: Quilt, office: Web) -> None:
    quilt.put(b"sealed")
    plan = quilt.ground.house.plan_b
    assert plan is not None
    plan.evacuate.begin("par", hostile=True, reason="sold")
    assert re.search(r"2 – confidential 0 1 0 0", said(office.get("/patchwork/what-if?name=ams").text))
    assert "sold" in office.get("/patchwork/patches/par").text


@pytest.mark.parametrize("path", ["patches/nowhere", "suppliers/nobody", "what-if?name=nothing", "what-if"])
def test_what_is_not_there(office: Web, path: str) -> None:
    assert office.get("/patchwork/" + path).status_code == 404


@pytest.mark.parametrize("path", PAGES)
def test_nothing_is_inline_and_every_picture_has_words(quilt: Quilt, office: Web, path: str) -> None:
    quilt.put(b"sealed")
    page = office.get(path).text
    assert not re.search(r"<script(?![^>]*\bsrc=\"/static/)|<style|\sstyle=|\son\w+=", page)
    pictures = re.findall(r"<svg class=[^>]*>", page)
    assert all('role="img" aria-label="' in picture for picture in pictures), pictures
    numbers = re.findall(r'\b(?:x|y|width|height|viewBox|d)="([^"]*)"', page)
    assert not [number for number in numbers if "," in number or "." in number], "a decimal comma in a picture"

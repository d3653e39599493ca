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
from tests.web.test_portal import log_in, post_form, token_in
from zegel.journeys.evacuate import Evacuate
from zegel.journeys.house import PlanB
from zegel.journeys.plan_jobs import RunJobs
from zegel.parcels.identifiers import new_identifier
from zegel.stores.placement import Spread

PAGES = ["/patchwork", "/patchwork/patches/ams", "/patchwork/suppliers/ams-cloud", "/patchwork/what-if?name=ams",
         "/patchwork/patches/ams/evacuate", "/patchwork/suppliers/ams-cloud/cut"]  # fmt: skip


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
    plan(quilt).evacuate.begin("par", hostile=True, reason="sold")
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


# Plan B ---------------------------------------------------------------------------------------------------------------


def plan(quilt: Quilt) -> PlanB:
    found = quilt.ground.house.plan_b
    assert found is not None
    return found


def work(quilt: Quilt) -> None:
    """What the tidy role and the courier do."""
    evacuate = Evacuate(quilt.records, quilt.patchwork, quilt.clock, wait=lambda _seconds: None)
    while RunJobs(quilt.records, evacuate, quilt.clock, beat=0.01).round():
        pass
    signs = plan(quilt).sign_reports
    assert signs is not None
    signs.round()


def state(quilt: Quilt, patch: str) -> str:
    quilt.patchwork.refresh()
    return next(one.state for one in quilt.patchwork.facts() if one.name == patch)


def test_a_patch_is_evacuated_from_the_page(quilt: Quilt, office: Web) -> None:
    for number in range(3):
        quilt.put(bytes([number]) * 100)
    act = "/patchwork/patches/ams/evacuate"
    asked = said(office.get(act).text)
    assert "It is still read." in asked
    assert "Where it would go" in asked
    assert state(quilt, "ams") == "open", "asking is not doing"
    slip = post_form(office, act, act, name="amsterdam", reason="sold")
    assert (slip.status_code, state(quilt, "ams")) == (400, "open")
    assert "Type the name" in slip.text
    assert 'value="sold"' in slip.text

    answer = post_form(office, act, act, name="ams", reason="sold")
    page = answer.headers["Location"]
    assert page.endswith("?live=1")
    assert state(quilt, "ams") == "leaving"
    live = office.get(page)
    assert live.headers["Refresh"] == "5"
    assert "Waiting" in live.text
    assert "Refresh" not in office.get(page.removesuffix("?live=1")).headers
    assert post_form(office, act, act, name="ams").status_code == 409
    work(quilt)
    done = office.get(page)
    assert "Refresh" not in done.headers
    assert re.search(r"100% – 3 of 3 files", said(done.text))
    assert list(quilt.stores["ams"].listing()) == []
    overview = said(office.get("/patchwork").text)
    assert re.search(r"Evacuation ams Done 100%", overview)
    assert re.search(r"Evacuation ams \S+ \S+( [ap]\.m\.)? Signed", overview), overview


def test_a_report_is_shown_and_saved_with_its_signature(quilt: Quilt, office: Web) -> None:
    quilt.put(b"sealed")
    act = "/patchwork/patches/ams/drill"
    post_form(office, act, act)
    work(quilt)
    [report] = quilt.records.reports()
    page = office.get(f"/patchwork/reports/{report.sha256}")
    text = said(page.text)
    assert re.search(r"Lie nowhere else \(recovery point\) 0", text)
    assert re.search(r"zegel plan-b verify drill-ams-20261120-\w{8}\.json", text)
    saved = office.get(f"/patchwork/reports/{report.sha256}/json")
    assert saved.headers["Content-Disposition"].startswith('attachment; filename="drill-ams-')
    whole = quilt.records.report(report.sha256)
    assert whole is not None
    assert saved.content == whole.body
    signature = office.get(f"/patchwork/reports/{report.sha256}/signature").json()
    assert signature["key"] == quilt.ground.house.profile.signing[0].fingerprint
    assert office.get(f"/patchwork/reports/{'0' * 64}").status_code == 404
    assert office.get(f"/patchwork/reports/{report.sha256}/exe").status_code == 404


def test_a_supplier_is_cut_at_once_and_reopened(quilt: Quilt, office: Web) -> None:
    blob = quilt.put(b"sealed")
    act = "/patchwork/suppliers/ams-cloud/cut"
    assert "cannot be read until you reopen it" in office.get(act).text
    assert post_form(office, act, act, name="ams").status_code == 400
    assert state(quilt, "ams") == "open"
    answer = post_form(office, act, act, name="ams-cloud", reason="sold")
    assert (answer.status_code, state(quilt, "ams")) == (302, "cut")
    work(quilt)
    assert quilt.get(blob) == b"sealed"
    assert quilt.states(blob)["home"] == "whole"
    back = "/patchwork/patches/ams/reopen"
    assert "sold" in office.get("/patchwork/patches/ams").text
    assert post_form(office, back, back).headers["Location"] == "/patchwork/patches/ams"
    assert state(quilt, "ams") == "open"


def test_a_job_is_stopped_and_goes_on(quilt: Quilt, office: Web) -> None:
    quilt.put(b"sealed")
    act = "/patchwork/patches/ams/evacuate"
    page = post_form(office, act, act, name="ams").headers["Location"].removesuffix("?live=1")
    token = token_in(office.get(page))
    office.post(page + "/stop", data={"csrfmiddlewaretoken": token})
    work(quilt)
    assert "Stopped" in office.get(page).text
    assert quilt.records.copies_at("ams") != []
    office.post(page + "/resume", data={"csrfmiddlewaretoken": token})
    work(quilt)
    assert "100%" in office.get(page).text
    assert office.post(page + "/explode", data={"csrfmiddlewaretoken": token}).status_code == 404
    assert office.get("/patchwork/jobs/" + new_identifier()).status_code == 404
    assert office.get("/patchwork/jobs/onzin").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "patches/ams/evacuate",
        "patches/ams/rebuild",
        "patches/ams/drill",
        "patches/ams/reopen",
        "suppliers/ams-cloud/cut",
    ],
)
def test_forms_that_are_not_ours_and_people_who_are_no_officers_do_nothing(
    quilt: Quilt, office: Web, path: str
) -> None:
    name = path.split("/")[1]
    assert office.post(f"/patchwork/{path}", data={"name": name}).status_code == 403
    token = token_in(office.get("/sent"))
    quilt.ground.house.welcome.officer(SENDER, False)
    answer = office.post(f"/patchwork/{path}", data={"name": name, "csrfmiddlewaretoken": token})
    assert answer.status_code == 403
    assert "security officers only" in answer.text
    assert (quilt.records.jobs(), state(quilt, "ams")) == ([], "open")


@pytest.mark.parametrize("path", ["patches/nowhere/evacuate", "patches/ams/destroy", "suppliers/nobody/cut"])
def test_what_cannot_be_done(office: Web, path: str) -> None:
    assert office.get("/patchwork/" + path).status_code == 404


def test_what_was_stored_over_time_is_a_line_and_a_table(quilt: Quilt, office: Web) -> None:
    days = plan(quilt).days
    days.note()
    assert "<polyline" not in office.get("/patchwork").text, "one day makes no line"
    quilt.put(b"x" * 1000)
    quilt.clock.move(days=31)
    days.note()
    page = office.get("/patchwork").text
    assert page.count("<polyline") == 3
    assert 'points="10,310 990,10"' in page
    assert re.search(r"ams – 0 bytes 1000 bytes –", said(page)), said(page)

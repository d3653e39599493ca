"""Filling in a proof over HTTP: with the link that the sender was sent, logged in, and by program."""

import base64
import re
from typing import Any

import httpx
import pytest

from tests.ground.house import READER, SENDER, TELEPHONE
from tests.web.ground import URL, Web, problem
from zegel.parcels.proofs import Proof, code_proof

OTHER = "ander@example.org"


@pytest.fixture
def parcel(web: Web) -> str:
    ground = web.ground
    return ground.send(proof="missing", to=(READER, OTHER), **{READER: Proof("mail")})


def _slip(web: Web, parcel: str, address: str = OTHER) -> str:
    return next(slip.slip for slip in web.ground.house.records.slips_of(parcel) if slip.address == address)


def _voucher(web: Web, parcel: str) -> str:
    """Out of the mail that the sender got."""
    web.ground.announce()
    bodies = [mail.get_body(("plain",)) for mail in web.ground.mails() if mail["To"] == SENDER]
    text = "".join(body.get_content() for body in bodies if body is not None)
    found = re.search(rf"{re.escape(URL)}/fill/{parcel}#(\S+)", text)
    assert found
    return found[1]


def _post(web: Web, parcel: str, voucher: str, **fields: str) -> httpx.Response:
    return web.post(f"/fill/{parcel}", data={"voucher": voucher, **fields})


def test_the_page_is_the_same_for_every_parcel_and_sets_no_cookie(web: Web, parcel: str) -> None:
    known, unknown = web.get(f"/fill/{parcel}"), web.get(f"/fill/{'a' * 26}")
    assert (known.status_code, unknown.status_code) == (200, 200)
    assert known.text.replace(parcel, "") == unknown.text.replace("a" * 26, "")
    assert OTHER not in known.text
    assert "set-cookie" not in known.headers
    assert known.headers["Referrer-Policy"] == "no-referrer"
    assert known.headers["Cache-Control"] == "no-store"
    assert web.get("/fill/nergens").status_code == 404


def test_the_link_shows_who_waits_and_takes_a_telephone_number(web: Web, parcel: str) -> None:
    voucher, slip = _voucher(web, parcel), _slip(web, parcel)
    shown = _post(web, parcel, voucher)
    assert (shown.status_code, OTHER in shown.text, READER in shown.text) == (200, True, False)
    assert "set-cookie" not in shown.headers
    wrong = _post(web, parcel, voucher, do="save", slip=slip, kind="sms", telephone="0612345678")
    assert wrong.status_code == 400
    assert 'aria-invalid="true"' in wrong.text
    assert "0612345678" not in wrong.text
    saved = _post(web, parcel, voucher, do="save", slip=slip, kind="sms", telephone=TELEPHONE)
    assert saved.status_code == 200
    assert web.ground.house.records.slip(slip).proof.telephone == TELEPHONE
    web.ground.announce()
    assert OTHER in [mail["To"] for mail in web.ground.mails()]
    again = _post(web, parcel, voucher, do="save", slip=slip, kind="code", code="heel anders")
    assert again.status_code == 409
    assert web.ground.house.records.slip(slip).proof.kind == "sms"
    assert TELEPHONE not in again.text


@pytest.mark.parametrize("fields", [{}, {"kind": "mail"}, {"kind": "missing"}, {"kind": "code", "code": "abc"}])
def test_what_is_no_choice_changes_nothing(web: Web, parcel: str, fields: dict[str, str]) -> None:
    slip = _slip(web, parcel)
    assert _post(web, parcel, _voucher(web, parcel), do="save", slip=slip, **fields).status_code == 400
    assert web.ground.house.records.slip(slip).proof.kind == "missing"


def test_withdrawing_is_asked_first(web: Web, parcel: str) -> None:
    voucher, slip = _voucher(web, parcel), _slip(web, parcel)
    asked = _post(web, parcel, voucher, do="ask-withdraw", slip=slip)
    assert 'value="withdraw"' in asked.text
    assert web.ground.house.records.slip(slip).revoked is None
    assert _post(web, parcel, voucher, do="withdraw", slip=slip).status_code == 200
    assert web.ground.house.records.slip(slip).revoked is not None


@pytest.mark.parametrize("voucher", ["", "x", "a.b", "A" * 5000])
def test_without_the_link_nothing_is_shown_or_done(web: Web, parcel: str, voucher: str) -> None:
    slip = _slip(web, parcel)
    for fields in (
        {},
        {"do": "save", "slip": slip, "kind": "sms", "telephone": TELEPHONE},
        {"do": "withdraw", "slip": slip},
    ):
        answer = _post(web, parcel, voucher, **fields)
        assert (answer.status_code, OTHER in answer.text) == (403, False)
    assert web.ground.house.records.slip(slip).proof.kind == "missing"
    other = web.ground.send(proof="missing", to=(OTHER,))
    web.ground.announce()
    assert (
        _post(web, parcel, web.ground.house.fill_in.link(web.ground.house.records.slips_of(other)[0])).status_code
        == 403
    )


def test_somebody_elses_slip_is_no_reader_of_this_parcel(web: Web, parcel: str) -> None:
    other = web.ground.send(proof="missing", to=(OTHER,))
    slip, voucher = _slip(web, other), _voucher(web, parcel)
    for do in ("save", "withdraw"):
        assert _post(web, parcel, voucher, do=do, slip=slip, kind="sms", telephone=TELEPHONE).status_code == 404
    assert web.ground.house.records.slip(slip).proof.kind == "missing"


def test_several_who_wait_are_a_list_to_choose_from(web: Web) -> None:
    parcel = web.ground.send(proof="missing", to=(READER, OTHER))
    voucher = _voucher(web, parcel)
    shown = _post(web, parcel, voucher)
    assert READER in shown.text
    assert OTHER in shown.text
    assert 'name="telephone"' not in shown.text
    assert 'name="telephone"' in _post(web, parcel, voucher, slip=_slip(web, parcel)).text


def _log_in(web: Web) -> str:
    web.get("/login")
    token = web.client.cookies["zegel_form"]
    data = {"address": SENDER, "password": web.ground.password, "csrfmiddlewaretoken": token}
    assert web.post("/login", data=data, headers={"Referer": URL}).status_code == 302
    return web.client.cookies["zegel_form"]


def test_logged_in_it_is_on_the_page_of_the_parcel(web: Web, parcel: str) -> None:
    token, slip = _log_in(web), _slip(web, parcel)
    path = f"/sent/{parcel}/readers/{slip}/proof"
    assert path in web.get(f"/sent/{parcel}").text
    assert 'name="telephone"' in web.get(path).text
    data = {"kind": "code", "code": "Tulp-2026"}
    assert web.post(path, data=data, headers={"Referer": URL}).status_code == 403
    saved = web.post(path, data={**data, "csrfmiddlewaretoken": token}, headers={"Referer": URL})
    assert saved.headers["Location"] == f"/sent/{parcel}?done=given"
    assert web.ground.house.records.slip(slip).proof.kind == "code"
    assert path not in web.get(f"/sent/{parcel}").text
    assert web.get(f"/sent/{parcel}/readers/{'a' * 26}/proof").status_code == 404


def _members(proof: Proof) -> dict[str, Any]:
    made = {"kind": proof.kind, "telephone": proof.telephone}
    return made | {name: base64.b64encode(getattr(proof, name)).decode() for name in ("salt", "verifier")}


def test_a_program_fills_in_its_own_parcels_once(web: Web, parcel: str) -> None:
    slip, proof = _slip(web, parcel), code_proof("Tulp-2026")
    path = f"/api/v1/slips/{slip}/proof"
    problem(web.post(path, json=_members(proof)), 401, "bad-token")
    foreign = {"Authorization": f"Bearer {web.other_sender()}"}
    problem(web.post(path, json=_members(proof), headers=foreign), 404, "unknown-slip")
    problem(web.post(path, json={"kind": "mail"}, headers=web.bearer), 400, "no-such-choice")
    answer = web.post(path, json=_members(proof), headers=web.bearer)
    assert answer.status_code == 200
    assert {reader["slip"]: reader["proof"] for reader in answer.json()["readers"]}[slip] == "code"
    problem(web.post(path, json=_members(proof), headers=web.bearer), 409, "proof-known")
    assert web.ground.house.records.slip(slip).proof == proof


def test_the_api_takes_no_deposit_without_a_proof(web: Web) -> None:
    assert "missing" not in web.get("/api/v1/openapi.json").text.split('"ProofIn"')[1].split('"telephone"')[0]

"""Deposits over HTTP: the whole way with real sealing, and what a stranger or a broken program may send instead."""

import base64
import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.ground.house import READER
from tests.web.ground import Web, deposit_members, problem
from zegel.journeys.submit import Message, ReaderWish
from zegel.parcels.identifiers import new_identifier
from zegel.parcels.proofs import parse_proof

Members = dict[str, Any]


def members_of(web: Web, proof: str = "mail", readers: int = 1) -> Members:
    """A right deposit, uploaded but not made."""
    peer = web.peer()
    packing = web.packing(peer)
    writer = packing.attachment("brief.pdf")
    writer.write(b"%PDF-1.4")
    writer.close()
    wishes = tuple(ReaderWish(f"lezer{i}@example.net", parse_proof(proof)) for i in range(readers))
    return deposit_members(peer, packing, Message("Beschikking", "Geachte", wishes))


def deposit(web: Web, members: Members, token: str = "") -> Any:
    headers = {"Authorization": f"Bearer {token or web.ground.token}"}
    return web.post("/api/v1/parcels", json=members, headers=headers)


def test_from_a_senders_machine_to_a_reader(web: Web) -> None:
    parcel = web.send("mail", attachments=[("brief.pdf", b"%PDF" * 50_000), ("leeg.txt", b"")])
    web.ground.announce()
    link = web.ground.links()[0]

    opened = web.reading().open(link, "")

    assert opened.manifest.parcel == parcel
    assert opened.manifest.text == "Geachte"
    assert not opened.unverified
    assert [b"".join(opened.attachment(item)) for item in opened.manifest.attachments] == [b"%PDF" * 50_000, b""]
    status = web.peer().parcel(parcel)
    assert (status["state"], status["class"], status["readers"][0]["state"]) == ("live", 2, "downloaded")
    assert [item["parcel"] for item in web.peer().parcels()] == [parcel]


def test_the_answer_names_the_page_of_the_parcel(web: Web) -> None:
    members = members_of(web)
    answer = deposit(web, members)
    assert answer.status_code == 201
    assert answer.json() == {
        "parcel": members["parcel"],
        "url": f"http://127.0.0.1:8025/sent/{members['parcel']}",
    }


def test_the_same_deposit_again_is_answered_the_same_and_announced_once(web: Web) -> None:
    members = members_of(web)
    first, again = deposit(web, members), deposit(web, members)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    web.ground.announce()
    assert len(web.ground.mails()) == 1


def test_an_altered_deposit_under_the_same_identifier_is_refused(web: Web) -> None:
    members = members_of(web)
    deposit(web, members)
    members["readers"][0]["address"] = "dief@example.net"
    problem(deposit(web, members), 409, "parcel-exists")


def test_a_receipt_is_worth_nothing_to_another_account(web: Web) -> None:
    members = members_of(web)
    problem(deposit(web, members, web.other_sender()), 400, "foreign-receipt")


def test_swapped_receipts_are_refused(web: Web) -> None:
    members = members_of(web)
    first, second = members["blobs"]
    first["receipt"], second["receipt"] = second["receipt"], first["receipt"]
    problem(deposit(web, members), 400, "foreign-receipt")


def test_a_blob_of_another_parcel_is_refused(web: Web) -> None:
    one, other = members_of(web), members_of(web)
    assert deposit(web, one).status_code == 201
    other["blobs"][1] = one["blobs"][1]
    problem(deposit(web, other), 409, "parcel-exists")


def test_a_receipt_is_good_for_a_day(web: Web) -> None:
    members = members_of(web)
    web.ground.clock.move(hours=25)
    problem(deposit(web, members), 403, "bad-ticket")


def test_a_forged_receipt_is_refused(web: Web) -> None:
    members = members_of(web)
    body, mac = members["blobs"][0]["receipt"].split(".")
    members["blobs"][0]["receipt"] = f"{body}.{'A' * len(mac)}"
    problem(deposit(web, members), 403, "bad-ticket")


def change(path: str, value: Any) -> Callable[[Members], None]:
    def apply(members: Members) -> None:
        *way, last = path.split(".")
        place: Any = members
        for step in way:
            place = place[int(step) if step.isdigit() else step]
        place[last] = value

    apply.__name__ = f"{path}={str(value)[:20]}"
    return apply


AGE = base64.b64encode(b"age-encryption.org/v1\n" + b"x" * 9000).decode()
NO_AGE = base64.b64encode(b"no age file").decode()


@pytest.mark.parametrize(
    ("alter", "status", "code"),
    [
        (change("expires", "2026-11-19T00:00:00Z"), 400, "expiry-past"),
        (change("expires", "2036-11-19T00:00:00Z"), 400, "expiry-far"),
        (change("expires", "morgen"), 400, "bad-date"),
        (change("class", 5), 422, "bad-schema"),
        (change("class", "2"), 422, "bad-schema"),
        (change("class", True), 422, "bad-schema"),
        (change("suite", "age-v2/rot13"), 400, "unknown-suite"),
        (change("parcel", "../../etc/passwd"), 400, "bad-identifier"),
        (change("parcel", "A" * 26), 400, "bad-identifier"),
        (change("language", "xx"), 400, "bad-language"),
        (change("sender", "burgemeester@voorbeeld.example"), 422, "bad-schema"),
        (change("blobs", []), 400, "no-manifest"),
        (change("readers", []), 400, "no-reader"),
        (change("readers", None), 422, "bad-schema"),
        (change("readers.0.proof.kind", "pinkbelofte"), 422, "bad-schema"),
        (change("readers.0.proof", {"kind": "sms", "telephone": "0612345678"}), 400, "bad-telephone"),
        (change("readers.0.proof", {"kind": "code"}), 400, "bad-verifier"),
        (change("readers.0.address", "geen adres"), 400, "bad-address"),
        (change("readers.0.address", "a@b.example\r\nBcc: dief@example.net"), 400, "bad-address"),
        (change("readers.0.slip", "k3mt3zmvwvuqrppbmm5mvjdu4r"), 400, "bad-identifier"),
        (change("readers.0.share", base64.b64encode(b"kort").decode()), 400, "bad-share"),
        (change("readers.0.share", "geen base64!"), 422, "bad-schema"),
        (change("readers.0.share", 5), 422, "bad-schema"),
        (change("readers.0.sealed_slip", NO_AGE), 400, "bad-slip"),
        (change("readers.0.sealed_slip", AGE), 422, "bad-schema"),
        (change("readers.0.sealed_notice", NO_AGE), 400, "bad-notice"),
        (change("readers.0.kind", "archive"), 400, "no-reader"),
        (change("readers.0.surprise", 1), 422, "bad-schema"),
        (change("surprise", 1), 422, "bad-schema"),
    ],
)
def test_a_broken_deposit_is_refused_and_nothing_is_kept(
    quick: Web, alter: Callable[[Members], None], status: int, code: str
) -> None:
    members = members_of(quick)
    broken = copy.deepcopy(members)
    alter(broken)

    told = problem(deposit(quick, broken), status, code)

    assert "{" not in told["detail"]
    assert quick.peer().parcels() == []
    assert deposit(quick, members).status_code == 201


def test_a_refusal_says_where_and_never_what(quick: Web) -> None:
    members = members_of(quick)
    members["readers"][0]["share"] = "geheim!"
    told = problem(deposit(quick, members), 422, "bad-schema")
    assert "readers.0.share" in told["detail"]
    assert "geheim" not in json.dumps(told)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "bad-json"),
        (b'{"parcel":1,"parcel":2}', "bad-json"),
        (b'{"class":NaN}', "bad-json"),
        (b"\xff\xfe", "bad-json"),
        (b'{"class":1' + b"0" * 5000 + b"}", "bad-json"),
        (b"[" * 100_000 + b"]" * 100_000, "bad-json"),
        (b"", "bad-schema"),
        (b"[]", "bad-schema"),
        (b"null", "bad-schema"),
        (b'"tekst"', "bad-schema"),
    ],
)
def test_a_body_that_is_no_deposit_at_all(quick: Web, body: bytes, code: str) -> None:
    headers = {**quick.bearer, "Content-Type": "application/json"}
    answer = quick.post("/api/v1/parcels", content=body, headers=headers)
    problem(answer, 422 if code == "bad-schema" else 400, code)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_another_content_type_is_refused(quick: Web, kind: str) -> None:
    answer = quick.post("/api/v1/parcels", content=b"{}", headers={**quick.bearer, "Content-Type": kind})
    problem(answer, 415, "bad-media-type")


def test_a_huge_body_is_refused_by_its_length(quick: Web) -> None:
    headers = {**quick.bearer, "Content-Type": "application/json"}
    answer = quick.post("/api/v1/parcels", content=b" " * (17 * 1024 * 1024), headers=headers)
    problem(answer, 413, "request-too-large")
    answer = quick.post("/api/v1/parcels/x/revoke", content=b" " * (65 * 1024), headers=headers)
    problem(answer, 413, "request-too-large")


def test_too_many_readers(quick: Web) -> None:
    members = members_of(quick)
    reader = members["readers"][0]
    members["readers"] = [{**reader, "slip": new_identifier()} for _ in range(2000)]
    problem(deposit(quick, members), 400, "too-many-readers")


def test_ten_thousand_readers_are_more_than_a_body_may_hold(quick: Web) -> None:
    members = members_of(quick)
    reader = members["readers"][0]
    members["readers"] = [{**reader, "slip": new_identifier()} for _ in range(10_000)]
    problem(deposit(quick, members), 413, "request-too-large")


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer zgl_onzin", "Basic YTpi", "Ticket x", "Bearer zgl_" + "a" * 5000]
)
def test_without_a_token_nothing_is_read(quick: Web, authorization: str) -> None:
    for method, path in [
        ("POST", "/api/v1/parcels"), ("GET", "/api/v1/parcels"), ("GET", "/api/v1/me"), ("PUT", "/api/v1/blobs/x"),
    ]:  # fmt: skip
        headers = {"Authorization": authorization.encode()} if authorization else {}
        answer = quick.client.request(method, "http://127.0.0.1:8025" + path, content=b"{}", headers=headers)
        problem(answer, 401, "bad-token")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_sender_sees_only_his_own(web: Web) -> None:
    parcel = web.send(to=(READER,))
    headers = {"Authorization": f"Bearer {web.other_sender()}"}
    assert web.get("/api/v1/parcels", headers=headers).json() == {"parcels": [], "next": ""}
    problem(web.get(f"/api/v1/parcels/{parcel}", headers=headers), 404, "unknown-parcel")
    for step, members in [("revoke", {}), ("expiry", {"expires": "2026-12-01T00:00:00Z"})]:
        problem(web.post(f"/api/v1/parcels/{parcel}/{step}", json=members, headers=headers), 404, "unknown-parcel")
    assert web.peer().parcel(parcel)["state"] == "live"


def test_lists_go_on_page_by_page(web: Web) -> None:
    sent = []
    for _ in range(5):
        sent.append(web.send(attachments=[]))
        web.ground.clock.move(minutes=1)
    found, before = [], ""
    while True:
        page = web.get(f"/api/v1/parcels?limit=2&before={before}", headers=web.bearer).json()
        found += [item["parcel"] for item in page["parcels"]]
        before = page["next"]
        if not before:
            break
    assert found == sent[::-1]


def test_revoke_one_reader_then_all(web: Web) -> None:
    parcel = web.send(to=("een@example.net", "twee@example.net"))
    first = web.peer().parcel(parcel)["readers"][0]["slip"]
    answer = web.post(f"/api/v1/parcels/{parcel}/revoke", json={"slip": first}, headers=web.bearer).json()
    assert [reader["state"] for reader in answer["readers"]] == ["revoked", "sent"]
    assert answer["state"] == "live"
    for _ in range(2):
        answer = web.post(f"/api/v1/parcels/{parcel}/revoke", headers=web.bearer).json()
        assert answer["state"] in ("revoked", "gone")
    problem(
        web.post(f"/api/v1/parcels/{parcel}/expiry", json={"expires": "2026-12-01T00:00:00Z"}, headers=web.bearer),
        400,
        "parcel-ended",
    )


def test_another_expiry(web: Web) -> None:
    parcel = web.send()
    path = f"/api/v1/parcels/{parcel}/expiry"
    answer = web.post(path, json={"expires": "2026-12-01T00:00:00Z"}, headers=web.bearer)
    assert answer.json()["expires"] == "2026-12-01T00:00:00Z"
    problem(web.post(path, json={"expires": "2026-11-01T00:00:00Z"}, headers=web.bearer), 400, "expiry-past")

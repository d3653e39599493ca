"""The reader's API: proofs and their tries, tickets, and sealed bytes in ranges."""

from typing import Any

import httpx
import pytest
from django.db import connection

from tests.ground.house import TELEPHONE
from tests.web.ground import URL, Web, problem
from zegel.parcels.claim import Link
from zegel.parcels.identifiers import new_identifier
from zegel.parcels.vouchers import mint


def send(web: Web, proof: str = "mail", **facts: Any) -> Link:
    return web.ground.send_and_link(proof=proof, **facts)


def path(link: Link, more: str = "") -> str:
    return f"/api/v1/reader/slips/{link.slip}{more}"


def show(web: Web, link: Link, kind: str, code: str = "") -> httpx.Response:
    proof = {"kind": kind} | ({"code": code} if code else {})
    return web.post(path(link, "/open"), json={"proof": proof})


def release(web: Web, link: Link) -> dict[str, Any]:
    answer = show(web, link, "mail")
    assert answer.status_code == 200, answer.text
    members: dict[str, Any] = answer.json()
    return members


def fetch(web: Web, link: Link, blob: str, ticket: str, **headers: str) -> httpx.Response:
    return web.get(path(link, f"/blobs/{blob}"), headers={"Authorization": f"Ticket {ticket}", **headers})


def test_what_a_reader_may_know_before_the_proof(web: Web) -> None:
    link = send(web, f"sms:{TELEPHONE}")
    answer = web.get(path(link))
    assert answer.json() == {
        "organisation": {"name": "Gemeente Voorbeeld", "host": "post.voorbeeld.example"},
        "sender": {"name": "Afdeling Zorg", "address": "zorg@voorbeeld.example"},
        "proof": {"kind": "sms", "hint": "42"},
        "created": "2026-11-20T09:14:00Z",
        "expires": "2026-12-20T09:14:00Z",
        "language": "nl",
    }
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers


def test_unknown_malformed_and_archive_slips_are_one_answer(web: Web) -> None:
    told = [
        problem(web.get(f"/api/v1/reader/slips/{slip}"), 404, "unknown-slip")
        for slip in (new_identifier(), "kort", "A" * 26, "k3mt3zmvwvuqrppbmm5mvjdu4r")
    ]
    assert all(members == told[0] for members in told)


def test_with_the_link_alone(web: Web) -> None:
    link = send(web)
    found = release(web, link)
    assert set(found) == {"parcel", "slip", "share", "blobs", "ticket", "ticket_until"}
    assert found["ticket_until"] == "2026-11-20T10:14:00Z"
    assert [set(item) for item in found["blobs"]] == [{"blob", "size"}] * 2


def test_with_an_access_code(web: Web) -> None:
    link = send(web, "code:Blauwe Olifant-12")
    problem(show(web, link, "code", "rode olifant 12"), 403, "proof-failed")
    problem(show(web, link, "code"), 403, "proof-failed")
    assert show(web, link, "code", "blauwe olifant 12").status_code == 200


def test_with_an_sms_code_once(web: Web) -> None:
    link = send(web, f"sms:{TELEPHONE}")
    assert web.post(path(link, "/code"), json={"language": "nl"}).status_code == 204
    web.ground.announce()
    code = web.ground.codes()[-1]
    assert show(web, link, "sms", f" {code[:3]} {code[3:]} ").status_code == 200
    problem(show(web, link, "sms", code), 403, "proof-failed")


def test_wrong_old_and_never_requested_codes_are_one_answer(web: Web) -> None:
    link = send(web, f"sms:{TELEPHONE}")
    never = show(web, link, "sms", "123456")
    web.post(path(link, "/code"))
    web.ground.announce()
    code = web.ground.codes()[-1]
    wrong = show(web, link, "sms", "000000" if code != "000000" else "111111")
    web.ground.clock.move(minutes=11)
    old = show(web, link, "sms", code)
    assert [problem(answer, 403, "proof-failed") for answer in (never, wrong, old)] == [never.json()] * 3


def test_after_five_wrong_codes_there_is_a_pause_that_says_how_long(web: Web) -> None:
    link = send(web, "code:blauwe olifant")
    for _ in range(5):
        problem(show(web, link, "code", "fout"), 403, "proof-failed")
    answer = show(web, link, "code", "blauwe olifant")
    told = problem(answer, 429, "proof-paused")
    assert 0 < told["retry_after"] <= 61
    assert answer.headers["Retry-After"] == str(told["retry_after"])
    web.ground.clock.move(seconds=told["retry_after"])
    assert show(web, link, "code", "blauwe olifant").status_code == 200


def test_codes_are_not_sent_as_often_as_somebody_likes(web: Web) -> None:
    link = send(web, f"sms:{TELEPHONE}")
    assert web.post(path(link, "/code")).status_code == 204
    told = problem(web.post(path(link, "/code")), 429, "code-paused")
    assert told["retry_after"] <= 61


def test_no_sms_for_who_has_another_proof(web: Web) -> None:
    problem(web.post(path(send(web), "/code")), 400, "no-sms-proof")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"proof": None},
        {"proof": {"kind": "eid"}},
        {"proof": {"kind": "mail"}, "ticket": "x"},
        {"proof": {"kind": "mail", "share": "x"}},
        {"proof": {"kind": "code", "code": 123456}},
        {"proof": {"kind": "code", "code": "9" * 600}},
        {"proof": "mail"},
        [],
    ],
)
def test_a_proof_that_is_none(quick: Web, body: Any) -> None:
    answer = quick.post(path(send(quick), "/open"), json=body)
    assert (answer.status_code, answer.json()["code"]) in ((422, "bad-schema"), (400, "bad-proof"))


def test_a_ticket_opens_again_within_the_hour(web: Web) -> None:
    link = send(web)
    ticket = release(web, link)["ticket"]
    web.ground.clock.move(minutes=59)
    again = web.post(path(link, "/open"), json={"ticket": ticket})
    assert again.status_code == 200
    web.ground.clock.move(minutes=2)
    problem(web.post(path(link, "/open"), json={"ticket": ticket}), 403, "bad-ticket")
    blob = again.json()["blobs"][0]["blob"]
    problem(fetch(web, link, blob, ticket), 403, "bad-ticket")
    assert fetch(web, link, blob, again.json()["ticket"]).status_code == 200


def test_tickets_of_others_forged_and_for_something_else(web: Web) -> None:
    link, other = send(web), send(web)
    found, foreign = release(web, link), release(web, other)
    blob = found["blobs"][0]["blob"]
    soon = web.ground.clock.now.replace(year=2027)
    receipt = mint(b"k" * 32, "receipt", {"slip": link.slip}, soon)
    forged = mint(b"x" * 32, "ticket", {"slip": link.slip}, soon)
    for ticket in (foreign["ticket"], receipt, forged, found["ticket"][:-2], "", "a.b.c", "é", "x" * 5000):
        answer = web.get(path(link, f"/blobs/{blob}"), headers={"Authorization": f"Ticket {ticket}".encode("latin-1")})\
            if ticket.isascii() else web.get(path(link, f"/blobs/{blob}"))  # fmt: skip
        problem(answer, 403, "bad-ticket")
    problem(web.get(path(link, f"/blobs/{blob}"), headers=web.bearer), 403, "bad-ticket")
    # A blob of another parcel, with one's own ticket.
    problem(fetch(web, link, foreign["blobs"][0]["blob"], found["ticket"]), 404, "unknown-blob")
    problem(fetch(web, link, "../" + blob, found["ticket"]), 404, "no-such-page")


def test_bytes_whole_and_in_ranges(web: Web) -> None:
    link = send(web, attachments=[("groot.bin", "application/octet-stream", bytes(range(256)) * 4096)])
    found = release(web, link)
    place = found["blobs"][1]
    whole = fetch(web, link, place["blob"], found["ticket"])
    assert whole.status_code == 200
    assert whole.headers["Content-Length"] == str(place["size"]) == str(len(whole.content))
    assert whole.headers["Accept-Ranges"] == "bytes"
    assert whole.headers["Content-Type"] == "application/octet-stream"
    assert whole.headers["Cache-Control"] == "no-store"
    size, data = place["size"], whole.content
    for header, part, shown in [
        ("bytes=0-0", data[:1], f"bytes 0-0/{size}"),
        ("bytes=100-", data[100:], f"bytes 100-{size - 1}/{size}"),
        ("bytes=-7", data[-7:], f"bytes {size - 7}-{size - 1}/{size}"),
        (f"bytes=-{size * 2}", data, f"bytes 0-{size - 1}/{size}"),
        (f"bytes=5-{size * 2}", data[5:], f"bytes 5-{size - 1}/{size}"),
    ]:
        answer = fetch(web, link, place["blob"], found["ticket"], Range=header)
        assert (answer.status_code, answer.headers["Content-Range"]) == (206, shown)
        assert answer.content == part
        assert answer.headers["Content-Length"] == str(len(part))


@pytest.mark.parametrize("header", ["bytes=999999999-", "bytes=-0", "bytes=999999999-9999999999"])
def test_a_range_that_is_not_there(quick: Web, header: str) -> None:
    link = send(quick)
    found = release(quick, link)
    place = found["blobs"][0]
    answer = fetch(quick, link, place["blob"], found["ticket"], Range=header)
    problem(answer, 416, "bad-range")
    assert answer.headers["Content-Range"] == f"bytes */{place['size']}"


@pytest.mark.parametrize(
    "header", ["bytes=0-0,2-3", "bytes=5-2", "bytes=", "bytes=-", "items=0-1", "bytes=a-b", "bytes=" + "0-1," * 2000]
)
def test_ranges_that_may_be_ignored_are_answered_with_the_whole(quick: Web, header: str) -> None:
    link = send(quick)
    found = release(quick, link)
    place = found["blobs"][0]
    answer = fetch(quick, link, place["blob"], found["ticket"], Range=header)
    assert (answer.status_code, len(answer.content)) == (200, place["size"])


def test_a_range_of_another_version_is_answered_with_the_whole(quick: Web) -> None:
    link = send(quick)
    found = release(quick, link)
    blob = found["blobs"][0]["blob"]
    same = {"Range": "bytes=0-3", "If-Range": f'"{blob}"'}
    assert fetch(quick, link, blob, found["ticket"], **same).status_code == 206
    assert fetch(quick, link, blob, found["ticket"], **{**same, "If-Range": '"iets anders"'}).status_code == 200


def test_withdrawn_between_two_blobs(web: Web) -> None:
    link = send(web)
    found = release(web, link)
    first, second = (item["blob"] for item in found["blobs"])
    assert fetch(web, link, first, found["ticket"]).status_code == 200
    web.ground.house.revoke.parcel(web.ground.actor, found["parcel"])
    for answer in (
        fetch(web, link, second, found["ticket"]),
        web.get(path(link)),
        show(web, link, "mail"),
        web.post(path(link, "/open"), json={"ticket": found["ticket"]}),
    ):
        problem(answer, 410, "revoked")


def test_expired(web: Web) -> None:
    link = send(web)
    web.ground.clock.move(days=31)
    told = problem(web.get(path(link)), 410, "expired")
    assert "2026-12-20" in told["detail"]


def test_a_download_that_stops_early_does_not_count_as_opened(web: Web) -> None:
    link = send(web, text="lang " * 200_000)
    found = release(web, link)
    place = found["blobs"][0]
    headers = {"Authorization": f"Ticket {found['ticket']}"}
    with web.client.stream("GET", URL + path(link, f"/blobs/{place['blob']}"), headers=headers) as answer:
        next(answer.iter_raw())
    assert web.ground.house.follow.parcel(web.ground.actor, found["parcel"]).readers[0].opened is None
    fetch(web, link, place["blob"], found["ticket"])
    assert web.ground.house.follow.parcel(web.ground.actor, found["parcel"]).readers[0].opened is not None


def test_no_connection_to_the_database_is_held_while_bytes_flow(web: Web) -> None:
    link = send(web, attachments=[("groot.bin", "application/octet-stream", b"x" * 2_000_000)])
    found = release(web, link)
    headers = {"Authorization": f"Ticket {found['ticket']}"}
    url = URL + path(link, f"/blobs/{found['blobs'][1]['blob']}")
    with web.client.stream("GET", url, headers=headers) as answer:
        next(answer.iter_raw())
        if connection.vendor == "postgresql":
            assert connection.connection is None
        else:
            assert not connection.in_atomic_block


def test_when_all_places_for_transfers_are_taken_others_wait_their_turn(quick: Web) -> None:
    link = send(quick, attachments=[("groot.bin", "application/octet-stream", b"x" * 2_000_000)])
    found = release(quick, link)
    headers = {"Authorization": f"Ticket {found['ticket']}"}
    url = URL + path(link, f"/blobs/{found['blobs'][1]['blob']}")
    slow = [quick.client.send(quick.client.build_request("GET", url, headers=headers), stream=True) for _ in range(4)]
    answer = quick.get(path(link, f"/blobs/{found['blobs'][1]['blob']}"), headers=headers)
    assert problem(answer, 503, "busy")["retry_after"] == 5
    assert quick.get(path(link)).status_code == 200
    for download in slow:
        download.close()
    assert quick.get(path(link, f"/blobs/{found['blobs'][1]['blob']}"), headers=headers).status_code == 200

"""The door as it is served: over sockets, by many threads at once, to slow, broken and greedy callers."""

import os
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.ground.databases import Cluster
from tests.web.live import PASSWORD, SENDER, Live, serving, wait_for
from zegel.parcels.identifiers import new_identifier

pytestmark = pytest.mark.slow

MIB = 1024 * 1024
ask = partial(httpx.request, timeout=120)
"""What has no deadline of its own here: a busy machine may need more than httpx's five seconds."""


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def live(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """All processes, once on SQLite and once on PostgreSQL."""
    url = ""
    if request.param == "postgres":
        cluster: Cluster = request.getfixturevalue("postgres_cluster")
        cluster.execute("CREATE DATABASE live")
        url = cluster.url("live")
    with serving(tmp_path_factory.mktemp("live"), url) as found:
        yield found


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """All processes on SQLite, with eight threads: four for transfers, two for forms."""
    with serving(tmp_path_factory.mktemp("few"), threads=8) as found:
        yield found


def served(method: str, url: str, **facts: Any) -> httpx.Response:
    """As a client does that is told that the server is busy: it asks again."""
    while (answer := ask(method, url, **facts)).status_code == 503:
        time.sleep(0.05)
    return answer


def request(method: str, path: str, length: int, *headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {length}", *headers, "", ""]
    return "\r\n".join(lines).encode()


def stored(live: Live) -> list[str]:
    return [path.name for path in (live.data / "store").rglob("*") if path.is_file() and path.parent.name != "journal"]


def test_from_sealing_to_reading(live: Live) -> None:
    data = os.urandom(3 * MIB)
    link = live.send("code:blauwe olifant", attachment=data)
    opened = live.reading().open(link, "Blauwe-Olifant")
    assert not opened.unverified
    assert b"".join(opened.attachment(opened.manifest.attachments[0])) == data
    parcel = live.peer().parcel(opened.manifest.parcel)
    assert parcel["readers"][0]["state"] == "downloaded"


@pytest.mark.parametrize("proof", ["code", "sms"])
def test_guessing_in_parallel_is_counted_one_by_one(live: Live, proof: str) -> None:
    link = live.send("code:123456" if proof == "code" else "sms:+31612345642")
    base = f"{live.url}/api/v1/reader/slips/{link.slip}"
    if proof == "sms":
        assert ask("POST", f"{base}/code").status_code == 204
        wait_for(live.codes)
    right = "123456" if proof == "code" else live.codes()[-1]
    wrong = [f"{number:06d}" for number in range(30) if f"{number:06d}" != right]

    def guess(code: str) -> httpx.Response:
        return served("POST", f"{base}/open", json={"proof": {"kind": proof, "code": code}})

    with ThreadPoolExecutor(29) as pool:
        answers = list(pool.map(guess, wrong))

    judged = [answer for answer in answers if answer.status_code == 403]
    paused = [answer for answer in answers if answer.status_code == 429]
    assert len(judged) == 5
    assert len(judged) + len(paused) == len(wrong)
    assert guess(right).status_code == 429, "the right code, too, has to wait"


def test_the_same_deposit_many_times_at_once_is_one_parcel(live: Live) -> None:
    from tests.web.ground import deposit_members
    from zegel.journeys.submit import Message, ReaderWish
    from zegel.parcels.proofs import parse_proof

    packing = live.packing()
    wishes = (ReaderWish("j.dejong@example.net", parse_proof("mail")),)
    members = deposit_members(packing.submit.sink, packing, Message("x", "y", wishes))  # type: ignore[arg-type]

    def deposit(_: int) -> int:
        return served("POST", f"{live.url}/api/v1/parcels", json=members, headers=live.bearer).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(deposit, range(16))) == {201}
    assert [item["parcel"] for item in live.peer().parcels()].count(members["parcel"]) == 1


def test_uploads_that_are_cut_leave_nothing(few: Live) -> None:
    blob, before = new_identifier(), set(stored(few))
    for path in (f"/api/v1/blobs/{blob}", f"/api/v1/blobs/{blob}/parts/0"):
        for _ in range(3):
            with few.connect() as caller:
                authorization = f"Authorization: Bearer {few.token}"
                caller.sendall(request("PUT", path, MIB, authorization) + b"x" * 300_000)
                wait_for(lambda: set(stored(few)) - before)
            wait_for(lambda: set(stored(few)) <= before)
    answer = ask("PUT", f"{few.url}/api/v1/blobs/{blob}", content=b"heel", headers=few.bearer)
    assert answer.status_code == 201


def test_slow_uploads_never_take_all_threads(few: Live) -> None:
    callers: list[socket.socket] = []
    before = set(stored(few))
    authorization = f"Authorization: Bearer {few.token}"
    while len(callers) < 4:
        caller, came = few.connect(), len(set(stored(few)) - before)
        caller.sendall(request("PUT", f"/api/v1/blobs/{new_identifier()}", MIB, authorization) + b"x" * 300_000)
        wait_for(lambda: is_answered(caller) or len(set(stored(few)) - before) > came)  # noqa: B023
        if is_answered(caller):
            # The place of somebody who has just gone is not free yet.
            caller.close()
        else:
            callers.append(caller)

    answer = ask("PUT", f"{few.url}/api/v1/blobs/{new_identifier()}", content=b"x", headers=few.bearer)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert ask("GET", f"{few.url}/healthz").status_code == 200
    assert ask("POST", f"{few.url}/api/v1/reader/slips/x/open", json={"proof": {"kind": "mail"}}).status_code == 404

    for caller in callers:
        caller.close()
    wait_for(lambda: ask("PUT", f"{few.url}/api/v1/blobs/{new_identifier()}", content=b"x",
                               headers=few.bearer).status_code == 201)  # fmt: skip


def test_strangers_who_announce_a_body_and_send_nothing(few: Live) -> None:
    link = few.send(attachment=b"%PDF")
    released = few.peer().open(link.slip, "")
    callers = []
    for number in range(30):
        path = "/login" if number % 2 else "/api/v1/reader/slips/x/open"
        caller = few.connect()
        caller.sendall(request("POST", path, 1000, "Content-Type: application/json") + b"{")
        callers.append(caller)
    # One waits, being of one address (half of two places); the others have been told to come back.
    wait_for(lambda: sum(is_answered(caller) for caller in callers) == 29)
    assert {caller.recv(12)[9:12] for caller in callers if is_answered(caller)} == {b"503"}
    # Others go on: pages, downloads, uploads.
    assert ask("GET", f"{few.url}/o/{link.slip}").status_code == 200
    blob, size = released.blobs[1]
    assert sum(map(len, few.peer().blob(link.slip, blob, released.ticket))) == size
    upload = ask("PUT", f"{few.url}/api/v1/blobs/{new_identifier()}", content=b"x", headers=few.bearer)
    assert upload.status_code == 201
    for caller in callers:
        caller.close()
    question = {"proof": {"kind": "mail"}}
    wait_for(lambda: ask("POST", f"{few.url}/api/v1/reader/slips/x/open", json=question).status_code == 404)


def is_answered(caller: socket.socket) -> bool:
    caller.setblocking(False)
    try:
        return bool(caller.recv(1, socket.MSG_PEEK))
    except BlockingIOError:
        return False


def test_a_download_that_stops_gives_its_place_back(few: Live) -> None:
    link = few.send(attachment=os.urandom(20 * MIB))
    released = few.peer().open(link.slip, "")
    blob = released.blobs[1][0]
    path = f"/api/v1/reader/slips/{link.slip}/blobs/{blob}"
    for _ in range(12):
        with few.connect() as caller:
            caller.sendall(request("GET", path, 0, f"Authorization: Ticket {released.ticket}"))
            assert caller.recv(15).startswith(b"HTTP/1.1 200")
    headers = {"Authorization": f"Ticket {released.ticket}"}
    wait_for(lambda: ask("GET", few.url + path, headers=headers).status_code == 200)


def test_memory_is_flat_for_a_submission_of_a_gibibyte(tmp_path: Path) -> None:
    with serving(tmp_path) as live:
        size = 1024 * MIB
        small = {"subject": "x", "readers": [{"address": "j.dejong@example.net", "proof": "mail"}]}
        import json

        head = (
            '--grens\r\nContent-Disposition: form-data; name="parcel"\r\n\r\n' + json.dumps(small) + "\r\n"
            '--grens\r\nContent-Disposition: form-data; name="file"; filename="groot.bin"\r\n\r\n'
        ).encode()
        tail = b"\r\n--grens--\r\n"
        piece = os.urandom(MIB)

        def body(count: int) -> Iterator[bytes]:
            yield head
            for _ in range(count):
                yield piece
            yield tail

        def submit(count: int) -> None:
            length = len(head) + count * MIB + len(tail)
            headers = {
                **live.bearer,
                "Content-Type": "multipart/form-data; boundary=grens",
                "Content-Length": str(length),
            }
            answer = httpx.post(f"{live.inside}/parcels", content=body(count), headers=headers, timeout=600)
            assert answer.status_code == 201, answer.text

        submit(1)
        before = {role: live.peak(role) for role in ("inside", "outside")}
        submit(size // MIB)
        assert live.peak("inside") - before["inside"] < 60

        wait_for(lambda: len(live.links()) == 2)
        released = live.peer().open(live.links()[-1].slip, "")
        blob, sealed = released.blobs[1]
        got = sum(map(len, live.peer().blob(live.links()[-1].slip, blob, released.ticket)))
        assert got == sealed > size
        assert live.peak("outside") - before["outside"] < 60


def test_memory_is_flat_for_uploads(tmp_path: Path) -> None:
    with serving(tmp_path) as live:
        link = live.send(attachment=b"klein")
        before = live.peak("outside")
        packing, piece = live.packing(), os.urandom(MIB)
        writer = packing.attachment("groot.bin")
        for _ in range(512):
            writer.write(piece)
        writer.close()
        assert live.peak("outside") - before < 60
        assert link


def test_the_logs_tell_nothing_of_anybody(few: Live) -> None:
    link = few.send("code:geheime olifant")
    base = f"{few.url}/api/v1/reader/slips/{link.slip}"
    ask("POST", f"{base}/open", json={"proof": {"kind": "code", "code": "foute olifant"}})
    released = few.peer()
    released.open(link.slip, "geheime olifant")
    ask("GET", f"{few.url}/nergens?geheim=1", headers={"Host": "evil.example"})
    ask("POST", f"{few.url}/api/v1/parcels", content=b"geheim", headers=few.bearer)
    ask("POST", f"{few.url}/login", data={"address": SENDER, "password": PASSWORD})
    with few.connect() as caller:
        caller.sendall(b"geheim\r\n\r\n")
        caller.recv(100)
    for role in ("outside", "inside"):
        said = few.log(role)
        for secret in (few.token, "olifant", "geheim", link.slip, "j.dejong", SENDER, PASSWORD, "127.0.0.1 "):
            assert secret not in said, (role, secret)

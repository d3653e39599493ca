"""Whatever is wrong with a link, a slip or a blob, the reader gets a text that says what, and nothing else."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.reading import OPEN, attachment, open_by_mail, state_of, trouble

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TEXT = "Geachte mevrouw De Jong,"


def alter(page: Any, where: str, change: Callable[[dict[str, Any]], None]) -> None:
    """Let a JSON answer of the server arrive changed."""

    def handle(route: Any) -> None:
        answer = route.fetch()
        members = answer.json()
        change(members)
        route.fulfill(response=answer, body=json.dumps(members))

    page.route(where, handle)


def corrupt(page: Any, blob: str, at: int) -> None:
    """Let a blob arrive with one bit changed."""

    def handle(route: Any) -> None:
        answer = route.fetch()
        body = bytearray(answer.body())
        body[at] ^= 1
        route.fulfill(response=answer, body=bytes(body))

    page.route(f"**/blobs/{blob}", handle)


def other_secret(link: str) -> str:
    base, _, secret = link.partition("#")
    return f"{base}#{'B' if secret[0] == 'A' else 'A'}{secret[1:]}"


@pytest.mark.parametrize("cut", [0, 1, 30, 42])
def test_cut_link_is_told_before_any_question(page: Any, house: Any, cut: int) -> None:
    link = house.send(text=TEXT, proofs=["sms:+31612345642"])["links"][0]
    base, _, secret = link.partition("#")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{base}#{secret[:cut]}")
    assert trouble(page) == "cut-link"
    assert not [url for url in asked if "/api/" in url]


def test_wrong_secret(page: Any, house: Any) -> None:
    page.goto(other_secret(house.send(text=TEXT)["links"][0]))
    page.get_by_role("button", name=OPEN).click()
    assert trouble(page) == "wrong-link"


def test_unknown_slip(page: Any, house: Any) -> None:
    link = house.send(text=TEXT)["links"][0]
    slip = link.partition("/o/")[2][:26]
    page.goto(link.replace(slip, "a" * 26))
    assert trouble(page) == "unknown-slip"


def test_slip_of_another_parcel(page: Any, house: Any) -> None:
    other = house.send(text=TEXT)["parcel"]
    alter(page, "**/open", lambda answer: answer.update(parcel=other))
    page.goto(house.send(text=TEXT)["links"][0])
    page.get_by_role("button", name=OPEN).click()
    assert trouble(page) == "foreign-slip"


def test_sealed_slip_of_another_reader(page: Any, house: Any) -> None:
    two = house.send(text=TEXT, proofs=["mail", "mail"])
    taken: list[str] = []
    alter(page, "**/open", lambda answer: taken.append(answer["slip"]))
    open_by_mail(page, two["links"][0])
    page.unroute("**/open")
    alter(page, "**/open", lambda answer: answer.update(slip=taken[0]))
    page.goto(two["links"][1])
    page.get_by_role("button", name=OPEN).click()
    assert trouble(page) == "wrong-link"


@pytest.mark.parametrize("at", [40, -1])
def test_damaged_manifest(page: Any, house: Any, at: int) -> None:
    corrupt(page, "*", at)
    page.goto(house.send(text=TEXT)["links"][0])
    page.get_by_role("button", name=OPEN).click()
    assert trouble(page) == "damaged"
    assert TEXT not in page.inner_text("main")


def test_manifest_of_another_parcel(page: Any, house: Any) -> None:
    first, second = house.send(text="Eerste"), house.send(text="Tweede")
    bodies: list[bytes] = []

    def keep(route: Any) -> None:
        answer = route.fetch()
        bodies.append(answer.body())
        route.fulfill(response=answer)

    page.route("**/blobs/*", keep)
    open_by_mail(page, first["links"][0])
    page.unroute("**/blobs/*")
    page.route("**/blobs/*", lambda route: route.fulfill(body=bodies[0], content_type="application/octet-stream"))
    page.goto(second["links"][0])
    page.get_by_role("button", name=OPEN).click()
    assert trouble(page) == "damaged"


@pytest.mark.parametrize("at", [40, 3000, -1])
def test_damaged_attachment_is_not_saved(page: Any, house: Any, at: int) -> None:
    sent = house.send(text=TEXT, attachments=[attachment("a.bin", bytes(200_000))])
    open_by_mail(page, sent["links"][0])
    saved: list[str] = []
    page.on("download", lambda download: saved.append(download.suggested_filename))
    corrupt(page, "*", at)
    page.get_by_role("button", name="Download a.bin").click()
    assert "Er is niets opgeslagen" in state_of(page, "a.bin", "bad")
    assert not saved


def test_cut_attachment_is_not_saved(page: Any, house: Any) -> None:
    sent = house.send(text=TEXT, attachments=[attachment("a.bin", bytes(200_000))])
    open_by_mail(page, sent["links"][0])

    def cut(route: Any) -> None:
        answer = route.fetch()
        headers = {name: value for name, value in answer.headers.items() if name.lower() != "content-length"}
        route.fulfill(status=200, headers=headers, body=answer.body()[:-70_000])

    page.route("**/blobs/*", cut)
    page.get_by_role("button", name="Download a.bin").click()
    assert "Er is niets opgeslagen" in state_of(page, "a.bin", "bad")


def test_swapped_attachments_of_one_parcel_are_not_saved(page: Any, house: Any) -> None:
    """Both are sealed to the same key and have the same size: only the manifest's digest tells them apart."""
    files = [attachment("een.bin", bytes(1000)), attachment("twee.bin", b"\1" * 1000)]
    sent = house.send(text=TEXT, attachments=files)
    blobs: list[str] = []
    alter(page, "**/open", lambda answer: blobs.extend(item["blob"] for item in answer["blobs"]))
    open_by_mail(page, sent["links"][0])
    page.route(f"**/blobs/{blobs[1]}", lambda route: route.continue_(url=route.request.url.replace(blobs[1], blobs[2])))
    page.get_by_role("button", name="Download een.bin").click()
    assert "beschadigd" not in page.inner_text("h1")
    assert "Er is niets opgeslagen" in state_of(page, "een.bin", "bad")


@pytest.mark.parametrize("fault", ["swapped", "damaged"])
def test_a_large_file_that_is_wrong_leaves_nothing(page: Any, house: Any, fault: str) -> None:
    size = 70_000_002
    files = [{"name": "groot.bin", "size": size}, {"name": "ander.bin", "size": size, "fill": "ander "}]
    sent = house.send(text=TEXT, attachments=files)
    page.add_init_script(
        "window.showSaveFilePicker = async () => "
        "(await navigator.storage.getDirectory()).getFileHandle('chosen.bin', { create: true })"
    )
    blobs: list[str] = []
    alter(page, "**/open", lambda answer: blobs.extend(item["blob"] for item in answer["blobs"]))
    open_by_mail(page, sent["links"][0])
    if fault == "damaged":
        house.damage(blobs[1], -1)
    else:
        page.route(
            f"**/blobs/{blobs[1]}", lambda route: route.continue_(url=route.request.url.replace(blobs[1], blobs[2]))
        )
    page.get_by_role("button", name="Download groot.bin").click()
    said = state_of(page, "groot.bin", "bad")
    # A store that notices the damage itself breaks the connection off; then the reader hears of that.
    assert "Er is niets opgeslagen" in said
    page.wait_for_function(
        "async () => { const folder = await navigator.storage.getDirectory();"
        " for await (const name of folder.keys()) return false; return true }"
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda answer: answer.update(signing=[]),
        lambda answer: answer["signing"][0].update(key="AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA"),
        lambda answer: answer["organisation"].update(host="elders.example"),
    ],
)
def test_an_unverified_sender_is_said_plainly(page: Any, house: Any, change: Callable[[dict[str, Any]], None]) -> None:
    alter(page, "**/.well-known/zegel", change)
    open_by_mail(page, house.send(text=TEXT)["links"][0])
    assert page.get_attribute("[data-verified]", "data-verified") == "false"
    assert "wij kunnen niet vaststellen van wie dit bericht komt" in page.inner_text("[data-verified]")
    assert "klopt" not in page.inner_text("main")


def test_revoked_before_and_while_reading(page: Any, house: Any) -> None:
    sent = house.send(text=TEXT, attachments=[attachment("a.txt", b"a")])
    open_by_mail(page, sent["links"][0])
    house.ask("revoke", parcel=sent["parcel"])
    page.get_by_role("button", name="Download a.txt").click()
    assert trouble(page) == "revoked"
    assert TEXT not in page.inner_text("main")
    page.reload()
    assert trouble(page) == "revoked"


def test_expired(page: Any, house: Any) -> None:
    body = json.dumps({"code": "expired", "title": "Gone", "status": 410, "detail": "…"})
    page.route(
        "**/slips/*", lambda route: route.fulfill(status=410, content_type="application/problem+json", body=body)
    )
    page.goto(house.send(text=TEXT)["links"][0])
    assert trouble(page) == "expired"


def test_expired_ticket_asks_for_a_new_proof(page: Any, house: Any) -> None:
    sent = house.send(text=TEXT, attachments=[attachment("a.txt", b"a")])
    open_by_mail(page, sent["links"][0])
    page.route(
        "**/blobs/*", lambda route: route.continue_(headers={**route.request.headers, "authorization": "Ticket x"})
    )
    page.get_by_role("button", name="Download a.txt").click()
    assert trouble(page) == "ticket-expired"
    page.unroute("**/blobs/*")
    page.get_by_role("button", name="Probeer het opnieuw").click()
    page.get_by_role("button", name=OPEN).click()
    page.locator("[data-verified=true]").wait_for()


def test_offline(page: Any, house: Any) -> None:
    sent = house.send(text=TEXT, attachments=[attachment("a.txt", b"a")])
    page.goto(sent["links"][0])
    page.get_by_role("button", name=OPEN).wait_for()
    page.context.set_offline(True)
    page.get_by_role("button", name=OPEN).click()
    page.get_by_text("Controleer uw internetverbinding").wait_for()
    page.context.set_offline(False)
    page.get_by_role("button", name=OPEN).click()
    page.locator("[data-verified=true]").wait_for()
    page.context.set_offline(True)
    page.get_by_role("button", name="Download a.txt").click()
    assert "internetverbinding" in state_of(page, "a.txt", "bad")
    page.context.set_offline(False)
    with page.expect_download():
        page.get_by_role("button", name="Download a.txt").click()


def test_without_javascript(browser: Any, house: Any) -> None:
    context = browser.new_context(locale="nl-NL", java_script_enabled=False)
    page = context.new_page()
    page.goto(house.send(text=TEXT)["links"][0])
    assert "JavaScript staat nu uit" in page.inner_text("main")
    context.close()

"""The same in Firefox and in WebKit: neither has a cipher of its own for chunks, or a picker for a file's place."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.others import Window, running_firefox, running_webkit
from tests.browser.reading import OPEN, attachment

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LARGE = 70_000_002
POINT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
"""A picture of one pixel."""
VERIFIED = "[data-verified=true]"


@pytest.fixture(scope="module", params=["firefox", "webkit"])
def window(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    running = {"firefox": running_firefox, "webkit": running_webkit}[request.param]
    with running(tmp_path_factory.mktemp(request.param)) as found:
        yield found


def test_a_message_and_its_attachments(window: Window, house: Any) -> None:
    """Every attachment was called damaged where the browser has no ChaCha20: its key had been wiped too early."""
    small = bytes(range(256)) * 1200
    items = [attachment("een – brief.pdf", small), {"name": "groot.bin", "size": LARGE}]
    sent = house.send(subject="Beschikking – één €", text="Geachte mevrouw", attachments=items)
    window.goto(sent["links"][0])
    window.press(OPEN)
    assert window.text(VERIFIED).endswith("De handtekening van Gemeente Voorbeeld klopt.")
    assert window.text("h1") == "Beschikking – één €"
    assert "Geachte mevrouw" in window.text(".zegel-text")
    window.press("Download een")
    assert window.text(".zegel-file:nth-child(1) .zegel-file__state--good") == "Gecontroleerd en opgeslagen."
    assert window.downloaded("een – brief.pdf", len(small)) == small
    window.press("Download groot.bin")
    assert window.text(".zegel-file:nth-child(2) .zegel-file__state--good") == "Gecontroleerd en opgeslagen."
    assert window.downloaded("groot.bin", LARGE) == b"zegel " * (LARGE // 6)
    assert house.ask("states", parcel=sent["parcel"])["states"] == ["downloaded"]
    window.reload()
    window.text(VERIFIED)


def test_a_message_with_colours_and_a_picture(window: Window, house: Any) -> None:
    html = (
        '<h2 style="color: rgb(1, 2, 3)">Besluit</h2><p><img src="cid:zegel" alt="een punt"></p>' + "<p>regel</p>" * 30
    )
    sent = house.send(text="x", html=html, attachments=[attachment("punt.png", POINT, "image/png", "zegel")])
    window.goto(sent["links"][0])
    window.press(OPEN)
    window.text(VERIFIED)
    inside = "const frame = document.querySelector('iframe.zegel-frame'), inside = frame?.contentDocument; "
    window.until(inside + "return inside?.querySelector('img')?.naturalWidth === 1")
    window.until(inside + "return inside.fonts.check('16px \"Source Sans 3 Variable\"')")
    assert window.run(inside + "return getComputedStyle(inside.querySelector('h2')).color") == "rgb(1, 2, 3)"
    assert window.run(inside + "return frame.clientHeight >= inside.body.scrollHeight && frame.clientHeight > 900")


def test_the_senders_link_to_fill_in_what_is_missing(window: Window, house: Any) -> None:
    sent = house.send(text="x", proofs=["missing"])
    window.goto(sent["request"])
    window.type("#telephone", "+31612345642\ue007")
    window.text("[role=status]")
    assert window.run("return location.href") == f"{house.url}/fill/{sent['parcel']}"
    assert house.ask("states", parcel=sent["parcel"])["states"] == ["sent"]


def test_a_code_by_sms(window: Window, house: Any) -> None:
    sent = house.send(text="Geachte mevrouw", proofs=["sms:+31612345642"])
    window.goto(sent["links"][0])
    window.press("Stuur mij een code")
    window.see("Code uit de sms")
    window.type("input[autocomplete=one-time-code]", house.ask("code")["code"])
    window.press(OPEN)
    window.text(VERIFIED)


def test_an_agreed_code_wrong_and_right(window: Window, house: Any) -> None:
    sent = house.send(text="Geachte mevrouw", proofs=["code:appel-boom-79"])
    window.goto(sent["links"][0])
    window.type("main input", "peer-boom-79")
    window.press(OPEN)
    window.see("Deze code klopt niet")
    window.run("document.querySelector('main input').value = ''")
    window.type("main input", "Appel boom 79")
    window.press(OPEN)
    window.text(VERIFIED)


def test_what_was_altered_is_not_saved(window: Window, house: Any) -> None:
    sent = house.send(text="Geachte mevrouw", attachments=[attachment("brief.txt", b"x" * 456_789)])
    window.goto(sent["links"][0])
    window.press(OPEN)
    window.text(VERIFIED)
    blobs = [path for path in (house.data / "store").rglob("*") if 456_789 < path.stat().st_size < 460_000]
    house.damage(max(blobs, key=lambda path: path.stat().st_mtime_ns).name, -100)
    window.press("Download brief.txt")
    window.text(".zegel-file__state--bad")
    assert not (window.downloads / "brief.txt").exists()

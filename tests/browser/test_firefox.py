"""The same in Firefox, which has no cipher of its own for chunks and no picker for a file's place."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.firefox import Firefox, running_firefox
from tests.browser.reading import OPEN, attachment

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LARGE = 70_000_002
POINT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
"""A picture of one pixel."""
VERIFIED = "[data-verified=true]"


@pytest.fixture(scope="module")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    with running_firefox(tmp_path_factory.mktemp("firefox")) as found:
        yield found


def test_a_message_and_its_attachments(firefox: Firefox, house: Any) -> None:
    """Every attachment was called damaged where the browser has no ChaCha20: its key had been wiped too early."""
    small = bytes(range(256)) * 1200
    items = [attachment("een – brief.pdf", small), {"name": "groot.bin", "size": LARGE}]
    sent = house.send(subject="Beschikking – één €", text="Geachte mevrouw", attachments=items)
    firefox.goto(sent["links"][0])
    firefox.press(OPEN)
    assert firefox.text(VERIFIED).endswith("De handtekening van Gemeente Voorbeeld klopt.")
    assert firefox.text("h1") == "Beschikking – één €"
    assert "Geachte mevrouw" in firefox.text(".zegel-text")
    firefox.press("Download een")
    assert firefox.text(".zegel-file:nth-child(1) .zegel-file__state--good") == "Gecontroleerd en opgeslagen."
    assert firefox.downloaded("een – brief.pdf", len(small)) == small
    firefox.press("Download groot.bin")
    assert firefox.text(".zegel-file:nth-child(2) .zegel-file__state--good") == "Gecontroleerd en opgeslagen."
    assert firefox.downloaded("groot.bin", LARGE) == b"zegel " * (LARGE // 6)
    assert house.ask("states", parcel=sent["parcel"])["states"] == ["downloaded"]
    firefox.reload()
    firefox.text(VERIFIED)


def test_a_message_with_colours_and_a_picture(firefox: Firefox, house: Any) -> None:
    html = (
        '<h2 style="color: rgb(1, 2, 3)">Besluit</h2><p><img src="cid:zegel" alt="een punt"></p>' + "<p>regel</p>" * 30
    )
    sent = house.send(text="x", html=html, attachments=[attachment("punt.png", POINT, "image/png", "zegel")])
    firefox.goto(sent["links"][0])
    firefox.press(OPEN)
    firefox.text(VERIFIED)
    inside = "const frame = document.querySelector('iframe.zegel-frame'), inside = frame.contentDocument; "
    firefox.until(inside + "return inside.querySelector('img')?.naturalWidth === 1")
    firefox.until(inside + "return inside.fonts.check('16px \"Source Sans 3 Variable\"')")
    assert firefox.run(inside + "return getComputedStyle(inside.querySelector('h2')).color") == "rgb(1, 2, 3)"
    assert firefox.run(inside + "return frame.clientHeight >= inside.body.scrollHeight && frame.clientHeight > 900")


def test_the_senders_link_to_fill_in_what_is_missing(firefox: Firefox, house: Any) -> None:
    sent = house.send(text="x", proofs=["missing"])
    firefox.goto(sent["request"])
    firefox.type("#telephone", "+31612345642\ue007")
    firefox.text("[role=status]")
    assert firefox.run("return location.href") == f"{house.url}/fill/{sent['parcel']}"
    assert house.ask("states", parcel=sent["parcel"])["states"] != ["waiting"]


def test_a_code_by_sms(firefox: Firefox, house: Any) -> None:
    sent = house.send(text="Geachte mevrouw", proofs=["sms:+31612345642"])
    firefox.goto(sent["links"][0])
    firefox.press("Stuur mij een code")
    firefox.type("input[autocomplete=one-time-code]", house.ask("code")["code"])
    firefox.press(OPEN)
    firefox.text(VERIFIED)


def test_an_agreed_code_wrong_and_right(firefox: Firefox, house: Any) -> None:
    sent = house.send(text="Geachte mevrouw", proofs=["code:appel-boom-79"])
    firefox.goto(sent["links"][0])
    firefox.type("main input", "peer-boom-79")
    firefox.press(OPEN)
    firefox.see("Deze code klopt niet")
    firefox.run("document.querySelector('main input').value = ''")
    firefox.type("main input", "Appel boom 79")
    firefox.press(OPEN)
    firefox.text(VERIFIED)


def test_what_was_altered_is_not_saved(firefox: Firefox, house: Any) -> None:
    sent = house.send(text="Geachte mevrouw", attachments=[attachment("brief.txt", b"x" * 456_789)])
    firefox.goto(sent["links"][0])
    firefox.press(OPEN)
    firefox.text(VERIFIED)
    [blob] = [path for path in (house.data / "store").rglob("*") if 456_789 < path.stat().st_size < 460_000]
    house.damage(blob.name, -100)
    firefox.press("Download brief.txt")
    firefox.text(".zegel-file__state--bad")
    assert not (firefox.downloads / "brief.txt").exists()

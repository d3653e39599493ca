"""What a reader does, in steps that several tests take."""

import base64
import re
from typing import Any

OPEN = "Bericht openen"


def attachment(name: str, data: bytes, type_: str = "application/octet-stream", cid: str = "") -> dict[str, str]:
    """An attachment as the desk takes it."""
    return {"name": name, "type": type_, "cid": cid, "data": base64.b64encode(data).decode()}


def open_by_mail(page: Any, link: str) -> None:
    """Follow the link and open the message; returns when it is shown."""
    page.goto(link)
    page.get_by_role("button", name=OPEN).click()
    page.locator("[data-verified]").wait_for()


def trouble(page: Any) -> str:
    """Which trouble the page tells."""
    card = page.locator("[data-trouble]")
    card.wait_for()
    return str(card.get_attribute("data-trouble"))


def state_of(page: Any, name: str, kind: str) -> str:
    """The state line of one attachment once it is ``good`` or ``bad``."""
    row = page.locator(".zegel-file").filter(has_text=re.compile(re.escape(name)))
    line = row.locator(f".zegel-file__state--{kind}")
    line.wait_for()
    return str(line.inner_text())

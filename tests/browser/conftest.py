"""A real Zegel in a temporary folder and a real Chromium: nothing between them is a stand-in."""

import json
import mailbox
import os
import shutil
import subprocess
import sys
import time
import tomllib
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.ground.ports import free_ports

ROOT = Path(__file__).parents[2]
WIDTHS = {"small": 360, "large": 1280}


class House:
    """The running house: the addresses of its zones, and the desk that sends."""

    def __init__(self, url: str, inside: str, data: Path, desk: subprocess.Popen[str]) -> None:
        self.url = url
        self.inside = inside
        self.data = data
        self._desk = desk

    def ask(self, do: str, **order: Any) -> dict[str, Any]:
        """Give the desk an order and return its answer."""
        assert self._desk.stdin is not None
        assert self._desk.stdout is not None
        self._desk.stdin.write(json.dumps({"do": do, **order}) + "\n")
        self._desk.stdin.flush()
        line = self._desk.stdout.readline()
        assert line, "the desk has ended"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def send(
        self, subject: str = "Beschikking Wmo-aanvraag 2026-11834", text: str = "", **order: Any
    ) -> dict[str, Any]:
        """A parcel; ``links`` in the answer, one per proof in ``proofs``."""
        return self.ask("send", subject=subject, text=text, **order)

    def keep_mail(self, subject: str, text: str) -> None:
        """Put a mail where the trial's catcher looks."""
        box = mailbox.Maildir(self.data / "mail", create=True)
        message = EmailMessage()
        message["To"], message["Subject"] = "lezer0@example.net", subject
        message.set_content(text)
        box.add(message)

    def damage(self, blob: str, at: int) -> None:
        """Change one bit of a blob where it is stored."""
        [path] = [path for path in (self.data / "store").rglob("*") if path.is_file() and blob in path.name]
        with path.open("r+b") as file:
            file.seek(at, os.SEEK_END if at < 0 else os.SEEK_SET)
            [byte] = file.read(1)
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte ^ 1]))


def _answers(url: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(url, timeout=10) as answer:
        return bool(answer.status == 200)
    return False


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running_house(tmp_path_factory.mktemp("house")) as found:
        yield found


@contextmanager
def running_house(folder: Path, configuration: str = "", roles: tuple[str, ...] = ("outside",)) -> Iterator[House]:
    """A house in ``folder``, for as long as it is needed; ``configuration`` is added to its own."""
    data, port = folder / "data", free_ports(3)
    url = f"http://127.0.0.1:{port}"
    program = "from pathlib import Path; from zegel.wiring.founding import found; import sys; "
    program += "found(Path(sys.argv[1]), organisation='Gemeente Voorbeeld', url=sys.argv[2], "
    program += "sender='post@voorbeeld.example', port=int(sys.argv[3]), demo=True)"
    subprocess.run([sys.executable, "-c", program, data, url, str(port)], check=True, cwd=ROOT, timeout=120)
    with (data / "zegel.toml").open("a") as file:
        file.write(configuration)
    log = (data / "outside.log").open("w")
    serve = [sys.executable, "-m", "zegel", "serve", "--data", data, "--role"]
    serving = [subprocess.Popen([*serve, role], cwd=ROOT, stdout=log, stderr=log) for role in roles]
    desk = subprocess.Popen(
        [sys.executable, "-m", "tests.browser.desk", data],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert desk.stdout is not None
        assert desk.stdout.readline(), "the desk did not start"
        while not _answers(f"{url}/healthz"):
            assert serving[0].poll() is None, (data / "outside.log").read_text()
            time.sleep(0.05)
        inside = tomllib.loads((data / "zegel.toml").read_text())["inside"]["url"].removesuffix("/inside/v1")
        while "inside" in roles and not _answers(f"{inside}/healthz"):
            assert serving[roles.index("inside")].poll() is None, (data / "outside.log").read_text()
            time.sleep(0.05)
        yield House(url, inside, data, desk)
    finally:
        for process in (*serving, desk):
            process.terminate()
            process.wait(60)
        log.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium from the system, or the one that Playwright brought.

    Not for the session: Playwright keeps an event loop in this thread, and Django refuses its database beside one, so
    tests of other rooms in the same process would fail.
    """
    from playwright.sync_api import Error, sync_playwright

    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    with sync_playwright() as playwright:
        try:
            found = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        except Error as error:
            if os.environ.get("CI"):
                raise
            pytest.skip(f"no Chromium here: {error}")
        yield found
        found.close()


@pytest.fixture
def page(browser: Any, house: House) -> Iterator[Any]:
    """A fresh reader in Dutch, who must not cause one error or refused load on any page."""
    context = browser.new_context(locale="nl-NL", viewport={"width": 1280, "height": 900}, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("console", lambda said: page.complaints.append(said.text) if said.type in ("error", "warning") else None)
    yield page
    context.close()

"""Firefox and WebKit (Safari's engine) as the distribution has them, driven by the commands of W3C WebDriver.

Playwright drives builds of its own only. Firefox takes the commands over Marionette, which is built into it: JSON on a
loopback connection. WebKitGTK comes with a driver that takes them over HTTP.
"""

import itertools
import json
import os
import shutil
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.ground.databases import missing
from tests.ground.ports import free_port, listens
from tests.ground.processes import await_ready, running

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
"""How WebDriver calls a reference to an element (W3C WebDriver §12)."""
_PREFERENCES: dict[str, Any] = {
    "marionette.port": 0,
    "browser.download.folderList": 2,
    "browser.download.always_ask_before_handling_new_types": False,
    "intl.accept_languages": "nl",
    # Nothing that asks, looks for news, or reports.
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.update.enabled": False,
    "browser.aboutwelcome.enabled": False,
}
_TIMEOUTS = {"implicit": 60_000, "script": 120_000}
_MINI_BROWSER = "usr/lib/*/webkit2gtk-4*/MiniBrowser"
_PATHS = {
    "Navigate": ("POST", "/url"),
    "Refresh": ("POST", "/refresh"),
    "FindElement": ("POST", "/element"),
    "ElementClick": ("POST", "/element/{id}/click"),
    "ElementSendKeys": ("POST", "/element/{id}/value"),
    "GetElementText": ("GET", "/element/{id}/text"),
    "ExecuteScript": ("POST", "/execute/sync"),
    "SetTimeouts": ("POST", "/timeouts"),
}
"""The commands over HTTP (W3C WebDriver §6.1)."""


class PageLeft(Exception):
    """The page went away while it was looked at."""


class Window(ABC):
    """One window of a browser; looking for an element waits a minute for it."""

    def __init__(self, downloads: Path):
        self.downloads = downloads

    @abstractmethod
    def ask(self, command: str, **facts: Any) -> Any:
        """Give the value that a command of WebDriver returns."""

    def goto(self, url: str) -> None:
        self.ask("Navigate", url=url)

    def reload(self) -> None:
        self.ask("Refresh")

    def text(self, css: str) -> str:
        return str(self.ask("GetElementText", id=self._find("css selector", css)))

    def type(self, css: str, text: str) -> None:
        self.ask("ElementSendKeys", id=self._find("css selector", css), text=text)

    def press(self, button: str) -> None:
        """Click the first button whose text has these words."""
        self.ask("ElementClick", id=self._find("xpath", f"//button[contains(normalize-space(.), '{button}')]"))

    def see(self, words: str) -> None:
        """Wait until the page shows these words."""
        self._find("xpath", f"//body//*[contains(normalize-space(text()), '{words}')]")

    def run(self, script: str) -> Any:
        return self.ask("ExecuteScript", script=script, args=[])

    def until(self, script: str) -> None:
        """Wait until the script says true."""
        deadline = time.monotonic() + 60
        while not self.run(script):
            assert time.monotonic() < deadline, script
            time.sleep(0.05)

    def downloaded(self, name: str, size: int) -> bytes:
        """What was saved under this name, once all of it is there."""
        path, deadline = self.downloads / name, time.monotonic() + 120
        while not path.exists() or path.stat().st_size != size:
            assert time.monotonic() < deadline, sorted(self.downloads.iterdir())
            time.sleep(0.05)
        return path.read_bytes()

    def _find(self, using: str, value: str) -> str:
        deadline = time.monotonic() + 60
        while True:
            try:
                return str(self.ask("FindElement", using=using, value=value)[_ELEMENT])
            except PageLeft:
                assert time.monotonic() < deadline, value


class Firefox(Window):
    """Marionette: each message with its length before it."""

    def __init__(self, port: int, downloads: Path):
        super().__init__(downloads)
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=180)
        self._file = self._socket.makefile("rb")
        self._numbers = itertools.count(1)
        self._message()  # the greeting
        self.ask("NewSession")
        self.ask("SetTimeouts", **_TIMEOUTS)

    def _message(self) -> Any:
        length = b""
        while (digit := self._file.read(1)) != b":":
            assert digit.isdigit(), "Firefox has ended"
            length += digit
        return json.loads(self._file.read(int(length)))

    def ask(self, command: str, **facts: Any) -> Any:
        number = next(self._numbers)
        words = json.dumps([0, number, f"WebDriver:{command}", facts]).encode()
        self._socket.sendall(b"%d:%s" % (len(words), words))
        _, answered, error, result = self._message()
        assert answered == number
        assert error is None, f"{command}: {error['error']}: {error['message']}"
        return result.get("value") if isinstance(result, dict) else result


class WebKit(Window):
    """WebKitWebDriver."""

    def __init__(self, port: int, program: Path, downloads: Path):
        super().__init__(downloads)
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=180)
        options = {"webkitgtk:browserOptions": {"binary": str(program), "args": ["--automation"]}}
        made = self._send("POST", "/session", {"capabilities": {"alwaysMatch": options}})
        self._session = f"/session/{made['sessionId']}"
        self.ask("SetTimeouts", **_TIMEOUTS)

    def ask(self, command: str, **facts: Any) -> Any:
        method, path = _PATHS[command]
        path = self._session + path.format(id=facts.pop("id", ""))
        return self._send(method, path, facts if method == "POST" else None)

    def end(self) -> None:
        """Close the window: its driver leaves it open."""
        self._send("DELETE", self._session, None)

    def _send(self, method: str, path: str, facts: dict[str, Any] | None) -> Any:
        answer = self._http.request(method, path, json=facts)
        value = answer.json()["value"]
        if answer.status_code == 404 and value["error"] == "no such frame":
            raise PageLeft
        assert answer.status_code == 200, f"{path}: {value['error']}: {value['message']}"
        return value


@contextmanager
def running_firefox(folder: Path) -> Iterator[Firefox]:
    """A fresh profile in ``folder``; skips where there is no Firefox, but not in CI."""
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    if program is None:
        missing("Firefox")
    profile, downloads = folder / "profile", folder / "downloads"
    profile.mkdir()
    downloads.mkdir()
    preferences = {**_PREFERENCES, "browser.download.dir": str(downloads)}
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in preferences.items()]
    (profile / "user.js").write_text("".join(lines))
    command = [program, "--headless", "--marionette", "--no-remote", "--profile", profile, "about:blank"]
    log, said = folder / "firefox.log", profile / "MarionetteActivePort"
    with running(command, log, HOME=folder, MOZ_CRASHREPORTER_DISABLE=1) as process:
        await_ready((process,), log, lambda: said.exists() and bool(said.read_text().strip()))
        yield Firefox(int(said.read_text()), downloads)


@contextmanager
def running_webkit(folder: Path) -> Iterator[WebKit]:
    """A window on a screen of its own; what it saves lands in ``folder``, its home."""
    found = sorted(Path("/").glob(_MINI_BROWSER))
    if not found or not shutil.which("WebKitWebDriver") or not shutil.which("Xvfb"):
        missing("WebKitGTK with its driver, and Xvfb")
    port, log = free_port(), folder / "webkit.log"
    # Its own sandbox wants namespaces that root in a container may not make.
    own = {"HOME": folder, "LANG": "C.UTF-8", "LANGUAGE": "nl", "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": 1}
    with ExitStack() as parts:
        read, write = os.pipe()
        screen = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x1000x24", "-nolisten", "tcp"]
        parts.enter_context(running(screen, folder / "screen.log", (write,)))
        os.close(write)
        with open(read, encoding="ascii") as told:
            own["DISPLAY"] = f":{told.readline().strip()}"
        driver = parts.enter_context(running(["WebKitWebDriver", f"--port={port}"], log, **own))
        await_ready((driver,), log, lambda: listens(port))
        window = WebKit(port, found[-1], folder)
        parts.callback(window.end)
        yield window

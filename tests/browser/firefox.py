"""Firefox as it comes from Mozilla or the distribution, driven by Marionette, the protocol that is built into it.

Playwright drives a Firefox of its own making only. Marionette (which geckodriver speaks to Firefox, too) is JSON over a
loopback connection; its commands are those of W3C WebDriver, under other names.
"""

import itertools
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

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


class Firefox:
    """One window; looking for an element waits a minute for it."""

    def __init__(self, port: int, downloads: Path):
        self.downloads = downloads
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=180)
        self._file = self._socket.makefile("rb")
        self._numbers = itertools.count(1)
        self._message()  # the greeting
        self._ask("WebDriver:NewSession")
        self._ask("WebDriver:SetTimeouts", implicit=60_000, script=120_000)

    def _message(self) -> Any:
        length = b""
        while (digit := self._file.read(1)) != b":":
            assert digit.isdigit(), "Firefox has ended"
            length += digit
        return json.loads(self._file.read(int(length)))

    def _ask(self, command: str, **facts: Any) -> Any:
        number = next(self._numbers)
        words = json.dumps([0, number, command, facts]).encode()
        self._socket.sendall(b"%d:%s" % (len(words), words))
        _, answered, error, result = self._message()
        assert answered == number
        assert error is None, f"{command}: {error['error']}: {error['message']}"
        return result

    def goto(self, url: str) -> None:
        self._ask("WebDriver:Navigate", url=url)

    def reload(self) -> None:
        self._ask("WebDriver:Refresh")

    def text(self, css: str) -> str:
        return str(self._ask("WebDriver:GetElementText", id=self._find("css selector", css))["value"])

    def type(self, css: str, text: str) -> None:
        self._ask("WebDriver:ElementSendKeys", id=self._find("css selector", css), text=text)

    def press(self, button: str) -> None:
        """Click the first button whose text has these words."""
        found = self._find("xpath", f"//button[contains(normalize-space(.), '{button}')]")
        self._ask("WebDriver:ElementClick", id=found)

    def see(self, words: str) -> None:
        """Wait until the page shows these words."""
        self._find("xpath", f"//body//*[contains(normalize-space(text()), '{words}')]")

    def run(self, script: str) -> Any:
        return self._ask("WebDriver:ExecuteScript", script=script, args=[])["value"]

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
        return str(self._ask("WebDriver:FindElement", using=using, value=value)["value"][_ELEMENT])


@contextmanager
def running_firefox(folder: Path) -> Iterator[Firefox]:
    """A fresh profile in ``folder``; skips where there is no Firefox, but not in CI."""
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("Firefox must be there in CI")
        pytest.skip("no Firefox here")
    profile, downloads = folder / "profile", folder / "downloads"
    profile.mkdir()
    downloads.mkdir()
    preferences = {**_PREFERENCES, "browser.download.dir": str(downloads)}
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in preferences.items()]
    (profile / "user.js").write_text("".join(lines))
    command = [program, "--headless", "--marionette", "--no-remote", "--profile", str(profile), "about:blank"]
    environment = {**os.environ, "HOME": str(folder), "MOZ_CRASHREPORTER_DISABLE": "1"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield Firefox(_port(process, profile), downloads)
        finally:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()


def _port(process: "subprocess.Popen[bytes]", profile: Path) -> int:
    """Where Marionette listens: it says so in a file."""
    said, deadline = profile / "MarionetteActivePort", time.monotonic() + 180
    while not said.exists() or not said.read_text().strip():
        assert process.poll() is None, "Firefox has ended"
        assert time.monotonic() < deadline, "Firefox does not start"
        time.sleep(0.05)
    return int(said.read_text())

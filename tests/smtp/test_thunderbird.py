"""Thunderbird sends one for real: started under Xvfb on a fresh profile, written and sent with the keyboard."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.ground.databases import missing
from tests.smtp.ground import PASSWORD, READER, SENDER, Door

_PREFERENCES = {
    "mail.accountmanager.accounts": "account1", "mail.accountmanager.defaultaccount": "account1",
    "mail.accountmanager.localfoldersserver": "server1", "mail.account.account1.identities": "id1",
    "mail.account.account1.server": "server1", "mail.server.server1.type": "none",
    "mail.server.server1.hostname": "Local Folders", "mail.server.server1.userName": "nobody",
    "mail.server.server1.name": "Local Folders", "mail.identity.id1.fullName": "Zorg",
    "mail.identity.id1.useremail": SENDER, "mail.identity.id1.smtpServer": "smtp1", "mail.identity.id1.valid": True,
    "mail.identity.id1.fcc": False, "mail.identity.id1.compose_html": False, "mail.smtpservers": "smtp1",
    "mail.smtp.defaultserver": "smtp1", "mail.smtpserver.smtp1.hostname": "127.0.0.1",
    "mail.smtpserver.smtp1.authMethod": 3, "mail.smtpserver.smtp1.try_ssl": 0,
    "mail.smtpserver.smtp1.username": SENDER, "signon.rememberSignons": False,
    # Nothing that asks, looks for news, or writes by itself.
    "mail.warn_on_send_accel_key": False, "mail.shell.checkDefaultClient": False, "mail.provider.enabled": False,
    "mail.rights.version": 1, "mailnews.start_page.enabled": False, "mailnews.database.global.indexer.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False, "app.update.enabled": False, "mail.compose.autosave": False,
    "app.donation.eoy.version.viewed": 999, "mail.inappnotifications.enabled": False,
}  # fmt: skip


class Screen:
    """An X server with a keyboard that we press."""

    def __init__(self, display: str):
        self.environment = {**os.environ, "DISPLAY": display}

    def xdotool(self, *words: str) -> str:
        done = subprocess.run(
            ["xdotool", *words], env=self.environment, capture_output=True, text=True, timeout=120, check=False
        )
        return done.stdout.strip()

    def window(self, name: str, seconds: float = 120) -> str:
        """The window with this in its name, once it is there; empty when it does not come."""
        found = self._until(lambda: self.xdotool("search", "--onlyvisible", "--name", name), seconds)
        return found.splitlines()[-1] if found else ""

    def press(self, window: str, *keys: str) -> None:
        self.xdotool("windowfocus", window)
        self.xdotool("key", "--delay", "100", *keys)

    def type(self, window: str, text: str) -> None:
        self.xdotool("windowfocus", window)
        self.xdotool("type", "--delay", "20", text)

    @staticmethod
    def _until(look: Callable[[], str], seconds: float) -> str:
        end = time.monotonic() + seconds
        while not (found := look()) and time.monotonic() < end:
            time.sleep(0.1)
        return found


@contextmanager
def _screen() -> Iterator[Screen]:
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x900x24", "-nolisten", "tcp"]
    with subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL) as server:
        os.close(write)
        with os.fdopen(read) as told:
            number = told.readline().strip()
        try:
            yield Screen(f":{number}")
        finally:
            server.terminate()


@contextmanager
def _thunderbird(screen: Screen, folder: Path, port: int) -> Iterator[None]:
    profile = folder / "profile"
    profile.mkdir()
    facts = {**_PREFERENCES, "mail.smtpserver.smtp1.port": port}
    spelled = {True: "true", False: "false"}
    lines = [
        f'user_pref("{name}", {spelled[value] if isinstance(value, bool) else value!r});'.replace("'", '"')
        for name, value in facts.items()
    ]
    (profile / "user.js").write_text("\n".join(lines))
    environment = {**screen.environment, "HOME": str(folder)}
    command = ["thunderbird", "--profile", str(profile), "--no-remote"]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, env=environment, stdin=quiet, stdout=quiet, stderr=quiet) as program:
        try:
            yield
        finally:
            program.kill()


def _write(screen: Screen, main: str) -> str:
    """Write a mail; returns its window. Keys pressed before a field listens are lost, so commas come first."""
    for _ in range(5):
        screen.press(main, "ctrl+n")
        window = screen.window("Write:", 20)
        screen.type(window, "," * 30 + READER)
        screen.press(window, "Return", "Tab")
        screen.type(window, "Van Thunderbird")
        if screen.window("Write: Van Thunderbird", 5):
            screen.press(window, "Tab")
            screen.type(window, "Geachte mevrouw De Jong")
            return window
        screen.xdotool("windowclose", window)
    raise AssertionError("no mail could be written")


def _send(screen: Screen, window: str, door: Door) -> None:
    """Send what was written; whatever Thunderbird asks is answered until the mail is there, as keys may be lost."""
    screen.press(window, "ctrl+Return")
    end = time.monotonic() + 300
    while not door.house.deposits:
        assert time.monotonic() < end, "the mail did not come"
        asked = screen.window("Send Message|Password Required", 10)
        if "Password" in screen.xdotool("getwindowname", asked):
            screen.press(asked, "ctrl+a")
            screen.type(asked, PASSWORD)
            screen.press(asked, "Return")
        elif asked:
            screen.press(asked, "Return")  # whether that was meant
            continue
        elif screen.window("Write: Van Thunderbird", 1):
            screen.press(window, "ctrl+Return")
        with door.house.arrived:
            door.house.arrived.wait_for(lambda: door.house.deposits, 20)


@pytest.mark.slow
def test_thunderbird_sends_a_mail(door: Door, tmp_path: Path) -> None:
    for program in ("thunderbird", "Xvfb", "xdotool"):
        if not shutil.which(program):
            missing(program)
    with _screen() as screen, _thunderbird(screen, tmp_path, door.port):
        main = screen.window("Mozilla Thunderbird")
        _send(screen, _write(screen, main), door)
    received = door.house.last
    assert received.manifest.subject == "Van Thunderbird"
    assert received.manifest.text == "Geachte mevrouw De Jong"
    assert received.readers[0].address == READER

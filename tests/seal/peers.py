"""Programs that we did not write, for the interoperability tests: each one a way to seal and to open.

What is missing is skipped with a reason, except where CI is set: there a missing peer is a failure.
"""

import base64
import json
import os
import pty
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

HERE = Path(__file__).parent
NODE = HERE / "node"
_AGES = [Path("/usr/bin/age"), HERE.parent.parent / ".tools/age/usr/bin/age"]


def absent(what: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(f"{what}: must be there in CI")
    pytest.skip(what)


def stock_age(*, hybrid: bool) -> list[Path]:
    """Give the age programs on this machine; only those that know post-quantum keys if *hybrid*."""
    found = [path for path in _AGES if path.exists()]
    elsewhere = shutil.which("age")
    if elsewhere and not found:
        found = [Path(elsewhere)]
    if hybrid:
        found = [path for path in found if version(path) >= (1, 3)]
    if not found:
        absent("needs age 1.3 or newer: run tests/seal/newer_age.sh" if hybrid else "needs the program age")
    return found


def version(path: Path) -> tuple[int, ...]:
    told = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(part) for part in told.strip().lstrip("v").split(".")[:2])


def run_age(path: Path, arguments: list[str], data: bytes) -> bytes:
    return subprocess.run([path, *arguments], input=data, capture_output=True, check=True).stdout


def age_with_passphrase(path: Path, arguments: list[str], passphrase: str, source: Path, target: Path) -> None:
    """Run age on a terminal of its own, for it takes passphrases from nowhere else."""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(path, [str(path), *arguments, "-o", str(target), str(source)])
    told = b""
    answered = 0
    while True:
        try:
            piece = os.read(terminal, 1000)
        except OSError:  # the other side of the terminal was closed
            break
        if not piece:
            break
        told += piece
        while told.count(b"passphrase") + told.count(b"Confirm") > answered and answered < 2 and b":" in piece:
            os.write(terminal, passphrase.encode() + b"\n")
            answered += 1
            break
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    assert status == 0, told


def typage(**asked: object) -> bytes:
    """Ask the JavaScript implementation; *asked* is what typage.mjs reads."""
    if not shutil.which("node"):
        absent("needs node")
    if not (NODE / "node_modules").exists():
        if not (os.environ.get("CI") and shutil.which("npm")):
            absent("needs `npm ci` in tests/seal/node")
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=NODE, check=True, capture_output=True)
    request = {key: _plain(value) for key, value in asked.items()}
    text = json.dumps(request).encode()
    ran = subprocess.run(["node", "typage.mjs"], input=text, cwd=NODE, capture_output=True, check=True)
    return base64.b64decode(ran.stdout)


def _plain(value: object) -> object:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value

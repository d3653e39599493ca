"""``limits.mail_proof_class`` at the doors of programs: the command line, and HTTP, which says so beforehand."""

import subprocess
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import COMMAND, SENDER, Zegel, make_zegel, wait_for
from tests.ground.ports import listens

pytestmark = pytest.mark.slow


def _send(zegel: Zegel, proof: str, class_: str, *, local: bool) -> tuple[int, str]:
    arguments = ["send", "--to", "j@example.net", "--subject", "x", "--body", "x", "--proof", proof, "--class", class_]
    done = zegel.run(*arguments, "--from", SENDER) if local else zegel.at_server(*arguments)
    return done.code, done.err


def test_it_is_refused_in_the_language_of_the_sender(tmp_path: Path) -> None:
    zegel = make_zegel(tmp_path)
    with (zegel.data / "zegel.toml").open("a") as config:
        config.write("\n[limits]\nmail_proof_class = 1\n")
    code, err = _send(zegel, "mail", "2", local=True)
    assert (code, "enough up to class 1" in err) == (1, True)
    assert _send(zegel, "mail", "1", local=True)[0] == 0
    dutch = zegel.run(
        "send", "--from", SENDER, "--to", "j@example.net", "--subject", "x", "--proof", "mail", env={"LANGUAGE": "nl"}
    )
    assert "De link alleen is genoeg tot en met vertrouwelijkheid 1" in dutch.err
    outside = subprocess.Popen([*COMMAND, "serve", "--data", str(zegel.data), "--role", "outside"])
    inside = subprocess.Popen([*COMMAND, "serve", "--data", str(zegel.data), "--role", "inside"])
    try:
        wait_for(lambda: listens(zegel.port) and listens(zegel.port + 1))
        told = httpx.get(f"{zegel.url}/.well-known/zegel").json()
        assert told["limits"]["mail_proof_class"] == 1
        code, err = _send(zegel, "mail", "2", local=False)
        assert (code, "enough up to class 1" in err) == (1, True)
        assert _send(zegel, "code:Tulp-2026", "2", local=False)[0] == 0
    finally:
        for process in (outside, inside):
            process.terminate()
        for process in (outside, inside):
            process.wait(30)

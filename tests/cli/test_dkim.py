"""``zegel dkim`` as an administrator uses it."""

import tomllib
from pathlib import Path

import pytest

from tests.cli.conftest import Zegel


@pytest.mark.slow
def test_keys_are_made_shown_and_asked_for(tmp_path: Path) -> None:
    zegel = Zegel(tmp_path / "zegel", 8025)
    facts = ("--organisation", "Voorbeeld", "--url", "http://127.0.0.1:8025", "--mail-from", "post@voorbeeld.example")
    assert zegel.run("init", *facts).code == 0
    made = zegel.run("dkim", "new", "2026a")
    assert made.code == 0, made.err
    assert made.out.startswith('2026a-rsa._domainkey.voorbeeld.example. IN TXT ( "v=DKIM1; k=rsa;')
    assert "2026a-ed25519._domainkey.voorbeeld.example." in made.out
    assert "PRIVATE" not in made.out
    assert zegel.run("dkim", "show").out == made.out
    assert zegel.run("dkim", "new", "2026a").code == 1
    assert zegel.run("dkim", "show", "2025b").code == 4
    # A configuration that names keys which are not there is found when the courier starts, not by a receiver.
    path = zegel.data / "zegel.toml"
    path.write_text(path.read_text().replace("[mail]\n", '[mail]\ndkim = "2025b"\n'))
    assert tomllib.loads(path.read_text())["mail"]["dkim"] == "2025b"
    started = zegel.run("serve", "--role", "courier")
    assert started.code == 4
    assert "zegel dkim new 2025b" in started.err

"""``zegel mail check`` against a DNS of the tests' own."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import COMMAND
from tests.ground.dns import Dns
from tests.ground.mail_names import DIGEST


class Command:
    def __init__(self, folder: Path, resolver: str, more: str = ""):
        self.data = folder
        # No keys, no database: a configuration is enough.
        (folder / "zegel.toml").write_text(f"""
[organisation]
name = "Gemeente Voorbeeld"
host = "voorbeeld.example"
[web]
url = "https://zegel.voorbeeld.example"
[inside]
url = "http://127.0.0.1:8026"
[mail]
sender = "zegel@voorbeeld.example"
[direct]
resolvers = ["{resolver}"]
{more}
""")

    def check(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*COMMAND, "mail", "check", *arguments, "--data", str(self.data)],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip


@pytest.fixture
def command(tmp_path: Path, names: Dns) -> Command:
    return Command(tmp_path, names.resolver, "enabled = true")


@pytest.mark.slow
def test_people_see_what_it_offers_and_why(command: Command) -> None:
    done = command.check("good.test")
    assert done.returncode == 0, done.stderr
    assert "mx1.good.test" in done.stdout
    assert "mx1.good.test has usable TLSA records (DANE)." in done.stdout
    assert "mx2.good.test has no TLSA records." in done.stdout
    assert "A mail to good.test is delivered directly: it proves itself with DANE." in done.stdout
    assert "switched off" not in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("domain", "code", "kind"), [("good.test", 0, "dane"), ("some.plain", 1, "none"), ("some.bogus", 5, "temporary")]
)
def test_programs_read_it_and_its_exit_code(command: Command, domain: str, code: int, kind: str) -> None:
    done = command.check(domain, "--json")
    assert done.returncode == code
    found = json.loads(done.stdout)
    assert (found["domain"], found["kind"], found["enabled"]) == (domain, kind, True)
    assert found["resolver"] == {"believed": True, "validates": True}
    if kind == "dane":
        (first, second) = found["servers"]
        assert first["proof"] == "dane"
        assert {"record": f"3 1 1 {DIGEST}", "usable": True} in first["records"]
        assert second["proof"] == ""
    assert found["reasons"]
    assert done.stderr == ""


@pytest.mark.slow
def test_a_resolver_that_does_not_validate_is_told(tmp_path: Path, names: Dns) -> None:
    command = Command(tmp_path, names.deaf)
    done = command.check("good.test")
    assert done.returncode == 1
    assert "The resolver does not validate (DNSSEC), so no signature counts." in done.stdout
    assert "switched off here" in done.stdout
    unreadable = Command(tmp_path, names.deaf, 'authorities = "none.pem"').check("good.test")
    assert (unreadable.returncode, unreadable.stdout) == (1, "")
    assert "none.pem" in unreadable.stderr
    command = Command(tmp_path, names.deaf)
    wrong = command.check("no domain")
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert "is not a mail domain" in wrong.stderr or "geen maildomein" in wrong.stderr


@pytest.mark.slow
def test_a_domain_of_our_own_mailboxes_is_told(tmp_path: Path, names: Dns) -> None:
    box = """
[[mailbox]]
domains = ["good.test"]
deliver = "lmtp"
host = "127.0.0.1"
tls = "none"
"""
    command = Command(tmp_path, names.resolver, box)
    assert "A mail to good.test goes into a mailbox of this organisation." in command.check("good.test").stdout
    assert json.loads(command.check("good.test", "--json").stdout)["mailbox"] is True

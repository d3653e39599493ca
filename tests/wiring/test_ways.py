"""``[direct]`` and ``[[mailbox]]``: who carries what, and what is refused before anything starts."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from zegel.errors import Mistake
from zegel.journeys.signed import SignedCarrier
from zegel.journeys.ways import DirectCarrier, MailboxCarrier
from zegel.keys.custody import make_keys
from zegel.wiring.config.file import check_config
from zegel.wiring.direct import Direct, zegel_records
from zegel.wiring.ground import Ground
from zegel.wiring.ways import MailWays

BASE: dict[str, Any] = {
    "organisation": {"name": "Gemeente Voorbeeld", "host": "post.voorbeeld.example"},
    "web": {"url": "https://post.voorbeeld.example"},
    "inside": {"url": "https://binnen.voorbeeld.example/inside/v1"},
    "mail": {"sender": "post@voorbeeld.example"},
}
BOX = {"domains": ["voorbeeld.example"], "deliver": "lmtp", "host": "/run/dovecot/lmtp", "tls": "none"}


def ways(**parts: object) -> MailWays:
    ground = Ground(Path("/nowhere"), check_config({**BASE, **parts}, Path("zegel.toml")))
    return MailWays(ground, Direct(ground))


class Signer:
    def sign(self, head: bytes, body: object) -> bytes:
        return b""


def test_by_default_every_mail_goes_by_link() -> None:
    found = ways()
    assert (found.carriers(None), found.ways.domains, found.ways.own, found.ways.plain) == (
        {},
        None,
        frozenset(),
        False,
    )


def test_each_part_brings_its_carrier() -> None:
    found = ways(
        direct={"enabled": True},
        mailbox=[BOX, {**BOX, "domains": ["Ander.example"], "host": "box.example", "tls": "implicit"}],
        mail={"sender": "post@voorbeeld.example", "kind": "smtp", "tls": "none"},
    )
    carriers = found.carriers(None)
    assert set(carriers) == {"direct", "mailbox", "plain"}
    assert isinstance(carriers["direct"], DirectCarrier)
    assert isinstance(carriers["mailbox"], MailboxCarrier)
    assert set(carriers["mailbox"].routes) == {"voorbeeld.example", "ander.example"} == found.ways.own
    assert found.ways.plain
    signed = found.carriers(Signer())
    assert isinstance(signed["direct"], SignedCarrier)
    assert isinstance(signed["plain"], SignedCarrier)
    assert signed["plain"].domains == {"voorbeeld.example", "ander.example"}
    assert isinstance(signed["mailbox"], MailboxCarrier)


def test_a_mailbox_server_elsewhere_needs_tls() -> None:
    with pytest.raises(Mistake) as refused:
        ways(mailbox=[{**BOX, "host": "10.0.0.5"}]).carriers(None)
    assert refused.value.kind == "mail-needs-tls"


@pytest.mark.parametrize(
    "wrong",
    [
        {"direct": {"hours": 0}},
        {"direct": {"enabled": True, "resolvers": []}},
        {"mailbox": [{**BOX, "domains": []}]},
        {"mailbox": [{**BOX, "deliver": "pigeon"}]},
        {"mailbox": [{**BOX, "domains": ["geen domein"]}]},
        {"mailbox": [BOX, BOX]},
    ],
    ids=["no hours", "no resolver", "no domain", "an unknown way", "no domain name", "a domain twice"],
)
def test_what_cannot_be_meant_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(Mistake):
        ways(**wrong)


@pytest.mark.parametrize(
    ("url", "sender", "says"),
    [
        ("http://localhost:8025", "post@x.example", {"en": "under [web] in {}", "nl": "onder [web] in {}"}),
        ("https://localhost", "post@x.example", {"en": "cannot come to https:", "nl": "niet bij https://"}),
        ("https://192.0.2.1:8443", "post@x.example", {"en": "no IP address", "nl": "geen IP-adres"}),
        ("https://post.x.example/zegel", "post@x.example", {"en": "nothing behind it", "nl": "niets erachter"}),
        ("https://post.x.example", "post@localhost", {"en": "Set mail.sender", "nl": "“localhost” kan"}),
    ],
)  # fmt: skip
def test_an_installation_without_a_name_hears_what_to_set(
    tmp_path: Path, url: str, sender: str, says: dict[str, str]
) -> None:
    text = f'[organisation]\nname = "X"\nhost = "x"\n[web]\nurl = "{url}"\n[inside]\nurl = "http://127.0.0.1:1"\n'
    (tmp_path / "zegel.toml").write_text(f'{text}[mail]\nsender = "{sender}"\n')
    (tmp_path / "public.json").write_text(make_keys(tmp_path / "keys").public.spell())
    for language, words in says.items():
        command = [sys.executable, "-m", "zegel", "mail", "record", "--data", str(tmp_path)]
        environment = {**os.environ, "LANGUAGE": language}
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=environment)
        assert done.returncode != 0
        told = " ".join(done.stderr.split())
        assert words.format(tmp_path / "zegel.toml") in told
        assert "Traceback" not in told


def test_the_domain_of_return_addresses_has_a_record_too(tmp_path: Path) -> None:
    (tmp_path / "public.json").write_text(make_keys(tmp_path / "keys").public.spell())
    mail = {"sender": "post@voorbeeld.example", "bounces": "post@terug.example"}
    names = [name for name, _ in zegel_records(Ground(tmp_path, check_config({**BASE, "mail": mail}, Path("x"))))]
    assert names == ["_zegel.terug.example", "_zegel.voorbeeld.example"]

"""``[direct]`` and ``[[mailbox]]``: who carries what, and what is refused before anything starts."""

from pathlib import Path
from typing import Any

import pytest

from zegel.errors import Mistake
from zegel.journeys.signed import SignedCarrier
from zegel.journeys.ways import DirectCarrier, MailboxCarrier
from zegel.wiring.config import check_config
from zegel.wiring.direct import Direct
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

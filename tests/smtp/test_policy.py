"""The organisation's rules at the door: one answer after DATA, nothing sealed before it, nothing dropped in silence."""

from dataclasses import replace
from ipaddress import ip_network

import pytest

from tests.policy.mails import CLOSED, OPEN, outlook
from tests.smtp.ground import PASSWORD, READER, SENDER, House, open_door
from tests.smtp.test_clients import run_swaks, swaks
from tests.smtp.wire import Wire
from zegel.doors.smtp.config import DoorConfig, Listener
from zegel.parcels.limits import Limits
from zegel.policy.conditions import LabelIs, LargerThan, ListenerIs, ToIs
from zegel.policy.rules import Pass, Refuse, Rule, Seal
from zegel.policy.ruleset import Policy

__all__ = ["swaks"]
RULES = (
    Rule("nooit", (ToIs(("*.fout.example",)),), Refuse("Stuur dit vanuit het zaaksysteem.")),
    Rule("rood", (LabelIs((CLOSED,)),), Seal(class_=4, proof="code:Tulp-2026", days=7)),
    Rule("open", (ToIs(("nieuws.example",)),), Pass()),
)
CONFIG = DoorConfig(hostname="post.voorbeeld.example", default_proof="mail", policy=Policy(RULES))


def _mail(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in (f"From: {SENDER}", *lines, "", "tekst")).encode()


def test_the_link_alone_is_refused_above_the_class_that_it_is_enough_for() -> None:
    with open_door(CONFIG, House(Limits(mail_proof_class=1))) as door, Wire(door.port) as wire:
        wire.login()
        reply = wire.deliver(_mail("Subject: s"), READER)
        assert reply.startswith("550 5.7.1 The link alone is proof enough up to class 1. ")
        assert wire.deliver(_mail("Subject: s", "Zegel-Class: 1"), READER).startswith("250")
        assert wire.deliver(_mail("Subject: s", "Zegel-Proof: code:Tulp-2026"), READER).startswith("250")
        assert len(door.house.deposits) == 2


def test_one_recipient_who_is_refused_refuses_the_mail_before_anything_is_sealed() -> None:
    house = House()
    with open_door(CONFIG, house) as door, Wire(door.port) as wire:
        wire.login()
        reply = wire.deliver(_mail("Subject: s"), READER, "x@a.fout.example")
        assert reply.startswith("550 5.7.1 This organisation does not let this mail go to x@a.fout.example: ")
        assert "Stuur dit vanuit het zaaksysteem. Nobody has received it." in reply
        assert not house.store.opened
        assert wire.deliver(_mail("Subject: s"), READER).startswith("250")


@pytest.mark.parametrize("line", ["Subject: [Stg. GEHEIM] x", "X-Classification: NATO SECRET", "Zegel-Class: 5"])
def test_state_secrets_stay_outside(line: str) -> None:
    house = House()
    with (
        open_door(replace(CONFIG, policy=Policy((Rule("alles", (), Pass(4)),))), house) as door,
        Wire(door.port) as wire,
    ):
        assert wire.login().deliver(_mail(line)).startswith("550 5.7.1 This mail is marked as a state secret.")
        assert not house.store.opened


def test_the_label_that_outlook_wrote_decides_about_class_proof_and_expiry() -> None:
    with open_door(CONFIG) as door, Wire(door.port) as wire:
        wire.login()
        assert wire.deliver(outlook(CLOSED, "Team Rood")).startswith("250")
        found = door.house.last
        assert (found.manifest.class_, found.readers[0].proof.kind) == (4, "code")
        assert (found.manifest.expires - found.manifest.created).days == 7
        assert wire.deliver(outlook(OPEN, "Zeer vertrouwelijk")).startswith("250")
        assert door.house.last.manifest.class_ == 3


def test_swaks_is_told_the_rules_sentence(swaks: str) -> None:
    with open_door(CONFIG) as door:
        done = run_swaks(swaks, door, "--to", f"{READER},x@a.fout.example", "--auth", "PLAIN",
            "--auth-user", SENDER, "--auth-password", PASSWORD)  # fmt: skip
        assert done.returncode != 0
        assert "550 5.7.1" in done.stdout
        assert "Stuur dit vanuit het zaaksysteem." in done.stdout
        assert not door.house.deposits


def test_a_size_that_was_declared_too_small_does_not_get_a_mail_past_a_rule() -> None:
    rules = (Rule("groot", (LargerThan(2000),), Refuse("Gebruik de uploadpagina.")),)
    with open_door(replace(CONFIG, policy=Policy(rules))) as door, Wire(door.port) as wire:
        wire.login()
        for declared, size, answer in ((" SIZE=500", 100, "250"), (" SIZE=500", 5000, "550"), ("", 100, "550")):
            assert wire.say(f"MAIL FROM:<{SENDER}>{declared}").startswith("250")
            assert wire.say(f"RCPT TO:<{READER}>").startswith("250")
            assert wire.say("DATA").startswith("354")
            wire.send(_mail("Subject: s") + b"x\r\n" * (size // 3) + b".\r\n")
            assert wire.reply().startswith(answer), (declared, size)
        assert len(door.house.deposits) == 1


def test_a_reader_without_a_proof_waits_and_the_others_do_not() -> None:
    with open_door(replace(CONFIG, default_proof="")) as door, Wire(door.port) as wire:
        assert wire.login().deliver(_mail(f"Zegel-Proof: {READER}=mail"), READER, "x@b.example").startswith("250")
        assert {r.address: r.proof.kind for r in door.house.deposits[0].readers} == {
            READER: "mail",
            "x@b.example": "missing",
        }


def test_a_rule_for_relayed_mail_is_for_relayed_mail() -> None:
    rules = (Rule("relay", (ListenerIs(("relay",)),), Refuse("Niet via de applicatieserver.")),)
    config = replace(
        CONFIG,
        policy=Policy(rules),
        listeners=(Listener(), Listener(kind="relay", networks=(ip_network("127.0.0.0/8"),))),
    )
    with open_door(config) as door:
        with Wire(door.server.ports[0]) as wire:
            assert wire.login().deliver(_mail("Subject: s")).startswith("250")
        with Wire(door.server.ports[1]) as wire:
            wire.say("EHLO app.voorbeeld.example")
            wire.say(f"MAIL FROM:<{SENDER}>")
            wire.say(f"RCPT TO:<{READER}>")
            assert wire.say("DATA").startswith("354")
            wire.send(_mail("Subject: s") + b".\r\n")
            assert wire.reply().startswith("550 5.7.1 This organisation does not let this mail go")

"""The sender's side of a trial: a process of the inside zone that takes orders on its standard input, one JSON a line.

``python -m tests.browser.desk DATA``. Orders and answers:

``{"do": "send", …}``            answers ``parcel``, per reader ``links`` and ``slips``; the newest ``request``
``{"do": "account", "address"}`` adds an account (``also``: addresses that it may send as); answers its ``password``
``{"do": "elsewhere", …}``       puts a message of another organisation into a mailbox; answers its ``slip``
``{"do": "code"}``               answers the newest SMS ``code``
``{"do": "revoke", "parcel"}``   withdraws it
``{"do": "password"}``           answers the sender's ``address`` and ``password``
``{"do": "suppliers", "text"}``  imports suppliers
``{"do": "sign"}``               signs reports, as the courier does
``{"do": "officer"}``            makes the sender a security officer

A process of its own, because Django's settings in the test process belong to other tests. The link secret exists only
in the sealed notice, so the courier's round really runs; what it would send is kept here.
"""

import base64
import dataclasses
import json
import secrets
import sys
from pathlib import Path
from typing import Any

from zegel.wiring.build import build
from zegel.wiring.ground import configure_django, open_ground

SENDER = "zorg@voorbeeld.example"


class Kept:
    """A notifier that keeps what it is told."""

    def __init__(self) -> None:
        self.links: dict[str, str] = {}
        self.codes: list[str] = []
        self.requests: list[str] = []

    def notice(self, message: Any) -> None:
        self.links[message.slip] = message.link

    def request(self, facts: Any) -> None:
        self.requests.append(facts.link)

    def sms_code(self, telephone: str, code: str, language: str, organisation: str, message: str) -> None:
        self.codes.append(code)


class Desk:
    def __init__(self, data: Path) -> None:
        ground = open_ground(data)
        self._keys = ground.keys
        configure_django(ground, "inside")
        self._house = build(ground, "inside")
        assert self._house.announce is not None
        self._kept = Kept()
        told = {
            kind: dataclasses.replace(handler, notifier=self._kept)  # type: ignore[type-var]
            for kind, handler in self._house.announce.handlers.items()
            if hasattr(handler, "notifier")
        }
        self._courier = dataclasses.replace(self._house.announce, handlers={**self._house.announce.handlers, **told})
        self._password = secrets.token_hex(8)
        self._actor = self._house.welcome.add(SENDER, "Afdeling Zorg en Welzijn", self._password)

    def do_password(self) -> dict[str, Any]:
        return {"address": SENDER, "password": self._password}

    def do_officer(self) -> dict[str, Any]:
        self._house.welcome.officer(SENDER, True)
        return {}

    def do_suppliers(self, text: str) -> dict[str, Any]:
        assert self._house.plan_b is not None
        self._house.plan_b.survey.import_suppliers(text)
        return {}

    def do_sign(self) -> dict[str, Any]:
        assert self._house.plan_b is not None
        assert self._house.plan_b.sign_reports is not None
        return {"signed": self._house.plan_b.sign_reports.round()}

    def do_send(self, **order: Any) -> dict[str, Any]:
        from zegel.journeys.submit import Message, ReaderWish
        from zegel.parcels.addresses import Person

        packing = self._house.inside_submit().begin(self._actor)
        for item in order.pop("attachments", []):
            writer = packing.attachment(item["name"], item.get("type", "application/octet-stream"), item.get("cid", ""))
            data = (
                base64.b64decode(item["data"])
                if "data" in item
                else item.get("fill", "zegel ").encode() * (item["size"] // 6)
            )
            for at in range(0, len(data), 1 << 20):
                writer.write(data[at : at + (1 << 20)])
            writer.close()
        proofs = order.pop("proofs", ["mail"])
        readers = tuple(ReaderWish(f"lezer{n}@example.net", _proof(proof)) for n, proof in enumerate(proofs))
        own = order.pop("mailboxes", [])
        found = self._house.ways.find(own) if self._house.ways else {}
        readers += tuple(ReaderWish(address, _proof("missing"), way=found[address]) for address in own)
        to = tuple(Person("", reader.address) for reader in readers)
        parcel = packing.finish(Message(readers=readers, to=to, **order))
        self._courier.round(100)
        status = self._house.follow.parcel(self._actor, parcel)
        return {
            "parcel": parcel,
            "links": [self._kept.links.get(reader.slip, "") for reader in status.readers],
            "slips": [reader.slip for reader in status.readers],
            "request": self._kept.requests[-1] if self._kept.requests else "",
        }

    def do_elsewhere(self, mailbox: str, named: str) -> dict[str, Any]:
        """A message for a mailbox of ours, signed by another organisation that calls itself ``named``."""
        from zegel.journeys.submit import Message, ReaderWish
        from zegel.journeys.vouch import OwnVouch
        from zegel.keys.custody import Custody, make_keys
        from zegel.parcels.manifest import Organisation
        from zegel.parcels.origin import Origin, spell_origin
        from zegel.records.models import Slip

        house, theirs = self._house, make_keys(self._keys / secrets.token_hex(8))
        there = Organisation(named, "post.ander.example")
        vouch = OwnVouch(theirs, None, there, house.clock)
        submit = dataclasses.replace(house.inside_submit(), vouch=vouch, organisation=there)
        reader = ReaderWish(mailbox, _proof("missing"), way="portal")
        parcel = submit.begin(self._actor).finish(Message(subject="Besluit", text="Van elders", readers=(reader,)))
        (found,) = house.follow.parcel(self._actor, parcel).readers
        origin = spell_origin(Origin(named, there.host, theirs.public.signing), found.slip, Custody(self._keys).sign)
        Slip.objects.filter(slip=found.slip).update(origin=origin)
        return {"slip": found.slip}

    def do_account(self, address: str, also: list[str]) -> dict[str, Any]:
        password = secrets.token_hex(8)
        self._house.welcome.add(address, "Loket", password)
        for other in also:
            self._house.authors.allow(address, other, "Team")
        return {"password": password}

    def do_code(self) -> dict[str, Any]:
        self._courier.round(100)
        return {"code": self._kept.codes[-1] if self._kept.codes else ""}

    def do_revoke(self, parcel: str) -> dict[str, Any]:
        self._house.revoke.parcel(self._actor, parcel)
        return {}

    def do_states(self, parcel: str) -> dict[str, Any]:
        return {"states": [reader.state for reader in self._house.follow.parcel(self._actor, parcel).readers]}


def _proof(text: str) -> Any:
    from zegel.parcels.proofs import Proof, parse_proof

    return Proof("missing") if text == "missing" else parse_proof(text)


def main() -> None:
    desk = Desk(Path(sys.argv[1]))
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(getattr(desk, f"do_{order.pop('do')}")(**order)), flush=True)


if __name__ == "__main__":
    main()

"""``zegel status``, ``revoke``, ``proof``, ``expiry``: what became of my parcels, here or at a server."""

import os
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from zegel.doors.cli.options import Data, Server, TokenFile, data_folder, read_token
from zegel.doors.cli.tools import Tools
from zegel.errors import Mistake
from zegel.parcels.addresses import checked_address
from zegel.parcels.expiry import read_expiry
from zegel.parcels.manifest import spell_time
from zegel.parcels.proofs import Proof, code_proof, sms_proof
from zegel.parcels.spelling import spell_status
from zegel.parcels.strict import b64

Parcel = Annotated[str, typer.Argument(help="The parcel's identifier.")]
From = Annotated[str, typer.Option("--from", help="The sending account's address (with --data).")]


def add_commands(app: typer.Typer, tools: Tools) -> None:
    """Add the four commands."""

    @app.command("status")
    def status(
        parcel: Annotated[str, typer.Argument(help="One parcel; without it, the newest ones.")] = "",
        sender: From = "",
        data: Data = None,
        server: Server = "",
        token_file: TokenFile = None,
    ) -> None:
        """Show who was told, who opened it and who saved attachments."""
        if server:
            peer = tools.server(server, read_token(token_file))
            _print([peer.parcel(parcel)] if parcel else peer.parcels())
            return
        house = tools.house(data_folder(data), "outside")
        actor = house.people.find(_sender(sender))
        found = [house.follow.parcel(actor, parcel)] if parcel else house.follow.parcels(actor)
        _print([spell_status(item) for item in found])

    _add_revoke(app, tools)
    _add_proof(app, tools)
    _add_expiry(app, tools)


def _add_revoke(app: typer.Typer, tools: Tools) -> None:
    @app.command("revoke")
    def revoke(
        parcel: Parcel,
        reader: Annotated[str, typer.Option("--reader", help="Only from this reader: her address.")] = "",
        sender: From = "",
        data: Data = None,
        server: Server = "",
        token_file: TokenFile = None,
    ) -> None:
        """Withdraw a parcel, or withdraw it from one reader. What she saved she keeps."""
        if server:
            peer = tools.server(server, read_token(token_file))
            slip = _slip(peer.parcel(parcel), reader) if reader else None
            peer.post(f"/parcels/{parcel}/revoke", {"slip": slip} if slip else {})
            return
        house = tools.house(data_folder(data), "outside")
        actor = house.people.find(_sender(sender))
        if reader:
            slip = _slip(spell_status(house.follow.parcel(actor, parcel)), reader)
            house.revoke.reader(actor, parcel, slip)
        else:
            house.revoke.parcel(actor, parcel)


def _add_proof(app: typer.Typer, tools: Tools) -> None:
    @app.command("proof")
    def proof(
        slip: Annotated[str, typer.Argument(help="The slip of a reader who waits for you; zegel status shows it.")],
        given: Annotated[str, typer.Argument(help="sms:+31612345678, or code: it is asked for, or ZEGEL_CODE.")],
        sender: From = "",
        data: Data = None,
        server: Server = "",
        token_file: TokenFile = None,
    ) -> None:
        """Say how a reader proves who she is, where nobody has said it yet. Then she is told of the message."""
        chosen = _proof(given)
        if server:
            tools.server(server, read_token(token_file)).post(f"/slips/{slip}/proof", _spell_proof(chosen))
            return
        house = tools.house(data_folder(data), "outside")
        house.fill_in.by_sender(house.people.find(_sender(sender)), slip, chosen)


def _add_expiry(app: typer.Typer, tools: Tools) -> None:
    @app.command("expiry")
    def expiry(
        parcel: Parcel,
        expires: Annotated[str, typer.Argument(help="14d, or a date such as 2026-12-20.")],
        sender: From = "",
        data: Data = None,
        server: Server = "",
        token_file: TokenFile = None,
    ) -> None:
        """Change until when readers can open a parcel."""
        if server:
            peer = tools.server(server, read_token(token_file))
            moment = read_expiry(expires, datetime.now(UTC), peer.time_zone)
            peer.post(f"/parcels/{parcel}/expiry", {"expires": spell_time(moment)})
            return
        house = tools.house(data_folder(data), "outside")
        moment = read_expiry(expires, datetime.now(UTC), house.profile.time_zone)
        house.revoke.expiry(house.people.find(_sender(sender)), parcel, moment)


def _proof(text: str) -> Proof:
    """An access code is never an argument: everybody on the machine sees those."""
    kind, _, value = text.strip().partition(":")
    if kind.lower() == "sms":
        return sms_proof(value)
    if kind.lower() == "code" and not value:
        code = os.environ.get("ZEGEL_CODE") or typer.prompt("Access code", hide_input=True, err=True)
        return code_proof(str(code))
    raise Mistake("Write sms:+31612345678 or code.", code="no-such-choice")


def _spell_proof(proof: Proof) -> dict[str, Any]:
    salt, verifier = b64(proof.salt), b64(proof.verifier)
    return {"kind": proof.kind, "telephone": proof.telephone, "salt": salt, "verifier": verifier}


def _sender(text: str) -> str:
    if not text:
        raise Mistake("Name the sender with --from.", code="no-sender")
    return checked_address(text)


def _slip(status: dict[str, Any], address: str) -> str:
    wanted = checked_address(address)
    for reader in status["readers"]:
        if reader["address"] == wanted:
            return str(reader["slip"])
    raise Mistake("“{address}” is not a reader of this parcel.", code="unknown-reader", address=wanted)


def _print(parcels: list[dict[str, Any]]) -> None:
    for parcel in parcels:
        print(f"{parcel['parcel']}  {parcel['created']}  {parcel['state']}  until {parcel['expires']}")
        for reader in parcel["readers"]:
            moment = reader.get(reader["state"]) or reader["sent"]
            state = "delivered, opening unknown" if reader["state"] == "delivered" else reader["state"]
            waiting = f"  zegel proof {reader['slip']} …" if reader["state"] == "waiting" else ""
            print(f"    {reader['address']}  {state}  {moment}  way {reader.get('way', 'link')}{waiting}")

"""``zegel user`` and ``zegel token``: accounts, what opens them, and whose names they may send under."""

import getpass
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from zegel.doors.cli.options import Data, data_folder, read_text
from zegel.doors.cli.tools import Tools
from zegel.errors import Mistake

_PasswordFile = Annotated[
    Path | None, typer.Option("--password-file", help="Password for portal and mail; else asked for.")
]


def add_commands(app: typer.Typer, tools: Tools) -> None:
    """Add all of them."""
    user = typer.Typer(no_args_is_help=True, help="Accounts of senders.")
    app.add_typer(user, name="user")

    @user.command("add")
    def add(
        address: str,
        name: Annotated[str, typer.Option("--name", help="As readers see the sender.")] = "",
        password_file: _PasswordFile = None,
        no_password: Annotated[bool, typer.Option("--no-password", help="Tokens only.")] = False,
        data: Data = None,
    ) -> None:
        """Add a sender and print a token for programs, once."""
        house = tools.house(data_folder(data), "outside")
        house.welcome.add(address, name or address, None if no_password else _password(password_file))
        print(house.welcome.new_token(address, "first"))

    @user.command("list")
    def list_(data: Data = None) -> None:
        """List the senders."""
        for actor in tools.house(data_folder(data), "outside").people.accounts():
            notes = "".join(("" if actor.active else "  (closed)", "  (officer)" if actor.officer else ""))
            print(f"{actor.address}  {actor.name}{notes}")

    @user.command("officer")
    def officer(
        address: str,
        on: Annotated[bool, typer.Option("--on/--off", help="Whether it is one.")] = True,
        data: Data = None,
    ) -> None:
        """Let an account see the patchwork in the portal and leave suppliers there; --off takes that away at once."""
        actor = tools.house(data_folder(data), "outside").welcome.officer(address, on)
        print(f"{actor.address}  {'officer' if actor.officer else 'no officer'}")

    _add_ends(user, tools)
    _add_credentials(user, tools)
    _add_rights(user, tools)

    @app.command("token")
    def token(address: str, label: Annotated[str, typer.Option("--label")] = "program", data: Data = None) -> None:
        """Print a new token of an account, once."""
        print(tools.house(data_folder(data), "outside").welcome.new_token(address, label))


def _add_ends(user: typer.Typer, tools: Tools) -> None:
    @user.command("close")
    def close(address: str, data: Data = None) -> None:
        """Let nothing open an account any more: no password, no token, no session that is open now."""
        tools.house(data_folder(data), "outside").welcome.close(address)

    @user.command("reopen")
    def reopen(address: str, data: Data = None) -> None:
        """Open a closed account again, with the password and tokens that it had."""
        tools.house(data_folder(data), "outside").welcome.reopen(address)


def _add_credentials(user: typer.Typer, tools: Tools) -> None:
    @user.command("password")
    def password(address: str, password_file: _PasswordFile = None, data: Data = None) -> None:
        """Set the password for portal and mail; sessions in the portal end."""
        house = tools.house(data_folder(data), "outside")
        house.people.find(address)  # before somebody types a password twice for nobody
        house.welcome.set_password(address, _password(password_file))

    @user.command("tokens")
    def tokens(address: str, data: Data = None) -> None:
        """List an account's tokens with their numbers; the tokens themselves are kept nowhere."""
        for token in tools.house(data_folder(data), "outside").people.tokens(address):
            used = f"last used {_day_and_hour(token.last_used)}" if token.last_used else "never used"
            ended = f"  (revoked {_day_and_hour(token.revoked)})" if token.revoked else ""
            print(f"{token.token}  {token.label}  made {_day_and_hour(token.created)}, {used}{ended}")

    @user.command("revoke-token")
    def revoke_token(
        address: str,
        number: Annotated[int, typer.Argument(help="As `zegel user tokens` lists it.")],
        data: Data = None,
    ) -> None:
        """Make a token useless."""
        tools.house(data_folder(data), "outside").welcome.revoke_token(address, number)


def _day_and_hour(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _add_rights(user: typer.Typer, tools: Tools) -> None:
    @user.command("allow")
    def allow(
        address: str,
        other: Annotated[str, typer.Option("--from", help="The address that it may also send as.")],
        name: Annotated[str, typer.Option("--name", help="As readers see that sender; else the account's.")] = "",
        data: Data = None,
    ) -> None:
        """Let a sender also send as another address, such as a team's."""
        tools.house(data_folder(data), "outside").authors.allow(address, other, name)

    @user.command("disallow")
    def disallow(
        address: str,
        other: Annotated[str, typer.Option("--from", help="The address that it may no longer send as.")],
        data: Data = None,
    ) -> None:
        """Take that back."""
        tools.house(data_folder(data), "outside").authors.disallow(address, other)

    @user.command("rights")
    def rights(address: str, data: Data = None) -> None:
        """List the addresses that a sender may send as besides its own."""
        for other, name in tools.house(data_folder(data), "outside").people.rights(address):
            print(f"{other}  {name}".rstrip())


def _password(path: Path | None) -> str:
    if path is not None:
        return read_text(path).strip("\r\n")
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip("\r\n")
    password = getpass.getpass("Password: ")
    if password != getpass.getpass("Again: "):
        raise Mistake("The two passwords differ.", code="passwords-differ")
    return password

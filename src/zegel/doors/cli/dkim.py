"""``zegel dkim``: the keys that sign notices, and what DNS must say about them."""

from typing import Annotated

import typer

from zegel.doors.cli.options import Data, data_folder
from zegel.doors.cli.tools import Tools
from zegel.post.dkim import DnsRecord


def add_commands(app: typer.Typer, tools: Tools) -> None:
    """Add both."""
    dkim = typer.Typer(no_args_is_help=True, help="Signatures on mail that Zegel sends.")
    app.add_typer(dkim, name="dkim")

    @dkim.command("new")
    def new(
        selector: Annotated[str, typer.Argument(help="A name for these keys, such as 2026a.")], data: Data = None
    ) -> None:
        """Make keys (RSA and Ed25519) under a new selector and print their DNS records."""
        _print(tools.dkim(data_folder(data)).make(selector))

    @dkim.command("show")
    def show(selector: Annotated[str, typer.Argument(help="Only this one.")] = "", data: Data = None) -> None:
        """Print the DNS records of all selectors, or of one."""
        keys = tools.dkim(data_folder(data))
        for name in [selector] if selector else keys.selectors():
            _print(keys.records(name))


def _print(records: list[DnsRecord]) -> None:
    for record in records:
        print(record.zone_line())

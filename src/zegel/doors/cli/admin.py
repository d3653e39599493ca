"""``zegel init``, ``audit``, ``export``, ``serve``, ``demo``: for whoever runs a Zegel."""

import json
from pathlib import Path
from typing import Annotated

import typer

from zegel.audit.entry import Head
from zegel.doors.cli.moving import export_all
from zegel.doors.cli.options import Data, data_folder
from zegel.doors.cli.tools import Tools
from zegel.errors import Mistake


def add_commands(app: typer.Typer, tools: Tools) -> None:
    """Add all of them."""
    _add_setting_up(app, tools)
    _add_audit(app, tools)
    _add_export(app, tools)


def _add_setting_up(app: typer.Typer, tools: Tools) -> None:
    @app.command("init")
    def init(
        organisation: Annotated[str, typer.Option("--organisation", help="The name that readers see.")],
        url: Annotated[str, typer.Option("--url", help="Where readers will find it: https://post.example")],
        sender: Annotated[str, typer.Option("--mail-from", help="The address that notices come from.")],
        database: Annotated[str, typer.Option("--database", help="postgresql://… or env:NAME; else SQLite.")] = "",
        archive: Annotated[str, typer.Option("--archive", help="age recipient that gets a slip of all.")] = "",
        port: Annotated[int, typer.Option("--port", help="First of three ports on this machine.")] = 8025,
        data: Data = None,
    ) -> None:
        """Make a Zegel: a data folder with its configuration, keys and database."""
        folder = data_folder(data)
        facts = {"organisation": organisation, "url": url, "sender": sender}
        tools.init(folder, **facts, database=database, archive=archive, port=port)
        print(f"Made {folder}. Next: zegel user add, zegel serve.")

    @app.command("migrate")
    def migrate(data: Data = None) -> None:
        """Bring the database up to date after an upgrade."""
        tools.migrate(data_folder(data))

    @app.command("serve")
    def serve(
        data: Data = None,
        role: Annotated[str, typer.Option("--role", help="Only this: outside, tidy, inside, smtp, courier.")] = "",
    ) -> None:
        """Run everything, or one role, until Ctrl-C."""
        tools.serve(data_folder(data), role)

    @app.command("demo")
    def demo(
        data: Annotated[Path, typer.Option("--data", help="Folder of the trial.")] = Path("demo-data"),
        port: Annotated[int, typer.Option("--port", help="First of three ports on this machine.")] = 8025,
    ) -> None:
        """Try it: an organisation, a sender and a first parcel, on this machine alone."""
        tools.demo(data, port)


def _add_audit(app: typer.Typer, tools: Tools) -> None:
    audit = typer.Typer(no_args_is_help=True, help="The audit log.")
    app.add_typer(audit, name="audit")

    @audit.command("show")
    def show(
        after: Annotated[int, typer.Option("--after", help="Entries above this number.")] = 0,
        subject: Annotated[str, typer.Option("--subject", help="Only this parcel, slip or account.")] = "",
        data: Data = None,
    ) -> None:
        """Print entries, one JSON object a line."""
        for entry in tools.house(data_folder(data), "outside").audit.entries(after):
            if not subject or entry.subject == subject:
                members = {"number": entry.number, "moment": entry.moment.isoformat(), "actor": entry.actor}
                members |= {"event": str(entry.event), "subject": entry.subject, **entry.facts, "hash": entry.hash}
                print(json.dumps(members, ensure_ascii=False))

    @audit.command("verify")
    def verify(
        head: Annotated[str, typer.Option("--head", help="NUMBER:HASH as a former verify printed it.")] = "",
        data: Data = None,
    ) -> None:
        """Check that no entry was altered, removed or moved; prints NUMBER:HASH of the last, to keep elsewhere."""
        found = tools.house(data_folder(data), "outside").audit.verify(_read_head(head) if head else None)
        print(f"{found.number}:{found.hash}")


def _read_head(text: str) -> Head:
    number, colon, digest = text.partition(":")
    if not colon or not number.isdecimal() or len(digest) != 64:
        raise Mistake("A former head is NUMBER:HASH.", code="bad-head")
    return Head(int(number), digest)


def _add_export(app: typer.Typer, tools: Tools) -> None:
    @app.command("export")
    def export(
        folder: Annotated[Path, typer.Argument(help="A folder that is not there yet (with --all it may be).")],
        parcel: Annotated[str, typer.Option("--parcel")] = "",
        reader: Annotated[str, typer.Option("--for", help="The reader's address, or archive.")] = "",
        everything: Annotated[bool, typer.Option("--all", help="The whole installation; run again to go on.")] = False,
        split: Annotated[str, typer.Option("--split", help="With --all: over media of this size, such as 4GB.")] = "",
        accounts: Annotated[
            bool, typer.Option("--with-accounts", help="With --all: also accounts, with hashes of passwords.")
        ] = False,
        data: Data = None,
    ) -> None:
        """Write one reader's parcel, or everything, as age files, still sealed, to open or import elsewhere."""
        if everything:
            export_all(tools.house(data_folder(data), "outside"), folder, split, accounts)
            return
        if not (parcel and reader):
            raise Mistake("Name --parcel and --for, or give --all.", code="no-parcel")
        files = tools.house(data_folder(data), "outside").export.files(parcel, reader)
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            raise Mistake("{path} exists already.", code="folder-exists", path=folder) from None
        for name, pieces in files:
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            with path.open("xb") as file:
                for piece in pieces:
                    file.write(piece)
        print(folder / "README.txt")

"""``zegel export --all`` and ``zegel import``: a whole installation out and in."""

from pathlib import Path
from typing import Annotated

import typer

from zegel.doors.cli.folder import DiskFolder
from zegel.doors.cli.options import Data, data_folder
from zegel.doors.cli.tools import Tools
from zegel.doors.cli.volumes import VolumesIn, VolumesOut, read_size, volumes_among
from zegel.errors import Mistake, Unavailable
from zegel.journeys.export_all import Folder, Moved
from zegel.journeys.house import House, PlanB


def add_commands(app: typer.Typer, tools: Tools) -> None:
    """Add ``import``; ``export --all`` shares the command of ``export``."""

    @app.command("import")
    def import_(
        folders: Annotated[
            list[Path], typer.Argument(help="What “zegel export --all” wrote; volumes in any order.", file_okay=False)
        ],
        accounts: Annotated[
            bool, typer.Option("--with-accounts", help="Let the senders of the export log in here too.")
        ] = False,
        fingerprint: Annotated[
            str, typer.Option(help="What the export printed at its end; of another export nothing is read in.")
        ] = "",
        data: Data = None,
    ) -> None:
        """Read a whole installation into this one; run it again to go on after a cut."""
        plan = _plan(tools.house(data_folder(data), "outside"))
        print_moved(plan.import_.run(_folder(folders), accounts, fingerprint))


def export_all(house: House, folder: Path, split: str, accounts: bool) -> None:
    """Write everything into a folder, or into volumes of one."""
    volumes = VolumesOut(folder, read_size(split)) if split else None
    print_moved(_plan(house).export.run(volumes or DiskFolder(folder), accounts))
    if volumes:
        print(f"{volumes.count} volumes in {folder}")


def _folder(paths: list[Path]) -> Folder:
    volumes = volumes_among(paths)
    if volumes:
        return VolumesIn(volumes)
    if len(paths) != 1:
        raise Mistake("The export cannot be read: {reason}.", code="bad-export", reason="these are no volumes")
    return DiskFolder(paths[0])


def print_moved(moved: Moved) -> None:
    """One line, one about accounts, and what to compare at the other end."""
    print(f"{moved.parcels} parcels and {moved.blobs} blobs written; {moved.skipped} were there already")
    if moved.accounts:
        print(f"{moved.accounts} accounts")
    print(f"fingerprint {moved.fingerprint}")


def _plan(house: House) -> PlanB:
    if house.plan_b is None:
        raise Unavailable("This Zegel has no patches.", code="no-patches")
    return house.plan_b

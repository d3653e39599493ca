"""``zegel export --all`` and ``zegel import``: a whole installation out and in."""

from pathlib import Path
from typing import Annotated

import typer

from zegel.doors.cli.folder import DiskFolder
from zegel.doors.cli.options import Data, data_folder
from zegel.doors.cli.tools import Tools
from zegel.errors import Unavailable
from zegel.journeys.export_all import Moved
from zegel.journeys.house import House, PlanB


def add_commands(app: typer.Typer, tools: Tools) -> None:
    """Add ``import``; ``export --all`` shares the command of ``export``."""

    @app.command("import")
    def import_(
        folder: Annotated[Path, typer.Argument(help="What “zegel export --all” wrote.", file_okay=False)],
        data: Data = None,
    ) -> None:
        """Read a whole installation into this one; run it again to go on after a cut."""
        print_moved(_plan(tools.house(data_folder(data), "outside")).import_.run(DiskFolder(folder)))


def export_all(house: House, folder: Path) -> Moved:
    """Write everything into a folder."""
    return _plan(house).export.run(DiskFolder(folder))


def print_moved(moved: Moved) -> None:
    """One line."""
    print(f"{moved.parcels} parcels and {moved.blobs} blobs written; {moved.skipped} were there already")


def _plan(house: House) -> PlanB:
    if house.plan_b is None:
        raise Unavailable("This Zegel has no patches.", code="no-patches")
    return house.plan_b

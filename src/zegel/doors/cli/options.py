"""Options that several commands share, and how secrets are read: never only as an argument.

Arguments are seen by everybody on the machine (``ps``) and kept by the shell. Where an option can carry a secret, an
environment variable, a file or a prompt can too, and the help says so.
"""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from zegel.errors import Mistake

Data = Annotated[
    Path | None,
    typer.Option("--data", envvar="ZEGEL_DATA", help="Data folder of a Zegel on this machine.", file_okay=False),
]
Server = Annotated[
    str, typer.Option("--server", envvar="ZEGEL_SERVER", help="URL of a Zegel elsewhere, such as https://post.example.")
]
TokenFile = Annotated[
    Path | None,
    typer.Option("--token-file", help="File with the account's token (or the variable ZEGEL_TOKEN).", dir_okay=False),
]


def data_folder(data: Path | None) -> Path:
    """The data folder, or a Mistake that says how to name it."""
    if data is None:
        raise Mistake("Name the data folder with --data or ZEGEL_DATA.", code="no-data")
    return data


def read_token(token_file: Path | None) -> str:
    """The token from a file or ``ZEGEL_TOKEN``; there is no option for it on purpose."""
    if token_file is not None:
        return read_text(token_file).strip()
    token = os.environ.get("ZEGEL_TOKEN", "")
    if not token:
        raise Mistake("Give the account's token with --token-file or ZEGEL_TOKEN.", code="no-token")
    return token


def read_text(path: Path) -> str:
    """A small text file, or standard input for ``-``; raises Mistake."""
    try:
        return sys.stdin.read() if str(path) == "-" else path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise Mistake("{path} cannot be read.", code="unreadable-file", path=path) from error

"""``zegel``: commands for senders, readers and administrators.

Exit codes, stable: 0 done, 1 the caller's mistake, 2 usage, 3 denied, 4 not found, 5 try again later, 6 damaged.
A line of the form ``zegel: SENTENCE`` on standard error says what was wrong; nothing of a secret stands in it.
"""

import sys
from typing import NoReturn

import typer

from zegel import errors
from zegel.doors.cli import accounts, admin, collect, dkim, follow, mail, moving, patches, policy, send
from zegel.doors.cli.texts import translated
from zegel.doors.cli.tools import Tools

_EXIT = {errors.Mistake: 1, errors.Denied: 3, errors.NotFound: 4, errors.Unavailable: 5, errors.Damaged: 6}


def make_app(tools: Tools) -> typer.Typer:
    """All commands, with what they need handed to them."""
    app = typer.Typer(
        name="zegel",
        help="Secure mail and file exchange that a public body runs itself.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    for room in (send, collect, follow, admin, accounts, dkim, mail, moving, patches, policy):
        room.add_commands(app, tools)
    for verb, text in _SEAL_VERBS.items():
        app.command(verb, help=text)(_stay_out)
    return app


_SEAL_VERBS = {
    "seal": "Seal a file with age (also: zegel seal --help).",
    "open": "Open an age file.",
    "keygen": "Make an age identity.",
    "inspect": "Tell what an age file is sealed to.",
}
"""Handled before this module is imported (``zegel.__main__``): they start ten times faster without it."""


def _stay_out() -> None: ...


def run(app: typer.Typer, arguments: list[str]) -> int:
    """Run one command; returns the exit code."""
    try:
        code = app(arguments, standalone_mode=False)
    except errors.ZegelError as error:
        print(f"zegel: {translated(error)}", file=sys.stderr)
        return next((code for family, code in _EXIT.items() if isinstance(error, family)), 1)
    except typer.Abort:
        return 130
    except typer.Exit as ended:
        return ended.exit_code
    except Exception as error:
        if hasattr(error, "format_message") and hasattr(error, "exit_code"):
            usage(error)
        raise
    return code if isinstance(code, int) else 0


def usage(error: Exception) -> NoReturn:
    """Tell a wrong option the way click does, in one line."""
    print(f"zegel: {error.format_message()}", file=sys.stderr)  # type: ignore[attr-defined]
    raise SystemExit(2)

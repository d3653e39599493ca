"""``zegel``, and ``python -m zegel``.

The verbs of the sealing engine and ``--version`` are answered before anything heavy is imported: someone who opens one
small file should not wait for a web framework.
"""

import gc
import os
import sys

_SEAL_VERBS = ("seal", "open", "keygen", "inspect")


def main() -> None:
    """Run the command in ``sys.argv`` and exit with its code."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["--version"]:
        from zegel import __version__

        print(f"zegel {__version__}")
        raise SystemExit(0)
    if arguments and arguments[0] in _SEAL_VERBS:
        _run_seal_verb(arguments)
    from zegel.wiring.command import main as command

    raise SystemExit(command(arguments))


def _run_seal_verb(arguments: list[str]) -> None:
    # Looking for garbage between imports, and taking all apart at the end, would be a fifth of a small file's time.
    gc.disable()
    from zegel.doors.cli import seal_commands

    gc.enable()
    code = seal_commands.VERBS[arguments[0]](arguments[1:])
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        raise SystemExit(code) from None
    os._exit(code)


if __name__ == "__main__":
    main()

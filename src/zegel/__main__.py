"""``zegel``, and ``python -m zegel``.

The verbs of the sealing engine and ``--version`` are answered before anything heavy is imported: someone who opens one
small file should not wait for a web framework.
"""

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
        from zegel.doors.cli import seal_commands

        verb = seal_commands.VERBS[arguments[0]]
        raise SystemExit(verb(arguments[1:]))
    from zegel.wiring.command import main as command

    raise SystemExit(command(arguments))


if __name__ == "__main__":
    main()

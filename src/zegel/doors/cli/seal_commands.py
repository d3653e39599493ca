"""``zegel seal``, ``zegel open``, ``zegel keygen``, ``zegel inspect``: the flags and manners of the stock age tools.

These four work without a server, a configuration or the rest of Zegel, and must start as fast as a shell expects
(under 100 ms), so they use argparse and import nothing that they don't need. ``zegel seal -d`` opens, as ``age -d``
does, so that ``alias age='zegel seal'`` works.

Exit status: 0 done, 1 refused or failed (one sentence on standard error says why), 2 wrong flags.
"""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from zegel.errors import Mistake, ZegelError

if TYPE_CHECKING:
    from zegel.doors.cli.seal_progress import Waiting
    from zegel.seal import Identity

_KEYS_HELP = "age1pq1… and age1tagpq1… (post-quantum), age1… and age1tag1… (classic)"


def seal_main(argv: Sequence[str]) -> int:
    """Run ``zegel seal``."""
    parser = _parser("seal", "Seal a file for one or more recipients, in the age format.")
    _add_common(parser)
    parser.add_argument("-e", "--encrypt", action="store_true", help="seal (the default)")
    parser.add_argument("-d", "--decrypt", action="store_true", help="open instead, as `zegel open` does")
    parser.add_argument(
        "-r",
        "--recipient",
        action="append",
        default=[],
        metavar="RECIPIENT",
        help=f"seal for: {_KEYS_HELP}; repeatable",
    )
    parser.add_argument(
        "-R",
        "--recipients-file",
        action="append",
        default=[],
        metavar="PATH",
        help="recipients, one a line; repeatable",
    )
    parser.add_argument("-a", "--armor", action="store_true", help="write text (PEM) instead of binary")
    asked = parser.parse_args(argv)
    if asked.decrypt:
        if asked.encrypt or asked.armor or asked.recipient or asked.recipients_file:
            parser.error("-d/--decrypt cannot be combined with -e, -a, -r or -R")
        return _guarded(lambda: _open(asked))
    if (asked.passphrase or asked.passphrase_file) and (asked.recipient or asked.recipients_file or asked.identity):
        parser.error("a passphrase cannot be combined with recipients: it must be the only lock of a file")
    return _guarded(lambda: _seal(asked))


def open_main(argv: Sequence[str]) -> int:
    """Run ``zegel open``."""
    parser = _parser("open", "Open a sealed (age) file, armored or not.")
    _add_common(parser)
    parser.add_argument("-d", "--decrypt", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args(argv)
    return _guarded(lambda: _open(asked))


def keygen_main(argv: Sequence[str]) -> int:
    """Run ``zegel keygen``."""
    parser = _parser("keygen", "Make a new key pair, or show the recipients of an identity file.")
    parser.add_argument("-o", "--output", metavar="PATH", help="write there; an existing file is never overwritten")
    parser.add_argument("-pq", action="store_true", help="make a post-quantum hybrid key (the default)")
    parser.add_argument("--classic", action="store_true", help="make a classic X25519 key, for old age programs")
    parser.add_argument("-y", dest="convert", action="store_true", help="read identities, write their recipients")
    parser.add_argument(
        "input", nargs="?", metavar="INPUT", help="with -y: the identity file (standard input if absent)"
    )
    asked = parser.parse_args(argv)
    if asked.input and not asked.convert:
        parser.error("INPUT is only read with -y")
    if asked.pq and asked.classic:
        parser.error("-pq and --classic exclude each other")
    return _guarded(lambda: _convert(asked) if asked.convert else _keygen(asked))


def inspect_main(argv: Sequence[str]) -> int:
    """Run ``zegel inspect``."""
    parser = _parser("inspect", "Tell what can be seen of a sealed file without a key.")
    parser.add_argument("--json", action="store_true", help="for programs, with the keys of age-inspect")
    parser.add_argument("input", nargs="?", metavar="INPUT", help="the sealed file (standard input if absent)")
    asked = parser.parse_args(argv)
    return _guarded(lambda: _inspect(asked))


VERBS: dict[str, Callable[[Sequence[str]], int]] = {
    "seal": seal_main,
    "open": open_main,
    "keygen": keygen_main,
    "inspect": inspect_main,
}
"""The four verbs, for whoever dispatches them."""


def _parser(verb: str, what: str) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        prog=f"zegel {verb}", description=what, allow_abbrev=False, formatter_class=_Formatter
    )


class _Formatter(argparse.HelpFormatter):
    """As wide as the screen. Argparse would ask ``shutil``, which loads libraries for compression."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns() - 2)


def _columns() -> int:
    with suppress(ValueError, KeyError):
        return max(int(os.environ["COLUMNS"]), 20)
    with suppress(OSError):
        return os.get_terminal_size(1).columns or 80
    return 80


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", metavar="PATH", help="write there (standard output if absent)")
    parser.add_argument(
        "-i", "--identity", action="append", default=[], metavar="PATH", help="identity file; repeatable; - is stdin"
    )
    parser.add_argument("-p", "--passphrase", action="store_true", help="use a passphrase, asked at the terminal")
    parser.add_argument("--passphrase-file", metavar="FILE", help="use the first line of FILE as the passphrase")
    parser.add_argument(
        "--max-work-factor", type=int, default=18, metavar="N", help="open passphrase files that take up to 2^N KiB"
    )
    parser.add_argument("input", nargs="?", metavar="INPUT", help="the file to read (standard input if absent)")


def _seal(asked: argparse.Namespace) -> None:
    from zegel.doors.cli.seal_keys import PassphraseSource, read_identities, read_recipients
    from zegel.doors.cli.seal_output import Output, open_input, refuse_same_file
    from zegel.seal import Recipient, ScryptRecipient, seal_fd

    refuse_same_file(asked.input, asked.output)
    if not asked.armor and asked.output is None and os.isatty(1):
        raise Mistake("Binary does not go to the terminal. Use -a for text, -o for a file, or -o - to force it.")
    passphrases = PassphraseSource(asked.passphrase_file)
    recipients: list[Recipient] = []
    if asked.passphrase or asked.passphrase_file:
        recipients = [ScryptRecipient(passphrases.new())]
    else:
        recipients = read_recipients(asked.recipient, asked.recipients_file)
        for identity in read_identities(asked.identity, passphrases):
            recipients.append(getattr(identity, "recipient"))  # noqa: B009 - every native identity has one
    fd_in = open_input(asked.input)
    with Output(asked.output) as output, _waiting("Sealing", fd_in) as waiting:
        seal_fd(fd_in, output.fd, recipients, armored=asked.armor, progress=waiting)


def _open(asked: argparse.Namespace) -> None:
    from zegel.doors.cli.seal_keys import NoPassphraseIdentity, PassphraseIdentity, PassphraseSource, read_identities
    from zegel.doors.cli.seal_output import Output, open_input, refuse_same_file
    from zegel.seal import Identity, NoMatch, open_fd

    refuse_same_file(asked.input, asked.output)
    passphrases = PassphraseSource(asked.passphrase_file)
    identities: list[Identity] = read_identities(asked.identity, passphrases)
    if asked.identity:
        identities.insert(0, NoPassphraseIdentity())
    else:
        identities.append(PassphraseIdentity(passphrases, asked.max_work_factor))
    fd_in = open_input(asked.input)
    try:
        if asked.output is None and os.isatty(1):
            _open_to_terminal(fd_in, identities)
            return
        with Output(asked.output) as output, _waiting("Opening", fd_in) as waiting:
            open_fd(fd_in, output.fd, identities, progress=waiting)
    except NoMatch:
        if not asked.identity:
            raise Mistake(
                "The file is not locked with a passphrase: say with -i which identity file opens it."
            ) from None
        raise


def _open_to_terminal(fd_in: int, identities: "list[Identity]") -> None:
    """Open to a person's screen: text only, for control characters could drive the terminal."""
    import codecs

    from zegel.doors.cli.seal_output import is_printable
    from zegel.seal import Dearmorer, Opener
    from zegel.seal.armor import BEGIN

    opener, dearmorer = Opener(identities), None
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    begun = False
    while True:
        piece = os.read(fd_in, 1 << 16)
        if not begun and piece.lstrip(b" \t\r\n").startswith(BEGIN[:5]):
            dearmorer = Dearmorer()
        begun = True
        if piece:
            plain = opener.update(dearmorer.update(piece) if dearmorer else piece)
        else:
            plain = (opener.update(dearmorer.finish()) if dearmorer else b"") + opener.finish()
        text = decoder.decode(plain, final=not piece)
        if "\ufffd" in text or not is_printable(text):
            raise Mistake(
                "This is not text, so it does not go to the terminal. Use -o for a file, or -o - to force it."
            )
        sys.stdout.write(text)
        sys.stdout.flush()
        if not piece:
            return


def _keygen(asked: argparse.Namespace) -> None:
    import time

    from zegel.doors.cli.seal_output import Output
    from zegel.seal import HybridIdentity, X25519Identity

    identity = X25519Identity.generate() if asked.classic else HybridIdentity.generate()
    created = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    created = f"{created[:-2]}:{created[-2:]}"
    text = f"# created: {created}\n# public key: {identity.recipient}\n{identity.encode()}\n"
    with Output(asked.output, exclusive=True) as output:
        if asked.output is None and _readable_by_all(output.fd):
            _complain("warning: the secret key goes to a file that everyone on this machine can read")
        _write(output.fd, text)
    if asked.output or not os.isatty(1):
        sys.stderr.write(f"Public key: {identity.recipient}\n")


def _convert(asked: argparse.Namespace) -> None:
    from zegel.doors.cli.seal_keys import PassphraseSource, read_identities
    from zegel.doors.cli.seal_output import Output

    identities = read_identities([asked.input or "-"], PassphraseSource(None))
    with Output(asked.output, exclusive=True) as output:
        _write(output.fd, "".join(f"{getattr(identity, 'recipient')}\n" for identity in identities))  # noqa: B009


def _inspect(asked: argparse.Namespace) -> None:
    from zegel.doors.cli.seal_inspect import inspect_fd
    from zegel.doors.cli.seal_output import open_input

    name = "<stdin>" if asked.input in (None, "-") else asked.input
    facts = inspect_fd(open_input(asked.input))
    _write(1, (facts.as_json() if asked.json else facts.as_text(name)) + "\n")


def _waiting(what: str, fd_in: int) -> "_Shown":
    return _Shown(what, os.fstat(fd_in).st_size or None)


class _Shown:
    """A progress bar for the time of a ``with``; None for whoever can't see it, which saves the telling."""

    def __init__(self, what: str, total: int | None) -> None:
        self._what, self._total = what, total
        self._waiting: Waiting | None = None

    def __enter__(self) -> "Waiting | None":
        if sys.stderr.isatty():
            from zegel.doors.cli.seal_progress import Waiting

            self._waiting = Waiting(self._what, self._total)
        return self._waiting

    def __exit__(self, *_: object) -> None:
        if self._waiting is not None:
            self._waiting.end()


def _readable_by_all(fd: int) -> bool:
    import stat

    status = os.fstat(fd)
    return stat.S_ISREG(status.st_mode) and bool(status.st_mode & stat.S_IROTH)


def _write(fd: int, text: str) -> None:
    from zegel.seal.pipes import write_all

    write_all(fd, text.encode())


def _complain(text: str) -> None:
    sys.stderr.write(f"zegel: {text}\n")


def _guarded(work: Callable[[], None]) -> int:
    """Run a command; turn what went wrong into one sentence and an exit status."""
    from zegel.doors.cli.seal_signals import Ending

    try:
        with Ending():
            work()
    except BrokenPipeError:
        return 128 + signal.SIGPIPE  # the reader had enough: head(1) is no error of ours to talk about
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except ZegelError as error:
        _complain(f"error: {error}")
        return 1
    except OSError as error:
        _complain(f"error: {error.filename or 'input or output'}: {error.strerror}")
        return 1
    return 0

"""``zegel collect``: a reader's terminal. The link and what it opens stay on this machine."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from zegel.doors.cli.options import read_text
from zegel.doors.cli.tools import Tools
from zegel.errors import Mistake, Unavailable
from zegel.journeys.read import Opened, Read, claim_identity
from zegel.parcels.claim import Link, read_link, read_secret
from zegel.parcels.manifest import Manifest

LinkArgument = Annotated[str, typer.Argument(help="The link from the notice; - reads it from standard input.")]
Code = Annotated[str, typer.Option("--code", help="The code; asked for when it is needed and not given.")]
Output = Annotated[Path, typer.Option("-o", "--output", help="Folder for the message and its attachments.")]


def add_commands(app: typer.Typer, tools: Tools) -> None:
    """Add ``collect`` and ``claim``."""

    @app.command("collect")
    def collect(link: LinkArgument, code: Code = "", output: Output = Path()) -> None:
        """Open a message from its link and save it with its attachments."""
        _collect(tools, _link(link), code, output)

    @app.command("claim")
    def claim(
        link: LinkArgument,
        share: Annotated[Path, typer.Option("--share", help="release-share.txt of an export.")],
    ) -> None:
        """Print the age identity that a link and a release share make together, for use with the age program."""
        print(claim_identity(_link(link), read_secret(read_text(share).strip())))


def _link(text: str) -> Link:
    return read_link(sys.stdin.readline() if text == "-" else text)


def _collect(tools: Tools, link: Link, code: str, output: Path) -> None:
    read = tools.read_at(link.base)
    announced = read.look(link)
    sender = f"{announced.sender.name} <{announced.sender.address}>"
    print(f"{announced.organisation.name}: {sender}", file=sys.stderr)
    if announced.proof != "mail" and not code:
        code = _ask(read, link, announced.proof, announced.hint, announced.language)
    opened = read.open(link, code)
    output.mkdir(parents=True, exist_ok=True)
    saved = [_save(output, "message.txt", iter([_message_text(opened).encode()]))]
    if opened.manifest.html:
        saved.append(_save(output, "message.html", iter([opened.manifest.html.encode()])))
    for attachment in opened.manifest.attachments:
        saved.append(_save(output, attachment.name, opened.attachment(attachment)))
    if opened.unverified:
        print(f"zegel: the sender is not verified. {opened.unverified}", file=sys.stderr)
    else:
        name = opened.manifest.organisation.name
        print(f"zegel: signed by {name}, key {opened.fingerprint}", file=sys.stderr)
    for path in saved:
        print(path)


def _ask(read: Read, link: Link, proof: str, hint: str, language: str) -> str:
    if proof == "sms":
        read.request_code(link, language)
        question = f"Code sent to the telephone that ends in {hint}"
    else:
        question = "Access code agreed with the sender"
    if not sys.stdin.isatty():
        print(f"{question}:", file=sys.stderr)
        return sys.stdin.readline().strip()
    return str(typer.prompt(question, hide_input=proof == "code", err=True))


def _message_text(opened: Opened) -> str:
    manifest: Manifest = opened.manifest
    lines = [
        f"From: {manifest.from_.name} <{manifest.from_.address}>",
        f"To: {', '.join(person.address for person in manifest.to)}",
        *([f"Cc: {', '.join(person.address for person in manifest.cc)}"] if manifest.cc else []),
        f"Date: {manifest.created:%Y-%m-%d %H:%M} UTC",
        f"Subject: {manifest.subject}",
        "",
        manifest.text or "(The message is in message.html.)",
    ]
    return "\n".join(lines) + "\n"


def _save(folder: Path, name: str, pieces: Iterator[bytes]) -> Path:
    """Write a whole file under a name that is not taken yet; nothing stays when it cannot be completed."""
    temporary = folder / f".zegel-{os.getpid()}.part"
    try:
        with temporary.open("xb") as file:
            for piece in pieces:
                file.write(piece)
        for target in _names(folder, name):
            try:
                # A hard link fails when the name is taken: a message can never overwrite a file.
                os.link(temporary, target)
            except FileExistsError:
                continue
            return target
    except OSError as error:
        raise Unavailable("{path} cannot be written.", code="unwritable", path=folder) from error
    finally:
        temporary.unlink(missing_ok=True)
    raise Mistake("The name {name} is taken too often in {path}.", code="names-taken", name=name, path=folder)


def _names(folder: Path, name: str) -> Iterator[Path]:
    yield folder / name
    stem, suffix = Path(name).stem, Path(name).suffix
    for number in range(2, 1000):
        yield folder / f"{stem} ({number}){suffix}"

"""``zegel send``: seals on this machine, then deposits at a server or in a data folder."""

import mimetypes
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from zegel.doors.cli.options import Data, Server, TokenFile, data_folder, read_text, read_token
from zegel.doors.cli.tools import Tools
from zegel.errors import Denied, Mistake
from zegel.journeys.ports.people import Actor
from zegel.journeys.submit import Message, Packing, ReaderWish, Submit
from zegel.parcels.addresses import Person, checked_address
from zegel.parcels.proofs import Proof, parse_proof

_PIECE = 1024 * 1024


def add_commands(app: typer.Typer, tools: Tools) -> None:
    """Add ``send``."""

    @app.command("send")
    def send(
        to: Annotated[list[str], typer.Option("--to", help="Reader's address; may be repeated.")],
        subject: Annotated[str, typer.Option("--subject", help="Only readers see it.")],
        sender: Annotated[str, typer.Option("--from", help="The sending account's address.")] = "",
        cc: Annotated[list[str], typer.Option("--cc", help="Reader shown as cc.")] = [],  # noqa: B006
        bcc: Annotated[list[str], typer.Option("--bcc", help="Reader whom the others do not see.")] = [],  # noqa: B006
        proof: Annotated[
            list[str],
            typer.Option(
                "--proof",
                help="mail, sms:+31612345678 or code:SECRET (“code:” alone asks for it); once, or one per reader.",
            ),
        ] = [],  # noqa: B006
        body: Annotated[str, typer.Option("--body", help="The text.")] = "",
        body_file: Annotated[Path | None, typer.Option("--body-file", help="The text from a file, or - .")] = None,
        html_file: Annotated[Path | None, typer.Option("--html-file", help="The same as HTML.")] = None,
        attach: Annotated[list[Path], typer.Option("--attach", help="A file; may be repeated.")] = [],  # noqa: B006
        class_: Annotated[int, typer.Option("--class", min=0, max=4, help="Confidentiality, 0 to 4.")] = 2,
        expires: Annotated[str, typer.Option("--expires", help="14d or 2026-12-20; 30 days if not given.")] = "",
        language: Annotated[str, typer.Option("--language", help="nl or en: of the notice.")] = "nl",
        data: Data = None,
        server: Server = "",
        token_file: TokenFile = None,
    ) -> None:
        """Seal a message with its attachments on this machine and send it."""
        addresses = [checked_address(address) for address in (*to, *cc, *bcc)]
        message = Message(
            subject=subject,
            text=read_text(body_file) if body_file else body,
            html=read_text(html_file) if html_file else "",
            readers=tuple(
                ReaderWish(address, wish, language)
                for address, wish in zip(addresses, _proofs(proof, addresses), strict=True)
            ),
            to=tuple(Person("", checked_address(address)) for address in to),
            cc=tuple(Person("", checked_address(address)) for address in cc),
            class_=class_,
            language=language,
        )
        _check_files(attach)
        submit, actor = _way(tools, data, server, token_file, sender)
        parcel = _pack(submit, actor, replace(message, expires=submit.read_expiry(expires)), attach)
        print(parcel)


def _way(tools: Tools, data: Path | None, server: str, token_file: Path | None, sender: str) -> tuple[Submit, Actor]:
    if server:
        submit, actor = tools.submit_at(tools.server(server, read_token(token_file)))
        if sender and checked_address(sender) != actor.address:
            raise Denied("The token belongs to {address}.", code="foreign-token", address=actor.address)
        return submit, actor
    if not sender:
        raise Mistake("Name the sender with --from.", code="no-sender")
    house = tools.house(data_folder(data), "inside")
    return house.inside_submit(), house.people.find(checked_address(sender))


def _pack(submit: Submit, actor: Actor, message: Message, files: list[Path]) -> str:
    packing = submit.begin(actor, message.class_)
    try:
        for path in files:
            _attach(packing, path)
        return packing.finish(message)
    except BaseException:
        packing.abort()
        raise


def _attach(packing: Packing, path: Path) -> None:
    type_, encoding = mimetypes.guess_type(path.name)
    writer = packing.attachment(path.name, "application/octet-stream" if encoding or not type_ else type_)
    with path.open("rb", buffering=0) as file, _progress(path) as advance:
        while piece := file.read(_PIECE):
            writer.write(piece)
            advance(len(piece))
    writer.close()


class _progress:  # noqa: N801 - reads as a statement
    """A bar for a person, nothing for a pipe."""

    def __init__(self, path: Path):
        self._bar = None
        if sys.stderr.isatty() and path.stat().st_size > 64 * _PIECE:
            from rich.console import Console
            from rich.progress import Progress

            self._bar = Progress(console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task(path.name, total=path.stat().st_size)

    def __enter__(self):  # type: ignore[no-untyped-def]
        if self._bar is None:
            return lambda _count: None
        self._bar.start()
        return lambda count: self._bar.update(self._task, advance=count)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()


def _check_files(files: list[Path]) -> None:
    for path in files:
        if not path.is_file():
            raise Mistake("There is no file {path}.", code="no-file", path=path)


def _proofs(texts: list[str], addresses: list[str]) -> list[Proof]:
    """One proof for all, or one per reader in order."""
    if not texts:
        raise Mistake(
            "Say with --proof how readers prove who they are: mail, sms:+31612345678 or code:SECRET.", code="no-proof"
        )
    if len(texts) not in (1, len(addresses)):
        raise Mistake("Give one proof for all readers, or one for each.", code="uneven-proofs")
    proofs = [parse_proof(_ask(text)) for text in texts]
    return proofs * len(addresses) if len(proofs) == 1 else proofs


def _ask(text: str) -> str:
    if text.strip().lower() != "code:":
        return text
    return "code:" + str(typer.prompt("Access code", hide_input=True, err=True))

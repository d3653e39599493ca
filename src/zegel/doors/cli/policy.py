"""``zegel policy explain``: what the SMTP door would do with a mail, and why. Nothing is sent, sealed or kept."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from zegel.doors.cli.options import Data, data_folder
from zegel.doors.cli.texts import translated
from zegel.doors.cli.tools import Tools
from zegel.errors import Mistake, ZegelError
from zegel.journeys.judge import Came, Judge
from zegel.journeys.wishes import Wishes
from zegel.mime.headers import Headers, read_addresses
from zegel.mime.top import read_top
from zegel.parcels.addresses import checked_address
from zegel.policy.facts import LISTENERS
from zegel.policy.verdict import Verdict

_PIECE = 64 * 1024
_DONE = {"seal": "sealed", "pass": "passes unsealed", "refuse": "refused"}
_FITS = {True: "yes", False: "no", None: "not known"}


def add_commands(app: typer.Typer, tools: Tools) -> None:
    """Add the group with its one command."""
    policy = typer.Typer(no_args_is_help=True, help="What is sealed, what passes, what is refused.")
    app.add_typer(policy, name="policy")
    policy.callback()(lambda: None)

    @policy.command("explain")
    def explain(
        mail: Annotated[Path, typer.Argument(help="The mail, .eml; - is standard input.")],
        sender: Annotated[str, typer.Option("--from", help="MAIL FROM; else the header From.")] = "",
        to: Annotated[
            list[str] | None, typer.Option("--to", help="RCPT TO, may be repeated; else To, Cc, Bcc.")
        ] = None,
        listener: Annotated[str, typer.Option("--listener", help="submission, relay or incoming.")] = "submission",
        as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
        data: Data = None,
    ) -> None:
        """Show per recipient what would happen to a mail, and every rule with why it did or did not decide.

        Ends with 0 when the mail would be taken, 1 when it would be refused.
        """
        judge = tools.judge(data_folder(data))
        headers, size = _read(mail)
        came = Came(_listener(listener), _sender(sender, headers), size)
        verdicts = judge.weigh(headers, came, _recipients(to or [], headers))
        wishes, refusal = _wishes(judge, headers, verdicts)
        for name, why in judge.policy.unreachable.items():
            print(f"zegel: rule “{name}” never decides: {why}", file=sys.stderr)
        if as_json:
            print(json.dumps(_spell(verdicts, wishes, refusal), ensure_ascii=False, indent=1))
        else:
            _show(verdicts, wishes)
            if refusal is not None:
                print(f"The mail would be refused: {translated(refusal)}")
        if refusal is not None:
            raise typer.Exit(1)


def _read(path: Path) -> tuple[Headers, int]:
    """The top headers, and the size as a mail program would declare it: every line ends in CRLF (RFC 1870 §3)."""
    size = 0

    def counted(pieces: Iterator[bytes]) -> Iterator[bytes]:
        nonlocal size
        before = b""
        for piece in pieces:
            size += len(piece) + (before + piece).count(b"\n") - (before + piece).count(b"\r\n")
            before = piece[-1:] if piece.endswith(b"\r") else b""
            yield piece

    try:
        with _opened(path) as file:
            pieces = counted(iter(lambda: file.read(_PIECE), b""))
            headers = read_top(pieces)
            for _ in pieces:
                pass
    except OSError as error:
        raise Mistake("{path} cannot be read.", code="unreadable-file", path=path) from error
    return headers, size


def _opened(path: Path) -> BinaryIO:
    return sys.stdin.buffer if str(path) == "-" else path.open("rb")


def _listener(text: str) -> Any:
    if text not in LISTENERS:
        raise Mistake("“{listener}” is not submission, relay or incoming.", code="unknown-listener", listener=text[:40])
    return text


def _sender(text: str, headers: Headers) -> str:
    shown = [address for _, address in read_addresses(headers.all("from"))]
    if not text and not shown:
        raise Mistake("Name the sender with --from.", code="no-sender")
    return checked_address(text or shown[0])


def _recipients(named: Sequence[str], headers: Headers) -> list[str]:
    shown = [address for name in ("to", "cc", "bcc") for _, address in read_addresses(headers.all(name))]
    found = list(dict.fromkeys(checked_address(address) for address in named or shown))
    if not found:
        raise Mistake("The mail names no recipient. Name them with --to.", code="no-recipient")
    return found


def _wishes(judge: Judge, headers: Headers, verdicts: Sequence[Verdict]) -> tuple[Wishes | None, ZegelError | None]:
    try:
        return judge.wishes(headers, verdicts), None
    except ZegelError as error:
        return None, error


def _ways(wishes: Wishes | None) -> dict[str, str]:
    return {reader.address: reader.way for reader in wishes.readers} if wishes else {}


def _proofs(wishes: Wishes | None) -> dict[str, str]:
    return {reader.address: reader.proof.kind for reader in wishes.readers} if wishes else {}


def _show(verdicts: Sequence[Verdict], wishes: Wishes | None) -> None:
    proofs, ways = _proofs(wishes), _ways(wishes)
    for verdict in verdicts:
        sealed_anyway = verdict.decision == "pass" and ways.get(verdict.recipient, "plain") != "plain"
        done = "may pass, but is sealed: [mail] names no server" if sealed_anyway else _DONE[verdict.decision]
        line = f"{verdict.recipient}: {done}"
        if verdict.decision == "seal" or sealed_anyway:
            line += f", class {wishes.class_ if wishes else verdict.class_}"
            line += f", proof {proofs[verdict.recipient]}" if verdict.recipient in proofs else ""
        line += f", way {ways[verdict.recipient]}" if verdict.recipient in ways else ""
        print(f"{line} (rule {verdict.rule})")
        if verdict.sentence:
            print(f"    {verdict.sentence}")
        for reason in verdict.reasons:
            print(f"    {_FITS[reason.fits]:<10}{reason.rule}")
            for why in reason.why:
                print(f"              {why}")


def _spell(verdicts: Sequence[Verdict], wishes: Wishes | None, refusal: ZegelError | None) -> dict[str, Any]:
    proofs, ways = _proofs(wishes), _ways(wishes)
    return {
        "refused": refusal.kind if refusal else None,
        "class": wishes.class_ if wishes else None,
        "recipients": [
            {
                "recipient": verdict.recipient,
                "decision": verdict.decision,
                "rule": verdict.rule,
                "class": verdict.class_,
                "proof": proofs.get(verdict.recipient),
                "way": ways.get(verdict.recipient),
                "sentence": verdict.sentence or None,
                "reasons": [
                    {"rule": reason.rule, "fits": reason.fits, "why": list(reason.why)} for reason in verdict.reasons
                ],
            }
            for verdict in verdicts
        ],
    }

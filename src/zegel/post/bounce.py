"""What a mail that came back says. Only as much is read as is needed, and in one pass: it comes from strangers.

Read with certainty are delivery status notifications (RFC 3464), which is what nearly every server sends. Of older
forms those are read that cannot be taken for something else: Exim's ``X-Failed-Recipients`` and qmail's QSBMF. An
automatic answer (RFC 3834, and what Exchange and old vacation programs write) is told apart, so that an out-of-office
never counts as a failure. The rest is ``other``: it changes nothing.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser
from typing import Literal

Said = Literal["failed", "delayed", "relayed", "delivered", "automatic", "other"]

MOST_BYTES = 256 * 1024
"""A status notification says what it has to say in its first kilobytes; what it sends back after that is not read."""
_MOST_HEAD = 64 * 1024
_MOST_TYPE = 2000
"""Characters of a Content-Type; reading its parameters takes time by the square of its length."""
_MOST_LINES = 2000
_STATUS_TYPES = ("message/delivery-status", "message/global-delivery-status")
_STATUS = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})(?!\d)")
_REPLY = re.compile(r"smtp\s*;\s*([45]\d\d)(?:[ -]|$)", re.IGNORECASE)
_QMAIL = re.compile(rb"\s*hi\. this is the ", re.IGNORECASE)
_AUTOMATIC = re.compile(
    r"\s*(?:\[?auto(?:matisch(?:e?))?[ -]?(?:reply|response|antwoord|respons)|automatic (?:reply|response)"
    r"|automatisch antwoord|automatische (?:antwoord|reactie)|out of (?:the )?office|afwezig|ik ben afwezig"
    r"|abwesenheits|automatische antwort|réponse automatique|absence)",
    re.IGNORECASE,
)
_WORSE: tuple[Said, ...] = ("failed", "delayed", "relayed", "delivered")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a mail says about the notice it answers. ``status`` is an enhanced code (RFC 3463), or empty."""

    said: Said
    status: str = ""


def read_bounce(mail: bytes, null_sender: bool) -> Reading:
    """Read at most the first ``MOST_BYTES`` of a mail. ``null_sender``: its envelope sender was ``<>``.

    Never raises: what cannot be read is ``other``.
    """
    head, body = _split(mail[:MOST_BYTES])
    try:
        headers = _headers(head)
        return _reported(headers, body) or _old_form(headers, body, null_sender) or _answer(headers)
    except (MessageError, ValueError, LookupError, TypeError, AttributeError):
        # The standard library's header parser meets its limits on what strangers write; that is no verdict.
        return Reading("other")


def _split(mail: bytes) -> tuple[bytes, bytes]:
    lines = mail.replace(b"\r\n", b"\n")
    head, _, body = lines.partition(b"\n\n")
    return head[:_MOST_HEAD] + b"\n\n", body


def _headers(head: bytes) -> Message:
    headers = BytesHeaderParser().parsebytes(head)
    if len(str(headers.get("Content-Type", ""))) > _MOST_TYPE:
        del headers["Content-Type"]
    return headers


def _reported(headers: Message, body: bytes) -> Reading | None:
    """RFC 3464 in a multipart/report (RFC 6522); also where a server calls it multipart/mixed."""
    kind = headers.get_content_type()
    if not kind.startswith("multipart/"):
        return None
    report = str(headers.get_param("report-type", "")).lower()
    if kind == "multipart/report" and report not in ("delivery-status", "global-delivery-status", ""):
        # A read receipt or a complaint about spam: neither says that the notice did not arrive.
        return Reading("other")
    boundary = headers.get_boundary()
    if not boundary:
        return None
    for part in _parts(body, boundary.encode("utf-8", "surrogateescape")):
        head, content = _split(part)
        if _headers(head).get_content_type() in _STATUS_TYPES:
            return _status(content)
    return None


def _parts(body: bytes, boundary: bytes) -> Iterator[bytes]:
    """The parts at the top level alone: a report is flat, and what is nested in it is somebody else's mail."""
    for part in (b"\n" + body).split(b"\n--" + boundary)[1:10]:
        if part.startswith(b"--"):
            return
        yield part.partition(b"\n")[2]


def _status(content: bytes) -> Reading | None:
    """The worst that is said of any recipient: our notices have one."""
    found: list[Reading] = []
    fields: dict[str, str] = {}
    name = ""
    for line in [*content.decode("utf-8", "replace").split("\n")[:_MOST_LINES], ""]:
        if not line.strip():
            reading = _recipient(fields)
            found += [reading] if reading else []
            fields, name = {}, ""
        elif line[0] in " \t" and name:
            fields[name] += f" {line.strip()}"
        else:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields.setdefault(name, value.strip())
    for said in _WORSE:
        for reading in found:
            if reading.said == said:
                return reading
    return None


def _recipient(fields: dict[str, str]) -> Reading | None:
    if not {"final-recipient", "original-recipient", "action", "status"} & fields.keys():
        return None
    action = fields.get("action", "").partition("(")[0].strip().lower()
    status = _STATUS.match(fields.get("status", ""))
    code = status[1] if status else ""
    if action == "expanded":
        action = "relayed"
    for said in _WORSE:
        if action == said:
            return Reading(said, code or _from_diagnostic(fields) if said == "failed" else code)
    # Some servers leave the action out; a permanent status then says as much (RFC 3464 §2.3.4).
    if not action and code.startswith("5."):
        return Reading("failed", code)
    return None


def _from_diagnostic(fields: dict[str, str]) -> str:
    reply = _REPLY.match(fields.get("diagnostic-code", ""))
    return f"{reply[1][0]}.0.0" if reply else ""


def _old_form(headers: Message, body: bytes, null_sender: bool) -> Reading | None:
    """Only with the empty envelope sender of a bounce: a person can write these words, but not send them like that."""
    if not null_sender:
        return None
    if headers.get("X-Failed-Recipients"):
        return Reading("failed")
    if _QMAIL.match(body):
        # QSBMF: the paragraph that begins with <address>: says who did not get it (https://cr.yp.to/proto/qsbmf.txt).
        # Its words may hold (#5.1.1); a mailing list's confirmation begins alike, but names nobody.
        failed = re.search(rb"\n[ \t]*<[^<>\n]{3,320}>:\n([^\n]*)", body)
        if failed:
            status = re.search(rb"#([45]\.\d{1,3}\.\d{1,3})\)?\s*$", failed[1])
            return Reading("failed", status[1].decode() if status else "")
    return None


def _answer(headers: Message) -> Reading:
    """RFC 3834 §5, and the signs that programs gave before it or beside it."""
    automatic = str(headers.get("Auto-Submitted", "no")).partition(";")[0].strip().lower() not in ("no", "")
    precedence = str(headers.get("Precedence", "")).strip().lower()
    if (
        automatic
        or any(headers.get(name) for name in ("X-Autoreply", "X-Autorespond", "X-Auto-Response-Suppress"))
        or precedence in ("auto_reply", "bulk", "junk")
        or _AUTOMATIC.match(_subject(headers))
    ):
        return Reading("automatic")
    return Reading("other")


def _subject(headers: Message) -> str:
    raw = str(headers.get("Subject", ""))[:500]
    try:
        return str(make_header(decode_header(raw)))
    except (ValueError, LookupError, MessageError):
        return raw

"""Trial only: a page that shows the notices and SMS codes which would have left. Elsewhere it does not exist."""

import email
import email.policy
import json
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from zegel.doors.web.settings import ours
from zegel.errors import NotFound

_MOST = 100
_LARGEST = 1024 * 1024

# The mail of a trial may have its own style, but runs nothing and loads nothing; its links open a new tab.
_MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)


@dataclass(frozen=True, slots=True)
class CaughtMail:
    """One notice; ``number`` is its place, oldest first, so that it stays when newer ones arrive."""

    number: int
    sender: str
    to: str
    subject: str
    sent: datetime | None
    text: str
    has_html: bool


@dataclass(frozen=True, slots=True)
class CaughtText:
    """One SMS."""

    to: str
    text: str
    sent: str


@require_safe
def catcher(request: HttpRequest) -> HttpResponse:
    """All that was caught, newest first."""
    _trial_only()
    found = _messages()
    mails = [_caught(number, message) for number, message in enumerate(found)]
    facts = {"mails": mails[::-1][:_MOST], "texts": _texts()[::-1][:_MOST]}
    # Nobody is logged in here: the page looks for news by comparing itself, and a form's token is always new.
    return render(request, "catcher.html", {**facts, "actor": None})


@require_safe
def mail(request: HttpRequest, number: int) -> HttpResponse:
    """The HTML of one notice, for a frame that lets it do nothing."""
    _trial_only()
    found = _messages()
    html = _part(found[number], "html") if number < len(found) else ""
    if not html:
        raise NotFound("There is nothing at this address.", code="no-such-page")
    response = HttpResponse('<!doctype html><base target="_blank">' + html)
    response["Content-Security-Policy"] = _MAIL_POLICY
    response["X-Frame-Options"] = "SAMEORIGIN"
    return response


def _trial_only() -> None:
    if not ours().demo:
        raise NotFound("There is nothing at this address.", code="no-such-page")


def _messages() -> list[EmailMessage]:
    """The notices in the Maildir, oldest first."""
    folder = ours().demo_mail
    if folder is None:
        return []
    paths = [path for part in ("new", "cur") for path in (Path(folder) / part).glob("*") if path.is_file()]
    paths.sort(key=lambda path: (path.stat().st_mtime_ns, path.name))
    return [_read(path) for path in paths]


def _read(path: Path) -> EmailMessage:
    with path.open("rb") as file:
        raw = file.read(_LARGEST)
    return email.message_from_bytes(raw, policy=email.policy.default)


def _caught(number: int, message: EmailMessage) -> CaughtMail:
    return CaughtMail(
        number=number,
        sender=str(message["From"] or ""),
        to=str(message["To"] or ""),
        subject=str(message["Subject"] or ""),
        sent=_date(message),
        text=_part(message, "plain"),
        has_html=bool(_part(message, "html")),
    )


def _date(message: EmailMessage) -> datetime | None:
    try:
        return parsedate_to_datetime(str(message["Date"]))
    except ValueError:
        return None


def _part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    return str(body.get_content()) if body is not None else ""


def _texts() -> list[CaughtText]:
    """The SMS codes in the file: one JSON object a line."""
    file = ours().demo_sms
    if file is None or not Path(file).is_file():
        return []
    found = []
    for line in Path(file).read_text(encoding="utf-8").splitlines():
        if line.strip():
            members: dict[str, Any] = json.loads(line)
            found.append(
                CaughtText(str(members.get("to", "")), str(members.get("text", "")), str(members.get("time", "")))
            )
    return found

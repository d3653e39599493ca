"""SMS drivers: a file (for a trial), and any supplier with an HTTP interface, described in a small TOML file.

An SMS holds a code, never a link: whoever reads along at the supplier has half of what a thief needs, for ten minutes.
"""

import json
import os
import re
import ssl
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

import httpx

from zegel.errors import Mistake, Unavailable
from zegel.parcels.limits import CODE_MINUTES

_TEXTS = {
    "nl": "{organisation}: uw code is {code}. De code werkt {minutes} minuten. Geef de code aan niemand anders.",
    "en": "{organisation}: your code is {code}. The code works for {minutes} minutes. Do not give it to anyone else.",
}
_PLACE = re.compile(r"\{(telephone|telephone_digits|text|id)\}")
_PATIENCE = 30.0
_MOST_FILE = 64 * 1024
_PERMANENT = (400, 404, 410, 413, 422)
"""What says that this request will never work; 401, 403 and 405 are about us, and are mended by the operator."""


_KEYS = frozenset(
    ("url", "method", "body", "content_type", "expect", "headers", "secret_headers", "authorities", "answer"),
)
_ANSWER_KEYS = frozenset(("pattern", "json", "values", "refused"))
_MOST_ANSWER = 64 * 1024


class SmsRoute(Protocol):
    """A way out for SMS. Raises Mistake when it never will go out, Unavailable when it may later."""

    def send(self, telephone: str, text: str, message: str) -> None:
        """``message`` is the same for every try of one SMS, and says nothing."""


def write_sms(code: str, language: str, organisation: str) -> str:
    """One SMS of at most 160 characters, where the organisation's name leaves room."""
    name = " ".join(organisation.split())[:40]
    text = _TEXTS.get(language, _TEXTS["nl"])
    return text.format(organisation=name, code=code, minutes=CODE_MINUTES)


class FileSms:
    """Appends lines of JSON (``time``, ``to``, ``text``) to a file: for a trial, where a page shows them."""

    def __init__(self, path: Path):
        self._path = path

    def send(self, telephone: str, text: str, message: str) -> None:
        line = json.dumps({"time": datetime.now(UTC).isoformat(), "to": telephone, "text": text, "id": message}) + "\n"
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "ab", buffering=0) as file:
                file.write(line.encode())
                os.fsync(file.fileno())
        except OSError as error:
            raise Unavailable("The SMS file cannot be written.", code="sms-away") from error


class NoSms:
    """For organisations without SMS."""

    def send(self, telephone: str, text: str, message: str) -> None:
        raise Mistake("This organisation sends no SMS.", code="no-sms")


@dataclass(frozen=True, slots=True)
class Answer:
    """What must stand in an answer with an expected status before the SMS counts as taken; empty: nothing.

    Many suppliers answer 200 to a request that they refuse. ``refused`` says that trying again is useless.
    """

    pattern: re.Pattern[str] | None = None
    json: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    refused: re.Pattern[str] | None = None

    def takes(self, body: str) -> bool:
        """Whether the SMS was taken."""
        if self.pattern and not self.pattern.search(body):
            return False
        return not self.json or _member(body, self.json) in self.values

    def refuses(self, body: str) -> bool:
        """Whether it never will be."""
        return bool(self.refused and self.refused.search(body))


def _member(body: str, path: tuple[str, ...]) -> str | None:
    """The value at a path such as ``messages.0.status``, spelled as JSON spells it; None when there is none."""
    try:
        found = json.loads(body)
        for step in path:
            found = found[int(step)] if isinstance(found, list) else found[step]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        return None
    return found if isinstance(found, str) else json.dumps(found)


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """How a supplier wants to be asked (docs/reference/outbox.md); ``headers`` hold secrets and never show."""

    url: str
    method: str
    body: str
    content_type: str
    expect: tuple[int, ...]
    headers: Mapping[str, str] = field(repr=False)
    authorities: str = ""
    answer: Answer = Answer()


def read_request(path: Path) -> HttpRequest:
    """Read a driver file; raises Mistake naming the wrong key. Secrets lie in files of their own, beside it."""
    try:
        with path.open("rb") as file:
            members = tomllib.loads(file.read(_MOST_FILE).decode())
        return _request(members, path.parent)
    except OSError:
        raise Mistake("The SMS driver {path} cannot be read.", code="bad-sms-driver", path=path) from None
    except (KeyError, TypeError, ValueError, AttributeError, re.error) as error:
        raise Mistake(
            "The SMS driver {path} is not right: {reason}.", code="bad-sms-driver", path=path, reason=error
        ) from None


def _request(members: dict[str, Any], folder: Path) -> HttpRequest:
    unknown = set(members) - _KEYS
    if unknown:
        raise ValueError(f"unknown key {sorted(unknown)[0]}")
    url = urlsplit(members["url"])
    if url.scheme != "https" and url.hostname not in ("127.0.0.1", "::1", "localhost"):
        raise ValueError("url must begin with https://")
    method = members.get("method", "POST").upper()
    if method not in ("POST", "PUT"):
        # GET would put telephone and code into the logs of every server on the way.
        raise ValueError("method must be POST or PUT")
    headers = {name: str(value) for name, value in members.get("headers", {}).items()}
    for name, file in members.get("secret_headers", {}).items():
        headers[name] = (folder / file).read_text(encoding="utf-8").strip()
    body = members["body"]
    if "{text}" not in body or not ("{telephone}" in body or "{telephone_digits}" in body):
        raise ValueError("body must hold {telephone} (or {telephone_digits}) and {text}")
    return HttpRequest(
        url=members["url"],
        method=method,
        body=body,
        content_type=members.get("content_type", "application/json"),
        expect=tuple(int(status) for status in members.get("expect", [200, 201, 202])),
        headers=headers,
        authorities=str(folder / members["authorities"]) if "authorities" in members else "",
        answer=_answer(members.get("answer", {})),
    )


def _answer(members: dict[str, Any]) -> Answer:
    unknown = set(members) - _ANSWER_KEYS
    if unknown:
        raise ValueError(f"unknown key answer.{sorted(unknown)[0]}")
    if ("json" in members) != ("values" in members):
        raise ValueError("answer.json and answer.values belong together")
    patterns = {name: re.compile(members[name]) if name in members else None for name in ("pattern", "refused")}
    path = tuple(members["json"].split(".")) if "json" in members else ()
    values = tuple(value if isinstance(value, str) else json.dumps(value) for value in members.get("values", ()))
    return Answer(json=path, values=values, **patterns)


class HttpSms:
    """Asks a supplier over HTTP. Redirects are not followed: the request holds a code and our credentials."""

    def __init__(self, request: HttpRequest, patience: float = _PATIENCE):
        self._request = request
        verify: Any = True
        if request.authorities:
            verify = ssl.create_default_context(cafile=request.authorities)
        self._client = httpx.Client(timeout=patience, follow_redirects=False, verify=verify, trust_env=False)

    def send(self, telephone: str, text: str, message: str) -> None:
        request = self._request
        content = fill(request.body, request.content_type, telephone, text, message)
        headers = {name: value.replace("{id}", message) for name, value in request.headers.items()}
        headers = {"Content-Type": request.content_type, **headers}
        try:
            status, body = self._ask(content.encode(), headers)
        except (httpx.HTTPError, httpx.InvalidURL, OSError):
            # From None: the error may hold the request.
            raise Unavailable("The SMS supplier cannot be reached.", code="sms-away") from None
        if status in request.expect and request.answer.takes(body):
            return
        # The supplier's words stay here: they may quote the code.
        if status in _PERMANENT or request.answer.refuses(body):
            raise Mistake("The SMS supplier refuses this ({status}).", code="sms-refused", status=status)
        raise Unavailable("The SMS supplier takes nothing now ({status}).", code="sms-away", status=status)

    def _ask(self, content: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
        """Status and the beginning of the answer."""
        request, kept = self._request, bytearray()
        with self._client.stream(request.method, request.url, content=content, headers=headers) as answer:
            for piece in answer.iter_bytes():
                kept += piece[: _MOST_ANSWER - len(kept)]
                if len(kept) >= _MOST_ANSWER:
                    break
            return answer.status_code, kept.decode("utf-8", "replace")


def fill(template: str, content_type: str, telephone: str, text: str, message: str = "") -> str:
    """Fill a body template, escaped as its media type wants, in one pass: what is filled in is never filled again."""
    values = {"telephone": telephone, "telephone_digits": telephone.lstrip("+"), "text": text, "id": message}

    def value(match: re.Match[str]) -> str:
        return _escape(values[match[1]], content_type)

    return _PLACE.sub(value, template)


def _escape(text: str, content_type: str) -> str:
    kind = content_type.partition(";")[0].strip().lower()
    if kind.endswith("json"):
        return json.dumps(text)[1:-1]
    if kind == "application/x-www-form-urlencoded":
        return quote(text, safe="")
    if kind.endswith("xml"):
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    return text

"""The arguments of MAIL and RCPT, read strictly (RFC 5321 §4.1.2, 1870, 6152, 6531, 3461, 4954)."""

import re
from dataclasses import dataclass
from typing import Any, Literal

from zegel.errors import Mistake

Body = Literal["7BIT", "8BITMIME"]

_PATH = re.compile(r"(?P<keyword>FROM|TO):[ ]?<(?P<address>[^<>\s]*)>(?P<parameters>(?: +\S+)*) *\Z", re.IGNORECASE)
_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([^=\x00-\x20\x7f]+))?\Z")
_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*\Z")
_LONGEST_ENVID = 100
_LONGEST_ORCPT = 500


@dataclass(frozen=True, slots=True)
class MailParameters:
    """What MAIL FROM said. ``envid`` comes back in reports (RFC 3461 §4.4), as xtext."""

    address: str
    size: int = 0
    utf8: bool = False
    envid: str = ""


@dataclass(frozen=True, slots=True)
class RcptParameters:
    """What RCPT TO said. ``notify`` holds of NEVER, SUCCESS, FAILURE, DELAY; ``orcpt`` is type;xtext as it came."""

    address: str
    notify: frozenset[str] = frozenset()
    orcpt: str = ""


def _syntax(text: str, **facts: Any) -> Mistake:
    return Mistake(text, code="smtp-syntax", **facts)


def _split(keyword: str, argument: str) -> tuple[str, list[tuple[str, str | None]]]:
    match = _PATH.match(argument)
    if not match or match["keyword"].upper() != keyword:
        verb = "MAIL FROM" if keyword == "FROM" else "RCPT TO"
        raise _syntax("Syntax: {verb}:<address> [SP parameters]", verb=verb)
    found: dict[str, str | None] = {}
    for word in match["parameters"].split():
        parameter = _PARAMETER.match(word)
        if not parameter:
            raise _syntax("A parameter is NAME or NAME=VALUE.")
        name = parameter[1].upper()
        if name in found:
            raise _syntax("The parameter {name} stands there twice.", name=name)
        found[name] = parameter[2]
    return match["address"], list(found.items())


def read_mail(argument: str) -> MailParameters:
    """Read ``FROM:<…> …``; raises Mistake ``smtp-syntax`` or ``smtp-parameter``."""
    address, parameters = _split("FROM", argument)
    facts: dict[str, str | int | bool] = {}
    for name, value in parameters:
        match name, (value or "").upper():
            case "SIZE", digits if digits.isascii() and digits.isdigit() and len(digits) <= 20:
                facts["size"] = int(digits)
            case "BODY", "7BIT" | "8BITMIME":
                pass
            case "SMTPUTF8", "" if value is None:
                facts["utf8"] = True
            case "RET", "FULL" | "HDRS":
                pass  # RFC 3461 §4.3. Our reports hold nothing of a mail, whatever was asked.
            case "ENVID", _ if value and len(value) <= _LONGEST_ENVID and _XTEXT.match(value):
                facts["envid"] = value
            case "AUTH", _ if value and (value == "<>" or _XTEXT.match(value)):
                pass  # RFC 4954 §5: we pass on no AUTH parameter, so nothing depends on it.
            case (("SIZE" | "BODY" | "SMTPUTF8" | "RET" | "ENVID" | "AUTH"), _):
                raise _syntax("The value of {name} is not right.", name=name)
            case _:
                raise Mistake("A parameter of MAIL FROM is unknown.", code="smtp-parameter")
    return MailParameters(address, **facts)  # type: ignore[arg-type]


def read_rcpt(argument: str) -> RcptParameters:
    """Read ``TO:<…> …``; raises Mistake ``smtp-syntax`` or ``smtp-parameter``."""
    address, parameters = _split("TO", argument)
    notify: frozenset[str] = frozenset()
    orcpt = ""
    for name, value in parameters:
        if name == "NOTIFY":
            words = (value or "").upper().split(",")
            notify = frozenset(words)
            if len(notify) != len(words) or not (notify == {"NEVER"} or notify <= {"SUCCESS", "FAILURE", "DELAY"}):
                raise _syntax("NOTIFY is NEVER, or some of SUCCESS, FAILURE, DELAY.")
        elif name == "ORCPT":
            kind, _, encoded = (value or "").partition(";")
            if not re.match(r"[A-Za-z0-9-]{1,40}\Z", kind) or not encoded or not _XTEXT.match(encoded):
                raise _syntax("ORCPT is a type, a semicolon and an address as xtext.")
            if len(value or "") > _LONGEST_ORCPT:
                raise _syntax("ORCPT is too long.")
            orcpt = value or ""
        else:
            raise Mistake("A parameter of RCPT TO is unknown.", code="smtp-parameter")
    return RcptParameters(address, notify, orcpt)

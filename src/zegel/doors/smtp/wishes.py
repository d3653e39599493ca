"""The ``Zegel-…`` headers: proof per reader, class, expiry and language (docs/reference/smtp.md)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from zegel.errors import Mistake
from zegel.journeys.submit import ReaderWish
from zegel.mime.headers import Headers, decode_words
from zegel.parcels.addresses import checked_address
from zegel.parcels.deposit import CLASSES, LANGUAGES
from zegel.parcels.manifest import read_time
from zegel.parcels.proofs import Proof, parse_proof

_ITEM = re.compile(r'(?:[^,"]|"[^"]*"?)+')
_DAYS = re.compile(r"(\d{1,4})\s*d\Z", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the sender asks for all readers of one mail."""

    readers: tuple[ReaderWish, ...]
    class_: int
    expires: datetime | None
    language: str


@dataclass(frozen=True, slots=True)
class Defaults:
    """What counts where the sender says nothing; an empty ``proof`` means that he must say it."""

    proof: str
    class_: int
    language: str
    zone: ZoneInfo


def read_wishes(headers: Headers, recipients: Sequence[str], defaults: Defaults, now: datetime) -> Wishes:
    """Read all ``Zegel-…`` headers; raises Mistake for the first that cannot be meant as it stands."""
    language = headers.first("zegel-language").strip().lower() or defaults.language
    if language not in LANGUAGES:
        raise Mistake("The language “{language}” is not known here.", code="bad-language", language=language[:10])
    return Wishes(
        readers=tuple(_reader_wishes(headers, recipients, defaults)),
        class_=_read_class(headers.first("zegel-class"), defaults.class_),
        expires=_read_expires(headers.first("zegel-expires"), defaults.zone, now),
        language=language,
    )


def _read_class(text: str, default: int) -> int:
    text = text.strip()
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or int(text[:3]) not in CLASSES:
        raise Mistake("A class is a number from 0 to 4.", code="bad-class")
    return int(text)


def _read_expires(text: str, zone: ZoneInfo, now: datetime) -> datetime | None:
    text = text.strip()
    if not text:
        return None
    try:
        if days := _DAYS.match(text):
            return now + timedelta(days=int(days[1]))
        if _DATE.match(text):
            # A day counts to its end, where the sender is.
            return datetime.combine(date.fromisoformat(text), time(23, 59, 59), tzinfo=zone)
    except (ValueError, OverflowError):
        raise Mistake(
            "“{moment}” is not a moment such as 2026-12-20T09:14:00Z.", code="bad-date", moment=text[:40]
        ) from None
    return read_time(text)


def _reader_wishes(headers: Headers, recipients: Sequence[str], defaults: Defaults) -> list[ReaderWish]:
    general, named = _read_proofs(headers.all("zegel-proof"))
    if not general and defaults.proof:
        general = defaults.proof
    wanted = {address.lower(): address for address in recipients}
    for address in named:
        if address not in wanted:
            raise Mistake(
                "The header Zegel-Proof names {address}, who is no recipient of this mail.",
                code="proof-for-nobody",
                address=address,
            )
    unnamed = [address for address in wanted if address not in named]
    if unnamed and not general:
        raise Mistake(
            "No proof is given for {address}. Add the header Zegel-Proof, such as sms:+31612345678 or code:SECRET.",
            code="no-proof",
            address=wanted[unnamed[0]],
        )
    shared = parse_proof(general) if unnamed else Proof("mail")
    if shared.kind == "sms" and len(unnamed) > 1:
        # A telephone belongs to one person: the others could never open what was sent to them.
        raise Mistake(
            "One telephone number cannot count for {count} readers. Write address=sms:NUMBER for each of them.",
            code="shared-telephone",
            count=len(unnamed),
        )
    return [
        ReaderWish(spelled, parse_proof(named[address]) if address in named else shared)
        for address, spelled in wanted.items()
    ]


def _read_proofs(values: Sequence[str]) -> tuple[str, dict[str, str]]:
    """``sms:+31…`` for all, or ``a@x.example=sms:+31…, b@y.example="code:…"`` per reader."""
    general = ""
    named: dict[str, str] = {}
    for item in _ITEM.findall(", ".join(decode_words(value) for value in values)):
        left, equals, right = item.strip().partition("=")
        if equals and "@" in left and ":" not in left:
            address = checked_address(left.strip().strip("<>")).lower()
            if address in named:
                raise Mistake("The header Zegel-Proof names {address} twice.", code="proof-twice", address=address)
            named[address] = right.strip().strip('"')
        elif item.strip():
            if general:
                raise Mistake("The header Zegel-Proof names two proofs for all readers.", code="proof-twice")
            general = item.strip().strip('"')
    return general, named

"""The ``Zegel-…`` headers: proof per reader, class, expiry and language (docs/reference/smtp.md).

What a header does not say, the rule that decided about the reader says; then the organisation's default.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from zegel.errors import Mistake
from zegel.journeys.submit import ReaderWish
from zegel.mime.headers import Headers, decode_words
from zegel.parcels.addresses import checked_address
from zegel.parcels.deposit import CLASSES, LANGUAGES
from zegel.parcels.expiry import read_expiry
from zegel.parcels.proofs import Proof, parse_proof
from zegel.parcels.ways import Found, Way, pick_way
from zegel.policy.verdict import Verdict
from zegel.policy.words import known_class

_ITEM = re.compile(r'(?:[^,"]|"[^"]*"?)+')

MissingProof = Literal["wait", "refuse"]
"""What becomes of a reader for whom nobody named a proof: her parcel waits for one, or the mail is refused."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the sender asks for all readers of one mail; readers who get it unsealed are among them."""

    readers: tuple[ReaderWish, ...]
    class_: int
    expires: datetime | None
    language: str


@dataclass(frozen=True, slots=True)
class Defaults:
    """What counts where neither the sender nor a rule says anything; an empty ``proof`` is none."""

    proof: str
    language: str
    zone: ZoneInfo
    missing_proof: MissingProof = "wait"


def read_wishes(
    headers: Headers,
    verdicts: Sequence[Verdict],
    defaults: Defaults,
    now: datetime,
    found: Mapping[str, Found] | None = None,
    *,
    plain: bool = False,
) -> Wishes:
    """Read all ``Zegel-…`` headers; raises Mistake for the first that cannot be meant as it stands.

    ``found`` is what is known of recipients' domains; ``plain`` says whether mail can leave unsealed at all.

    A parcel has one class, one expiry and one language: the highest class and the earliest expiry of its verdicts.
    """
    language = headers.first("zegel-language").strip().lower() or defaults.language
    if language not in LANGUAGES:
        raise Mistake("The language “{language}” is not known here.", code="bad-language", language=language[:10])
    _check_class(headers.all("zegel-class"))
    sealed = [verdict for verdict in verdicts if verdict.decision == "seal"] or list(verdicts)
    days = min((verdict.days for verdict in sealed if verdict.days is not None), default=None)
    asked = headers.first("zegel-expires").strip()
    expires = read_expiry(asked, now, defaults.zone) if asked else None
    return Wishes(
        readers=tuple(_reader_wishes(headers, verdicts, defaults, found or {}, plain)),
        class_=max((verdict.class_ for verdict in sealed), default=0),
        expires=expires or (now + timedelta(days=days) if days is not None else None),
        language=language,
    )


def _check_class(values: Sequence[str]) -> None:
    """What it says has gone into the verdicts (``policy.labels``); here only whether it says anything."""
    for text in map(str.strip, values):
        number = text.isascii() and text.isdigit() and int(text[:3]) in CLASSES
        if text and not number and known_class(text, {}) not in CLASSES:
            raise Mistake("A class is a number from 0 to 4.", code="bad-class")


def _reader_wishes(
    headers: Headers, verdicts: Sequence[Verdict], defaults: Defaults, found: Mapping[str, Found], plain: bool
) -> list[ReaderWish]:
    general, named = _read_proofs(headers.all("zegel-proof"))
    wanted = {verdict.recipient.lower(): verdict for verdict in verdicts}
    for address in named:
        if address not in wanted:
            raise Mistake(
                "The header Zegel-Proof names {address}, who is no recipient of this mail.",
                code="proof-for-nobody",
                address=address,
            )
    said = {address: named.get(address) or general or v.proof or defaults.proof for address, v in wanted.items()}
    ways = {address: _way(verdict, found, bool(said[address]), plain) for address, verdict in wanted.items()}
    for address, text in said.items():
        needed = wanted[address].decision == "seal" and ways[address] == "link"
        if needed and not text and defaults.missing_proof == "refuse":
            raise Mistake(
                "No proof is given for {address}. Add the header Zegel-Proof, such as sms:+31612345678 or code:SECRET.",
                code="no-proof",
                address=wanted[address].recipient,
            )
    proofs = _parsed(said, named)
    return [ReaderWish(verdict.recipient, proofs[address], way=ways[address]) for address, verdict in wanted.items()]


def _way(verdict: Verdict, found: Mapping[str, Found], has_proof: bool, plain: bool) -> Way:
    """Unsealed only where a rule says so; a mail server that proves itself, and an own mailbox, need no proof."""
    if verdict.decision == "pass" and plain:
        return "plain"
    return pick_way(verdict.recipient, found.get(verdict.recipient, "link"), has_proof=has_proof, allowed=verdict.ways)


def _parsed(said: dict[str, str], named: dict[str, str]) -> dict[str, Proof]:
    """Texts into proofs. The same text is parsed once: an access code costs 30 ms, and 500 readers may share one."""
    shared: dict[str, Proof] = {}
    proofs: dict[str, Proof] = {}
    for address, text in said.items():
        if address in named:
            proofs[address] = parse_proof(text)
        else:
            proofs[address] = shared[text] = shared.get(text) or (parse_proof(text) if text else Proof("missing"))
    for text, proof in shared.items():
        count = sum(said[address] == text for address in said if address not in named)
        if proof.kind == "sms" and count > 1:
            # A telephone belongs to one person: the others could never open what was sent to them.
            raise Mistake(
                "One telephone number cannot count for {count} readers. Write address=sms:NUMBER for each of them.",
                code="shared-telephone",
                count=count,
            )
    return proofs


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

"""What the sealed part of an outbox row says, per kind: JSON, sealed to the courier (docs/format.md §6).

Each names the slip of its row: a sealed part that was moved to another row would tell one reader the secret of another.
What the inside zone made also names whom it is for, and by which way: the outside zone can write others into the slip.
"""

import hmac
import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any, ClassVar, Literal

from zegel.errors import Damaged

MailForm = Literal["7bit", "8bit", "utf8"]
"""What a server must be able to carry: plain ASCII, bytes above 127 in bodies (RFC 6152), or also in headers (6532)."""


@dataclass(frozen=True, slots=True)
class NoticeWords:
    """A notice: the link's secret."""

    kind: ClassVar[str] = "notice"
    version: ClassVar[str] = "notice v1"

    slip: str
    secret: str = field(repr=False)
    to: str = ""
    """Her address; empty where a browser or program made it, which leaves that to the deposit."""


@dataclass(frozen=True, slots=True)
class SmsCodeWords:
    """A code by SMS."""

    kind: ClassVar[str] = "sms-code"
    version: ClassVar[str] = "sms code v1"

    slip: str
    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class DeliveryWords:
    """The mail itself goes to the reader: ``key`` (the parcel key) opens the blob ``mail``.

    ``secret`` is the link's: a delivery that turns impossible becomes a notice.
    """

    kind: ClassVar[str] = "delivery"
    version: ClassVar[str] = "delivery v1"

    slip: str
    secret: str = field(repr=False)
    key: str = field(repr=False)
    mail: str
    sender: str
    form: MailForm = "8bit"
    to: str = ""
    way: str = ""
    """Her address and her way: this row is for no other."""
    trace: str = ""
    """Fields that stand before the mail, such as where it came from sealed."""
    mark: str = field(default="", repr=False)
    """Shows that the inside zone made this (:func:`marked`)."""


@dataclass(frozen=True, slots=True)
class ArrivalWords:
    """Something came sealed from another organisation: what was ``said``, to the letter, and both its signatures."""

    kind: ClassVar[str] = "arrival"
    version: ClassVar[str] = "arrival row v1"

    slip: str
    said: str = field(repr=False)
    key: str
    time: str
    ed25519: str
    mldsa65: str


@dataclass(frozen=True, slots=True)
class ReportWords:
    """Tells the sender what became of one reader (``journeys.reports`` has the words for ``what``).

    ``reason`` is a code of ours or of a mail server, ``until`` says (ISO 8601) how long a delayed message is tried.
    """

    kind: ClassVar[str] = "report"
    version: ClassVar[str] = "report v1"

    slip: str
    what: str
    reason: str = ""
    until: str = ""


Words = NoticeWords | SmsCodeWords | DeliveryWords | ReportWords | ArrivalWords
_ALL: tuple[type[Words], ...] = (NoticeWords, SmsCodeWords, DeliveryWords, ReportWords, ArrivalWords)
_KINDS = {words.kind: words for words in _ALL}


def spell_words(words: Words) -> bytes:
    """As it is sealed."""
    return json.dumps({"zegel": words.version, **asdict(words)}).encode()


def check_meant(words: NoticeWords | DeliveryWords, address: str, way: str) -> None:
    """Raises Damaged when a row was made for another reader, or another way to her, than the database names by now."""
    meant = words.way if isinstance(words, DeliveryWords) else ""
    if (words.to and words.to.lower() != address.lower()) or (meant and meant != way):
        raise Damaged("The outbox row does not hold what it should.", code="bad-outbox-row")


def marked(words: DeliveryWords, key: bytes) -> DeliveryWords:
    """The same with a mark (HMAC-SHA-256, in hexadecimal) for which one needs ``key``, 32 bytes that the inside keeps.

    Everybody knows the courier's recipient. Without this, whoever writes the database could seal a row of his own, and
    have a mail of his sent in the organisation's name.
    """
    return replace(words, mark=_mark(words, key))


def check_marked(words: DeliveryWords, key: bytes) -> None:
    """Raises Damaged for words that :func:`marked` did not make, as they are, with this key."""
    if not hmac.compare_digest(words.mark.encode(errors="replace"), _mark(words, key).encode()):
        raise Damaged("The outbox row does not hold what it should.", code="bad-outbox-row")


def _mark(words: DeliveryWords, key: bytes) -> str:
    return hmac.digest(key, b"zegel delivery mark v1\n" + spell_words(replace(words, mark="")), "sha256").hex()


def read_words(kind: str, slip: str, raw: bytes) -> Words:
    """Read the opened part of a row of this kind and slip; raises Damaged for anything else."""
    try:
        wanted = _KINDS[kind]
        said: dict[str, Any] = json.loads(raw)
        version = said.pop("zegel")
        if version == wanted.version and said.get("slip") == slip and all(isinstance(v, str) for v in said.values()):
            return wanted(**said)
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise Damaged("The outbox row does not hold what it should.", code="bad-outbox-row")

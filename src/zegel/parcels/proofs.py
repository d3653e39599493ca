"""How a reader shows who she is before the server releases its share.

Three proofs exist in this version; the sender chooses one per reader. ``missing`` says that nobody chose one yet: the
reader waits, and nothing is released.

``mail``          having the link is enough (the weakest; for class 0 and 1)
``code:SECRET``   an access code agreed with the sender beforehand; the server keeps a scrypt verifier only
``sms:+316…``     six digits sent to a telephone that the sender knows
"""

import hashlib
import hmac
import re
import secrets
import unicodedata
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from zegel.errors import Mistake
from zegel.parcels.limits import CODE_TRIES

ProofKind = Literal["mail", "code", "sms", "missing"]

_TELEPHONE = re.compile(r"\+[1-9][0-9]{6,14}\Z")
"""E.164: at most 15 digits after the plus."""
_SHORTEST_CODE = 4
_LONGEST_CODE = 128


@dataclass(frozen=True, slots=True)
class Proof:
    """What a reader must show. ``telephone`` only for ``sms``; ``salt`` and ``verifier`` only for ``code``."""

    kind: ProofKind
    telephone: str = field(default="", repr=False)
    salt: bytes = field(default=b"", repr=False)
    verifier: bytes = field(default=b"", repr=False)

    @property
    def hint(self) -> str:
        """What a reader may be told before she proved anything: the last two digits of the telephone."""
        return self.telephone[-2:]


def parse_proof(text: str) -> Proof:
    """Read ``mail``, ``code:SECRET`` or ``sms:+31612345678`` as senders write it; raises :class:`Mistake`."""
    kind, _, value = text.strip().partition(":")
    match kind.strip().lower():
        case "mail" if not value.strip():
            return Proof("mail")
        case "sms":
            return sms_proof(value)
        case "code":
            return code_proof(value)
    raise Mistake(
        "The proof “{kind}” is unknown. Use mail, sms:+31612345678 or code:SECRET.",
        code="unknown-proof",
        kind=kind.strip()[:20] if kind.strip().lower() != "mail" else "mail:…",
    )


def sms_proof(telephone: str) -> Proof:
    """A proof by SMS; spaces, hyphens and a leading ``00`` are understood; raises :class:`Mistake`."""
    number = re.sub(r"[\s().-]", "", telephone)
    if number.startswith("00"):
        number = "+" + number[2:]
    if not _TELEPHONE.match(number):
        raise Mistake(
            "This is not a telephone number in international form, such as +31612345678.",
            code="bad-telephone",
        )
    return Proof("sms", telephone=number)


def code_proof(code: str) -> Proof:
    """A proof by an access code; keeps salt and verifier, not the code; raises :class:`Mistake`."""
    if not _SHORTEST_CODE <= len(normal_code(code)) <= _LONGEST_CODE:
        raise Mistake(
            "An access code has {least} to {most} characters.",
            code="bad-access-code",
            least=_SHORTEST_CODE,
            most=_LONGEST_CODE,
        )
    salt = secrets.token_bytes(16)
    return Proof("code", salt=salt, verifier=code_verifier(code, salt))


def normal_code(code: str) -> str:
    """The code as both sides compute with it: NFKC, no white space or hyphens, case folded (docs/format.md §6)."""
    return re.sub(r"[\s‐‑-]", "", unicodedata.normalize("NFKC", code)).casefold()


def code_verifier(code: str, salt: bytes) -> bytes:
    """Return the 32-byte scrypt verifier (about 30 ms and 16 MiB: guessing must cost the guesser)."""
    return hashlib.scrypt(normal_code(code).encode(), salt=salt, n=16384, r=8, p=1, dklen=32)


def code_matches(proof: Proof, code: str) -> bool:
    """Whether ``code`` is the one that the sender agreed; in constant time."""
    if len(code) > 4 * _LONGEST_CODE:
        return False
    return hmac.compare_digest(code_verifier(code, proof.salt), proof.verifier)


_PAUSES = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=4))


def pause_after(tries: int) -> timedelta | None:
    """How long a slip takes no tries after this many failed ones in a row: every fifth, and growing.

    With 5 tries per pause of at most 4 hours, guessing one of a million codes takes centuries.
    """
    if tries == 0 or tries % CODE_TRIES:
        return None
    return _PAUSES[min(tries // CODE_TRIES, len(_PAUSES)) - 1]


def new_sms_code() -> str:
    """Six random digits."""
    return f"{secrets.randbelow(10**6):06d}"


def keyed_code(key: bytes, slip: str, code: str) -> bytes:
    """What is kept of an SMS code: a MAC under a key that is not in the database, bound to its slip."""
    return hmac.digest(key, b"zegel sms code v1\0" + slip.encode() + b"\0" + code.encode(), hashlib.sha256)

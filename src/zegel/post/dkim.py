"""DKIM (RFC 6376, relaxed/relaxed; Ed25519 by RFC 8463): what a signature covers, and the header that carries it.

Pure: a key elsewhere signs the bytes. Several signatures over one mail share its canonical form, which costs as much as
an Ed25519 signature. The mail must be as it goes over the wire: CRLF, and no line that a server on the way would wrap.

Header fields are signed by a list, not all of them: what servers add or rewrite on the way (``Received``,
``Return-Path``) must stay out. The fields a reader sees, and those that decide how the body is shown, are named once
more often than they are there (*oversigned*), so that nobody can add a second ``Subject`` or ``From`` above a valid
signature (RFC 6376 §8.15).
"""

import base64
import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

Algorithm = Literal["rsa-sha256", "ed25519-sha256"]

_OVERSIGNED = (
    "from", "to", "cc", "subject", "date", "message-id", "reply-to", "sender", "in-reply-to", "references",
    "mime-version", "content-type", "content-transfer-encoding",
)  # fmt: skip
_SIGNED = (
    "content-language", "content-disposition", "content-id", "auto-submitted", "list-id", "list-unsubscribe",
    "list-unsubscribe-post", "feedback-id", "x-auto-response-suppress", "importance", "sensitivity",
)  # fmt: skip
_SPACE = re.compile(rb" [ \t]+|\t[ \t]*")
"""White space that is not one space already: also matching those would take most of a signature's time."""
_TRAILING = re.compile(rb"[ \t]+(?=\r\n)")
_FOLD = re.compile(rb"\r\n(?=[ \t])")
_WIDTH = 72


class RelaxedBody:
    """The body's hash, from pieces of any size: flat in memory for a mail of any length."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._rest = bytearray()
        """The line that has not ended yet."""
        self._blank = 0

    def update(self, piece: bytes) -> None:
        """Add the next bytes of the body."""
        known = max(0, len(self._rest) - 1)
        self._rest += piece
        end = self._rest.rfind(b"\r\n", known)
        if end >= 0:
            self._add(bytes(self._rest[: end + 2]))
            del self._rest[: end + 2]

    def digest(self) -> bytes:
        """The ``bh=`` of what was added: without empty lines at the end, and nothing for an empty body."""
        if self._rest:
            self._add(bytes(self._rest) + b"\r\n")
            self._rest.clear()
        return self._hash.digest()

    def _add(self, lines: bytes) -> None:
        relaxed = _SPACE.sub(b" ", _TRAILING.sub(b"", lines))
        filled = relaxed.rstrip(b"\r\n")
        # A lone CR or LF at the end of a line is content; only whole CRLF pairs are empty lines.
        filled = relaxed[: len(filled) + _solid(relaxed[len(filled) :])]
        if filled:
            self._hash.update(b"\r\n" * self._blank + filled + b"\r\n")
            self._blank = _count(relaxed[len(filled) :]) - 1
        else:
            self._blank += _count(relaxed)


def _solid(tail: bytes) -> int:
    """How much of a tail of CR and LF belongs to the last line: all before its final run of CRLF pairs."""
    end = len(tail)
    while end >= 2 and tail[end - 2 : end] == b"\r\n":
        end -= 2
    return end


def _count(pairs: bytes) -> int:
    return len(pairs) // 2


@dataclass(frozen=True, slots=True)
class ToSign:
    """``data`` is what a key signs (RSA: PKCS #1 v1.5 with SHA-256; Ed25519: over :attr:`hashed`, RFC 8463 §3)."""

    data: bytes = field(repr=False)
    unsigned: bytes = field(repr=False)

    @property
    def hashed(self) -> bytes:
        """SHA-256 of ``data``."""
        return hashlib.sha256(self.data).digest()

    def header(self, signature: bytes) -> bytes:
        """The whole ``DKIM-Signature`` field, folded, with its CRLF: to stand before the mail."""
        spelled = base64.b64encode(signature)
        lines = [spelled[at : at + _WIDTH] for at in range(0, len(spelled), _WIDTH)]
        return self.unsigned + b"\r\n\t".join(lines) + b"\r\n"


class Canonical:
    """The canonical form of one mail, made once for all its signatures."""

    def __init__(self, head: bytes, body: Iterable[bytes]):
        """``head`` is the header section with or without its empty line; ``body`` what comes after that line."""
        self._fields = _fields(head)
        hashed = RelaxedBody()
        for piece in body:
            hashed.update(piece)
        self._body = base64.b64encode(hashed.digest()).decode()
        names, self._signed = self._chosen()
        self._names = _folded(names)

    @classmethod
    def of(cls, mail: bytes) -> "Canonical":
        """From a whole mail."""
        head, _, body = mail.partition(b"\r\n\r\n")
        return cls(head, (body,))

    def to_sign(self, domain: str, selector: str, algorithm: Algorithm, moment: int) -> ToSign:
        """What to sign for one key; ``moment`` is in seconds since 1970. The domain is spelled in ASCII (A-labels)."""
        unsigned = (
            f"DKIM-Signature: v=1; a={algorithm}; c=relaxed/relaxed;\r\n"
            f"\td={domain}; s={selector};\r\n\tt={moment}; h={self._names};\r\n\tbh={self._body};\r\n\tb="
        ).encode("ascii")
        name, value = _relaxed(unsigned)
        return ToSign(self._signed + name + b":" + value, unsigned)

    def _chosen(self) -> tuple[list[str], bytes]:
        names: list[str] = []
        signed: list[bytes] = []
        for name in (*_OVERSIGNED, *_SIGNED):
            # From the bottom up: that is the order in which a verifier takes fields of one name (RFC 6376 §5.4.2).
            for value in reversed(self._fields.get(name.encode(), ())):
                names.append(name)
                signed.append(name.encode() + b":" + value + b"\r\n")
            if name in _OVERSIGNED:
                names.append(name)
        return names, b"".join(signed)


def _fields(head: bytes) -> dict[bytes, list[bytes]]:
    found: defaultdict[bytes, list[bytes]] = defaultdict(list)
    for line in _FOLD.sub(b"", head).split(b"\r\n"):
        if line:
            name, value = _relaxed(line)
            found[name].append(value)
    return found


def _relaxed(line: bytes) -> tuple[bytes, bytes]:
    """RFC 6376 §3.4.2: name in lower case, unfolded, white space collapsed, none around the value."""
    name, _, value = line.partition(b":")
    return name.rstrip(b" \t").lower(), _SPACE.sub(b" ", value.replace(b"\r\n", b"")).strip(b" ")


def _folded(names: list[str]) -> str:
    lines, width = [""], len("\tt=1234567890; h=")
    for place, name in enumerate(names):
        word = name if place == len(names) - 1 else f"{name}:"
        if width + len(word) > _WIDTH:
            lines.append("")
            width = 1
        lines[-1] += word
        width += len(word)
    return "\r\n\t".join(lines)


@dataclass(frozen=True, slots=True)
class DnsRecord:
    """One TXT record that tells the world a public key."""

    name: str
    text: str

    def zone_line(self) -> str:
        """As a zone file has it; a character string holds at most 255 bytes (RFC 1035 §3.3)."""
        strings = " ".join(f'"{self.text[at : at + 250]}"' for at in range(0, len(self.text), 250))
        return f"{self.name}. IN TXT ( {strings} )"


def dns_record(domain: str, selector: str, kind: Literal["rsa", "ed25519"], public: bytes) -> DnsRecord:
    """``public``: for RSA its SubjectPublicKeyInfo in DER (RFC 6376 §3.6.1), for Ed25519 the 32 bytes (RFC 8463 §4)."""
    text = f"v=DKIM1; k={kind}; h=sha256; p={base64.b64encode(public).decode()}"
    return DnsRecord(f"{selector}._domainkey.{domain}", text)

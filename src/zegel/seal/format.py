"""The textual header of an age file: version line, recipient stanzas, MAC (c2sp.org/age, "Header").

::

    age-encryption.org/v1
    -> X25519 XEl0dJ6y3C7KZkgmgWUicg63EyXJiwBJW8PdYJ/cYBE      a stanza: type and arguments,
    qRS0AMjdjPvZ/WT08U2KL4G+PIooA3hy38SvLpvaC1E                then a body in base64
    --- HK2NmOBN9Dpq0Gw6xMCuhFcQlQLvZ/wQUi/2scLG75s            HMAC over all up to and including "---"

One header has one spelling: there's no optional space, no second base64 form, no CR. Whatever parses here encodes
to the same bytes again, so the MAC may be taken over what was read.
"""

import hmac
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from zegel.seal import b64
from zegel.seal.errors import HeaderFailure, MacFailure
from zegel.seal.primitives import hkdf

VERSION_LINE = "age-encryption.org/v1"
MAX_HEADER_BYTES = 1 << 20
"""The longest header we read. The format sets no limit; without one a stranger fills our memory."""
MAX_STANZAS = 512
"""The most stanzas we read: each foreign one can cost an X25519 and an ML-KEM operation per identity."""

_COLUMNS = 64
_FOOTER_LENGTH = len("--- ") + 43 + len("\n")
_ARG_LINE = re.compile(r"-> [!-~]+(?: [!-~]+)*\Z")
_FOOTER = re.compile(r"--- [A-Za-z0-9+/]{43}\Z")


class Stanza(NamedTuple):
    """One recipient stanza: its type (the first argument), the other arguments, and the decoded body."""

    type: str
    args: tuple[str, ...]
    body: bytes

    def encode(self) -> str:
        """Give the stanza's lines; the body ends with a line shorter than 64 columns, which may be empty."""
        body = b64.encode(self.body)
        lines = [body[i : i + _COLUMNS] for i in range(0, len(body) + 1, _COLUMNS)]
        return "-> " + " ".join((self.type, *self.args)) + "\n" + "\n".join(lines) + "\n"


class Header(NamedTuple):
    """A parsed header: its stanzas, its MAC, and the bytes that the MAC is over."""

    stanzas: tuple[Stanza, ...]
    mac: bytes
    authenticated: bytes

    def encode(self) -> bytes:
        """Give the header as it stands in a file."""
        return self.authenticated + f" {b64.encode(self.mac)}\n".encode("ascii")


def header_mac(file_key: bytes, authenticated: bytes) -> bytes:
    """Compute the MAC of a header, over everything up to and including ``---`` ("Header MAC")."""
    return hmac.digest(hkdf(file_key, b"", b"header"), authenticated, "sha256")


def make_header(file_key: bytes, stanzas: Iterable[Stanza]) -> bytes:
    """Write the header that carries *stanzas*, with its MAC under *file_key*."""
    text = f"{VERSION_LINE}\n" + "".join(stanza.encode() for stanza in stanzas) + "---"
    authenticated = text.encode("ascii")
    return Header((), header_mac(file_key, authenticated), authenticated).encode()


def verify_mac(header: Header, file_key: bytes) -> None:
    """Refuse a header whose MAC isn't the one that *file_key* gives."""
    if not hmac.compare_digest(header_mac(file_key, header.authenticated), header.mac):
        raise MacFailure("The header of the sealed file was altered: its authentication code does not match.")


def find_header(data: bytes | bytearray, start: int = 0) -> int | None:
    """Give the length of the header that *data* begins with, or None while its end isn't there yet.

    *start* is where an earlier search stopped. Refuses as early as it can: a wrong version line at once, an
    over-long header as soon as the limit is passed.
    """
    expected = f"{VERSION_LINE}\n".encode("ascii")
    if data[: len(expected)] != expected[: len(data)]:
        raise HeaderFailure("This is not an age v1 file: it does not begin with the version line.")
    # Neither base64 nor "-> " lines can begin with "---", so the first such line is the last of the header.
    mark = data.find(b"\n---", max(0, start - _FOOTER_LENGTH - 1))
    end = data.find(b"\n", mark + 1, mark + 1 + _FOOTER_LENGTH) + 1 if mark >= 0 else 0
    if mark >= 0 and not end and len(data) > mark + _FOOTER_LENGTH:
        raise HeaderFailure("The last line of the header is malformed.")
    if (end or len(data)) > MAX_HEADER_BYTES:
        raise HeaderFailure(
            "The header of the sealed file is longer than {limit} bytes; it is refused unread.",
            limit=MAX_HEADER_BYTES,
        )
    return end or None


def parse_header(data: bytes) -> Header:
    """Parse a whole header, strictly; *data* must be the header and nothing more."""
    if find_header(data) != len(data):
        raise HeaderFailure("The header of the sealed file is cut off, or something follows it.")
    try:
        lines = data[:-1].decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise HeaderFailure("The header of the sealed file holds bytes that are not ASCII.") from None
    stanzas: list[Stanza] = []
    position = 1
    while position < len(lines) - 1:
        if len(stanzas) == MAX_STANZAS:
            raise HeaderFailure("The header of the sealed file has more than {limit} stanzas.", limit=MAX_STANZAS)
        stanza, position = _parse_stanza(lines, position)
        stanzas.append(stanza)
    if not stanzas:
        raise HeaderFailure("The header of the sealed file has no recipient stanza.")
    mac = b64.decode(lines[-1][4:]) if _FOOTER.match(lines[-1]) else None
    if mac is None:
        raise HeaderFailure("The last line of the header is malformed.")
    return Header(tuple(stanzas), mac, data[: data.rindex(b"---") + 3])


def _parse_stanza(lines: Sequence[str], position: int) -> tuple[Stanza, int]:
    """Parse the stanza that begins at line *position*; give it with the position after it."""
    if not _ARG_LINE.match(lines[position]):
        raise HeaderFailure("Line {line} of the header is not the start of a stanza.", line=position + 1)
    kind, *args = lines[position][3:].split(" ")
    first = position + 1
    last = first
    while len(lines[last]) == _COLUMNS and last < len(lines) - 2:
        last += 1
    # Only the final line of a body is shorter than 64 columns ("full-line" and "final-line" in the ABNF).
    body = b64.decode("".join(lines[first : last + 1])) if len(lines[last]) < _COLUMNS else None
    if body is None:
        raise HeaderFailure("The body of the stanza at line {line} of the header is malformed.", line=first)
    return Stanza(kind, tuple(args), body), last + 1

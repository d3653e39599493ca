"""Header fields of a mail: unfolding, parameters, encoded words, addresses (RFC 5322, 2045, 2047, 2231, 6532).

Python's ``email.headerregistry`` reads all this too, but its parser is recursive, slower than linear on crafted
values, and raises on some malformed ones; what is here makes one pass and never fails.
"""

import re
from binascii import a2b_qp
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from zegel.mime import texts
from zegel.mime.decoders import Base64

_FIELD = re.compile(rb"([!-9;-~]{1,200})[ \t]*:(.*)\Z", re.DOTALL)
_FOLD = re.compile(rb"\r?\n(?=[ \t])")
_PIECE = re.compile(r';|"(?:[^"\\]|\\.)*"?|[^;"]+', re.DOTALL)
_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*)\?=")
_SEGMENT = re.compile(r"(?P<base>[^*]+)(?:\*(?P<number>\d{1,4}))?(?P<encoded>\*)?\Z")
_TYPE = re.compile(r"[\w!#$&^.+-]{1,100}/[\w!#$&^.+-]{1,100}\Z", re.ASCII)
_ADDRESS_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"?|\((?:[^()\\]|\\.)*\)?|<[^>]*>?|[,;:]|[^",;:<(]+', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Headers:
    """The fields of one entity in order, names in lower case, values unfolded but with encoded words as they came."""

    fields: tuple[tuple[str, str], ...] = ()

    def all(self, name: str) -> list[str]:
        return [value for field, value in self.fields if field == name]

    def first(self, name: str) -> str:
        """The value of the first field of this name, else an empty text."""
        return next((value for field, value in self.fields if field == name), "")


@dataclass(frozen=True, slots=True)
class Valued:
    """A value with parameters, such as Content-Type; the parameters' names are in lower case."""

    value: str
    parameters: dict[str, str]


def is_field(line: bytes) -> bool:
    """Whether a line begins a header field."""
    return _FIELD.match(line) is not None


def split_fields(raw: bytes) -> list[bytes]:
    """Cut a header block into its fields, each with its folded lines and line ends."""
    fields: list[bytes] = []
    for bare in raw.removesuffix(b"\n").split(b"\n"):
        line = bare + b"\n"
        if line[:1] in b" \t" and fields:
            fields[-1] += line
        elif line.strip():
            fields.append(line)
    return fields


def read_headers(raw: bytes) -> Headers:
    """Read a header block; lines that are no fields are skipped."""
    fields = []
    for field in split_fields(raw):
        match = _FIELD.match(field)
        if match:
            value = _FOLD.sub(b"", match[2]).strip(b" \t\r\n")
            fields.append((match[1].decode("ascii").lower(), _text(value)))
    return Headers(tuple(fields))


def _text(value: bytes) -> str:
    # RFC 6532 headers are UTF-8; older programs send their own 8-bit set unannounced.
    return texts.decode(value, "")


def decode_words(text: str) -> str:
    """Decode RFC 2047 encoded words, also where they should not stand (inside quotes), as real programs send them."""
    out: list[str] = []
    run, charset, end = b"", "", 0
    for match in _WORD.finditer(text):
        gap = text[end : match.start()]
        if gap.strip() or not end or match[1].lower() != charset:
            # White space between two encoded words is no content (§6.2); a character may be cut over two words
            # of one charset, so their bytes are joined first.
            out.append(texts.decode(run, charset) if run else "")
            out.append(gap if gap.strip() or not end else "")
            run = b""
        charset, end = match[1].lower(), match.end()
        run += _word_bytes(match[2], match[3])
    out.append(texts.decode(run, charset) if run else "")
    out.append(text[end:])
    return "".join(out)


def _word_bytes(encoding: str, content: str) -> bytes:
    raw = content.encode("utf-8", "replace")
    if encoding in "qQ":
        return a2b_qp(raw, header=True)
    decoder = Base64()
    return decoder.feed(raw) + decoder.close()


def read_valued(text: str) -> Valued:
    """Read ``value; name=value; name*0*=…``: parameters with quotes, continuations and charsets (RFC 2231)."""
    values: list[str] = [""]
    for piece in _PIECE.findall(text[:65536]):
        if piece == ";":
            values.append("")
        else:
            values[-1] += piece
    parameters: dict[str, str] = {}
    extended: dict[str, dict[int, tuple[bool, str]]] = {}
    for item in values[1:1001]:
        name, equals, value = item.partition("=")
        name, value = name.strip().lower(), _unquote(value.strip())
        match = _SEGMENT.match(name)
        if not equals or not match:
            continue
        if match["number"] is None and not match["encoded"]:
            parameters.setdefault(name, decode_words(value))
        else:
            segments = extended.setdefault(match["base"], {})
            segments.setdefault(int(match["number"] or 0), (bool(match["encoded"]), value))
    parameters.update((name, _join_segments(segments)) for name, segments in extended.items())
    return Valued(values[0].partition("(")[0].strip().lower(), parameters)


def _unquote(value: str) -> str:
    if not value.startswith('"'):
        return value.strip("'") if value.startswith("'") else value
    # Only escapes that must be: Windows programs write paths with single backslashes into quotes.
    return value[1:].removesuffix('"').replace('\\"', '"').replace("\\\\", "\\")


def _join_segments(segments: dict[int, tuple[bool, str]]) -> str:
    charset = ""
    joined = b""
    for position, number in enumerate(sorted(segments)):
        encoded, value = segments[number]
        if encoded and position == 0 and value.count("'") >= 2:
            charset, _, value = value.split("'", 2)
        joined += unquote_to_bytes(value) if encoded else value.encode("utf-8", "replace")
    return texts.decode(joined, charset or "utf-8")


def media_type(valued: Valued, default: str) -> str:
    """The media type in lower case; ``default`` for none, ``application/octet-stream`` for a broken one."""
    if _TYPE.match(valued.value):
        return valued.value
    if not valued.value or valued.value == "text":
        return default
    return "application/octet-stream"


def read_addresses(values: Iterable[str], most: int = 2000) -> list[tuple[str, str]]:
    """Read address lists as (name, address); groups are flattened, what is no address is left out."""
    found: list[tuple[str, str]] = []
    for value in values:
        phrase: list[str] = []
        address = ""
        for piece in [*_ADDRESS_PIECE.findall(value[:262144]), ","]:
            if piece in (",", ";"):
                _add_address(found, phrase, address)
                phrase, address = [], ""
            elif piece == ":":
                phrase, address = [], ""
            elif piece.startswith("<"):
                if address:
                    # Two without a comma: a program that shows the first, and one that shows the last, see two people.
                    _add_address(found, phrase, address)
                    phrase = []
                address = piece.strip("<> \t")
            elif piece.startswith("("):
                continue
            else:
                phrase.append(_unquote(piece) if piece.startswith('"') else " ".join(piece.split()))
            if len(found) >= most:
                return found
    return found


def _add_address(found: list[tuple[str, str]], phrase: list[str], address: str) -> None:
    name = " ".join(decode_words(word) for word in phrase if word)
    if not address and "@" in name:
        name, address = "", name.replace(" ", "")
    if "@" in address:
        found.append((name, address))

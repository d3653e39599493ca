"""What a WebDAV server tells about a folder: the multistatus answer to PROPFIND (RFC 4918 §13)."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import unquote, urlsplit
from xml.parsers import expat

ASK = (
    b'<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop><getcontentlength/><getlastmodified/>'
    b"<resourcetype/></prop></propfind>"
)
_NEVER = datetime.fromtimestamp(0, UTC)


@dataclass(slots=True)
class Entry:
    """One file or folder, by the last part of its path."""

    name: str = ""
    folder: bool = False
    size: int = 0
    moment: datetime = _NEVER


def read_entries(body: bytes) -> list[Entry]:
    """Every entry of a multistatus; raises ValueError for what is none. The storage may be anybody's."""
    reader = _Reader()
    try:
        reader.parse(body)
    except expat.ExpatError as error:
        raise ValueError("not XML") from error
    return reader.entries


class _Reader:
    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._text: list[str] = []
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text.append
        # Entities are how a small answer becomes gigabytes; a multistatus has no use for them.
        self._parser.StartDoctypeDeclHandler = self._doctype

    def parse(self, body: bytes) -> None:
        self._parser.Parse(body, True)

    def _doctype(self, *_: object) -> None:
        raise ValueError("a document type")

    def _start(self, tag: str, _attributes: object) -> None:
        self._text.clear()
        if tag == "DAV: response":
            self.entries.append(Entry())
        elif tag == "DAV: collection" and self.entries:
            self.entries[-1].folder = True

    def _end(self, tag: str) -> None:
        text = "".join(self._text).strip()
        self._text.clear()
        if not self.entries or not text:
            return
        entry = self.entries[-1]
        if tag == "DAV: href" and not entry.name:
            entry.name = unquote(urlsplit(text).path).rstrip("/").rpartition("/")[2]
        elif tag == "DAV: getcontentlength":
            entry.size = int(text)
        elif tag == "DAV: getlastmodified":
            moment = parsedate_to_datetime(text)
            entry.moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)

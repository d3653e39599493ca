"""A mail read the way the door reads it, in pieces of any size, with its attachments in memory."""

from collections.abc import Iterable
from dataclasses import dataclass

from zegel.doors.smtp.mime import Mail
from zegel.mime.limits import MimeLimits
from zegel.parcels.names import safe_name


@dataclass(frozen=True)
class File:
    name: str
    type: str
    cid: str
    data: bytes


class _Writer:
    def __init__(self, files: list[File], name: str, type_: str, cid: str):
        self._files = files
        self._facts = (name, type_, cid)
        self._data = bytearray()

    def write(self, data: bytes) -> None:
        assert isinstance(data, bytes)
        self._data += data

    def close(self) -> None:
        self._files.append(File(*self._facts, bytes(self._data)))


class Files:
    def __init__(self) -> None:
        self.files: list[File] = []

    def attachment(self, name: str, type_: str, cid: str = "") -> _Writer:
        return _Writer(self.files, safe_name(name), type_, cid)


@dataclass(frozen=True)
class Read:
    subject: str
    text: str
    html: str
    files: tuple[File, ...]

    @property
    def names(self) -> list[str]:
        return [file.name for file in self.files]

    def file(self, name: str) -> bytes:
        found = [file.data for file in self.files if file.name == name]
        assert len(found) == 1, (name, self.names)
        return found[0]


def read(raw: bytes, pieces: Iterable[int] = (), limits: MimeLimits | None = None, language: str = "nl") -> Read:
    """Feed ``raw`` in pieces of the sizes given (the rest at once); raises what the door's reader raises."""
    from zegel.mime.headers import decode_words

    files = Files()
    mail = Mail(files, limits or MimeLimits(), language)
    start = 0
    for size in pieces:
        mail.feed(raw[start : start + size])
        start += size
    mail.feed(raw[start:])
    mail.close()
    assert mail.top is not None
    subject = decode_words(mail.top.headers.first("subject"))
    return Read(subject, mail.text, mail.html, tuple(sorted(files.files, key=lambda f: (f.name, f.type, f.data))))

"""The mail parser: it reads or refuses by name, and the same whatever pieces the network brings.

The first byte says how large the pieces are; the rest is the mail.
"""

from zegel.doors.smtp.mime import Mail
from zegel.errors import Mistake
from zegel.mime.limits import MimeLimits

_LIMITS = MimeLimits(parts=50, depth=10, header_bytes=2048, part_header_bytes=1024, text_bytes=512, all_text_bytes=1024)


class _Writer:
    def __init__(self, found: list[tuple[str, str, str, bytes]], facts: tuple[str, str, str]):
        self._found, self._facts, self._data = found, facts, bytearray()

    def write(self, data: bytes) -> None:
        self._data += data

    def close(self) -> None:
        self._found.append((*self._facts, bytes(self._data)))


class _Attachments:
    def __init__(self) -> None:
        self.found: list[tuple[str, str, str, bytes]] = []

    def attachment(self, name: str, type_: str, cid: str = "") -> _Writer:
        return _Writer(self.found, (name, type_, cid))


def _read(raw: bytes, size: int) -> object:
    attachments = _Attachments()
    mail = Mail(attachments, _LIMITS)
    try:
        for start in range(0, len(raw), size):
            mail.feed(raw[start : start + size])
        mail.close()
    except Mistake as error:
        return error.kind
    assert mail.top is not None
    return mail.text, mail.html, sorted(attachments.found), mail.top.headers.fields


def one(data: bytes) -> None:
    """Read the mail whole, and in pieces."""
    if not data:
        return
    whole = _read(data[1:], max(1, len(data)))
    assert _read(data[1:], data[0] % 64 + 1) == whole

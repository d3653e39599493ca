"""What comes after DATA: one end, found however it is cut; no bare line end passes; MAIL and RCPT refuse by name.

The first byte says how large the pieces are.
"""

from zegel.doors.smtp.data import DataReader
from zegel.doors.smtp.oauthbearer import read_bearer
from zegel.doors.smtp.parameters import read_mail, read_rcpt
from zegel.errors import Mistake


def _read(wire: bytes, size: int) -> tuple[bytes, bool, bool, bytes]:
    reader = DataReader(1000, 200)
    found = bytearray()
    at = 0
    while at < len(wire) and not reader.done:
        found += reader.feed(wire[at : at + size])
        at += size
    rest = reader.rest + wire[at:] if reader.done else b""
    return bytes(found), bool(reader.fault), reader.done, rest


def _expected(wire: bytes) -> bytes:
    """The content by the words of RFC 5321 §4.5.2, line by line."""
    lines = wire.split(b"\r\n")
    content = lines[: lines.index(b".")]
    assert not any(b"\r" in line or b"\n" in line for line in content)
    return b"".join(line.removeprefix(b".") + b"\r\n" for line in content)


def one(data: bytes) -> None:
    """Read it as octets after DATA, and as the argument of a command."""
    if not data:
        return
    wire = data[1:]
    found, fault, done, rest = _read(wire, max(1, len(wire)))
    pieces = _read(wire, data[0] % 64 + 1)
    assert pieces[1:] == (fault, done, rest)
    if not fault:
        assert pieces[0] == found
        if done:
            assert found == _expected(wire)
            assert wire.endswith(b"\r\n.\r\n" + rest) or wire == b".\r\n" + rest
    text = wire.decode("utf-8", "replace")
    for read in (read_mail, read_rcpt, read_bearer):
        try:
            read(text)
        except Mistake:
            continue

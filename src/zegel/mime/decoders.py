"""Content-Transfer-Encodings as streams (RFC 2045 §6): bytes in, decoded bytes out, never more than a line kept.

Damaged input is decoded as far as the standard says it can be and never fails: base64 ignores what is outside its
alphabet (§6.8), quoted-printable passes on what is no valid escape (§6.7).
"""

import binascii
from typing import Protocol

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_NOT_BASE64 = bytes(set(range(256)) - set(_ALPHABET))
_LONGEST_LINE = 64 * 1024


class Decoder(Protocol):
    """Takes encoded bytes in pieces of any size."""

    def feed(self, data: bytes) -> bytes: ...

    def close(self) -> bytes:
        """What was still held back."""


class Identity:
    """7bit, 8bit and binary; also every encoding that we do not know, so that nothing gets lost."""

    def feed(self, data: bytes) -> bytes:
        return data

    def close(self) -> bytes:
        return b""


class Base64:
    """base64; padding in the middle starts a new run, as concatenated encoders write it."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        data = self._rest + data.translate(None, _NOT_BASE64)
        if b"=" not in data:
            whole = len(data) // 4 * 4
            self._rest = data[whole:]
            return binascii.a2b_base64(data[:whole])
        *runs, self._rest = data.split(b"=")
        decoded = b"".join(map(_decode_run, runs))
        return decoded + self.feed(b"")

    def close(self) -> bytes:
        rest, self._rest = self._rest, b""
        return _decode_run(rest)


def _decode_run(run: bytes) -> bytes:
    # One character alone holds six bits: not a byte, so nothing is lost by leaving it out.
    if len(run) % 4 == 1:
        run = run[:-1]
    return binascii.a2b_base64(run + b"=" * (-len(run) % 4))


class QuotedPrintable:
    """quoted-printable; white space before a line end was added on the way and is removed (§6.7 rule 3)."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        data = self._rest + data
        end = data.rfind(b"\n") + 1
        if not end and len(data) > _LONGEST_LINE:
            end = _safe_cut(data)
        self._rest = data[end:]
        return _decode_lines(data[:end])

    def close(self) -> bytes:
        rest, self._rest = self._rest, b""
        return _decode_lines(rest.rstrip(b" \t"))


def _safe_cut(data: bytes) -> int:
    """Where a line far beyond the 76 characters allowed can be cut: not inside an escape or before a line end."""
    for end in range(len(data) - 3, len(data) - 1000, -1):
        if data[end - 1] not in b"= \t\r" and data[end - 2] != 61:
            return end
    return len(data)


def _decode_lines(data: bytes) -> bytes:
    if any(end in data for end in (b" \r\n", b"\t\r\n", b" \n", b"\t\n")):
        data = b"\n".join(map(_strip_line, data.split(b"\n")))
    return binascii.a2b_qp(data)


def _strip_line(line: bytes) -> bytes:
    if line.endswith(b"\r"):
        return line[:-1].rstrip(b" \t") + b"\r"
    return line.rstrip(b" \t")


def decoder_for(encoding: str) -> Decoder:
    """The decoder of a Content-Transfer-Encoding header's value."""
    match encoding.strip().strip('"').lower().split(";")[0].split("(")[0].strip():
        case "base64":
            return Base64()
        case "quoted-printable":
            return QuotedPrintable()
    return Identity()

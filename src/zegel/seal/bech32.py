"""Bech32 (BIP 173) without its length limit: how age writes keys for people to copy.

A key string is a human-readable part, a ``1``, the data in 5-bit characters, and 6 characters of checksum that catch
typing errors. It is all lower case (recipients) or all upper case (identities), never mixed.

A hybrid recipient is some 1 950 characters, so the two inner loops matter: the checksum takes 5 bits a step from a
table of 32 constants, and the bits are regrouped by Python's own base-32 integers.
"""

import base64
import re

_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_VALUE = {char: number for number, char in enumerate(_ALPHABET)}
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_FOLD = tuple(
    (g0 ^ g1 ^ g2 ^ g3 ^ g4)
    for top in range(32)
    for g0, g1, g2, g3, g4 in [[g if top >> i & 1 else 0 for i, g in enumerate(_GENERATOR)]]
)
_TO_INT_DIGITS = str.maketrans(_ALPHABET, "0123456789abcdefghijklmnopqrstuv")
_FROM_RFC4648 = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", _ALPHABET)
_SHAPE = re.compile(rf"([!-~]+)1([{_ALPHABET}]{{6,}})\Z")
_CHECKSUM_LENGTH = 6


def _polymod(values: list[int], checksum: int = 1) -> int:
    fold = _FOLD
    for value in values:
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value ^ fold[checksum >> 25]
    return checksum


def _expand(hrp: str) -> list[int]:
    return [ord(char) >> 5 for char in hrp] + [0] + [ord(char) & 31 for char in hrp]


def encode(hrp: str, data: bytes) -> str:
    """Give the Bech32 string of *data*, in the case of *hrp*; the checksum is over the lower-case form."""
    lower = hrp.lower()
    text = base64.b32encode(data).decode("ascii").rstrip("=").translate(_FROM_RFC4648)
    values = [_VALUE[char] for char in text]
    rest = _polymod(_expand(lower) + values + [0] * _CHECKSUM_LENGTH) ^ 1
    tail = "".join(_ALPHABET[rest >> 5 * (5 - i) & 31] for i in range(_CHECKSUM_LENGTH))
    result = f"{lower}1{text}{tail}"
    return result.upper() if hrp.isupper() else result


def decode(text: str) -> tuple[str, bytes] | None:
    """Give the human-readable part (in the case it was written in) and the data, or None if *text* isn't Bech32."""
    lower = text.lower()
    if text not in (lower, text.upper()):
        return None
    found = _SHAPE.match(lower)
    if found is None or not text.isascii():
        return None
    hrp, chars = found.groups()
    if _polymod(_expand(hrp) + [_VALUE[char] for char in chars]) != 1:
        return None
    data = _regroup(chars[:-_CHECKSUM_LENGTH])
    if data is None:
        return None
    return text[: len(hrp)], data


def _regroup(chars: str) -> bytes | None:
    """Turn 5-bit characters into bytes; the spare bits at the end must be fewer than five and zero (BIP 173)."""
    spare = len(chars) * 5 % 8
    if spare >= 5:
        return None
    number = int(chars.translate(_TO_INT_DIGITS), 32) if chars else 0
    if number & ((1 << spare) - 1):
        return None
    return (number >> spare).to_bytes(len(chars) * 5 // 8, "big")

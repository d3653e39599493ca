"""The payload: a sender who knows the key writes chunks in any order, size and marking; only a right payload opens.

Random bytes never get past a Poly1305 tag, so the bytes steer the sender: each two of them are one chunk. A model of
a few lines says what must come out.
"""

from zegel.seal import PayloadFailure
from zegel.seal.stream import CHUNK, PayloadOpener, chunk_nonce, payload_cipher

_KEY = b"k" * 16
_NONCE = b"n" * 16
_CIPHER = payload_cipher(_KEY, _NONCE)
_SIZES = (CHUNK, CHUNK, 0, 1, 17, CHUNK - 1)


def one(data: bytes) -> None:
    """Write the payload that the bytes describe, and compare what opens with the model."""
    payload = bytearray()
    expected = bytearray()
    valid, ended = True, False
    cut = data[0] if data else 0
    steps = list(zip(data[1:13:2], data[2:13:2], strict=False))
    for number, (shape, kind) in enumerate(steps):
        size = _SIZES[shape % len(_SIZES)]
        last = bool(kind & 1)
        claimed = number + (0 if kind & 0x0E else (kind >> 4) - 1)
        plain = bytes([number]) * size
        payload += _CIPHER.encrypt(chunk_nonce(max(0, claimed), last=last), plain, None)
        right = not ended and max(0, claimed) == number and (last or size == CHUNK)
        right = right and not (size == 0 and number > 0)
        right = right and (size == CHUNK or number == len(steps) - 1)
        if valid and right:
            expected += plain
        valid = valid and right
        ended = ended or last
    complete = valid and ended
    if cut & 1 and payload:
        del payload[-(1 + cut // 2) :]
    released, opened = _open(bytes(payload), 1 + (cut % 3) * 50_000)
    if not cut & 1:  # a cut may also take away just the chunk that was wrong
        assert opened == complete
        assert released == expected or not valid
    assert expected.startswith(released) or cut & 1
    assert (released, opened) == _open(bytes(payload), len(payload) + 1)


def _open(payload: bytes, size: int) -> tuple[bytes, bool]:
    size = max(size, len(payload) // 50 + 1)
    opener = PayloadOpener(_KEY, _NONCE)
    released = bytearray()
    try:
        for at in range(0, len(payload), size):
            released += b"".join(opener.update(payload[at : at + size]))
        released += opener.finish()
    except PayloadFailure:
        return bytes(released), False
    return bytes(released), True

"""Every CCTV vector: refused at the layer it names, having released exactly the plaintext it allows."""

import hashlib
from collections import Counter
from collections.abc import Iterator

import pytest
from tests.seal.kit import Vector, vectors

from zegel.errors import ZegelError
from zegel.seal import (
    ArmorFailure,
    Dearmorer,
    HeaderFailure,
    MacFailure,
    NoMatch,
    Opener,
    PayloadFailure,
    armor,
    dearmor,
    find_header,
    open_,
    parse_header,
)

ALL = list(vectors())
LAYERS: dict[str, type[ZegelError] | None] = {
    "success": None,
    "armor failure": ArmorFailure,
    "header failure": HeaderFailure,
    "HMAC failure": MacFailure,
    "no match": NoMatch,
    "payload failure": PayloadFailure,
}


def by_name(found: list[Vector]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("vector", found, ids=lambda vector: vector.name)


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


def read(vector: Vector, size: int) -> tuple[bytes, type[ZegelError] | None]:
    """Open a vector in pieces of *size*; give what was released, and what refused the rest."""
    opener = Opener(vector.identities)
    dearmorer = Dearmorer()
    released = bytearray()
    try:
        for piece in pieces(vector.data, size):
            released += opener.update(dearmorer.update(piece) if vector.armored else piece)
        if vector.armored:
            released += opener.update(dearmorer.finish())
        released += opener.finish()
    except ZegelError as refusal:
        return bytes(released), type(refusal)
    return bytes(released), None


def test_the_kit_is_whole() -> None:
    assert Counter(vector.expect for vector in ALL) == {
        "success": 26,
        "header failure": 62,
        "armor failure": 22,
        "payload failure": 19,
        "no match": 13,
        "HMAC failure": 1,
    }


@pytest.mark.parametrize("size", [1 << 30, 65552, 4096, 1], ids=["whole", "chunk", "page", "byte"])
@by_name(ALL)
def test_refused_at_its_layer_with_its_payload(vector: Vector, size: int) -> None:
    if size == 1 and len(vector.data) > 200_000:
        size = 7
    released, refusal = read(vector, size)
    assert refusal is LAYERS[vector.expect]
    # The hash is given exactly where the payload is reached: success and payload failure.
    assert hashlib.sha256(released).hexdigest() == (vector.payload_sha256 or hashlib.sha256().hexdigest())


@by_name(ALL)
def test_refused_the_same_in_memory(vector: Vector) -> None:
    """In memory a small file takes a shorter way: same layers, and nothing at all is released on a refusal."""
    layer = LAYERS[vector.expect]
    if layer is None:
        plain = open_(dearmor(vector.data) if vector.armored else vector.data, *vector.identities)
        assert hashlib.sha256(plain).hexdigest() == vector.payload_sha256
        return
    with pytest.raises(layer) as refusal:
        open_(dearmor(vector.data) if vector.armored else vector.data, *vector.identities)
    assert type(refusal.value) is layer


@by_name([v for v in ALL if v.expect not in ("header failure", "armor failure")])
def test_header_has_one_spelling(vector: Vector) -> None:
    data = dearmor(vector.data) if vector.armored else vector.data
    length = find_header(data)
    assert length is not None
    header = parse_header(data[:length])
    lines = b"age-encryption.org/v1\n" + b"".join(stanza.encode().encode() for stanza in header.stanzas)
    assert header.authenticated == lines + b"---"
    assert header.encode() == data[:length]


@by_name([v for v in ALL if v.armored and v.expect != "armor failure"])
def test_armor_has_one_spelling_but_for_white_space(vector: Vector) -> None:
    assert armor(dearmor(vector.data)).strip() == vector.data.replace(b"\r\n", b"\n").strip()

"""The CCTV age test kit as Python values: one vector a file, see vectors/README.md."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from zegel.seal import Identity, ScryptIdentity, parse_identity

VECTORS = Path(__file__).parent / "vectors"
_KNOWN = {"expect", "payload", "identity", "passphrase", "armored", "file key", "comment", "compressed"}


@dataclass(frozen=True)
class Vector:
    name: str
    expect: str
    payload_sha256: str | None
    identities: tuple[Identity, ...]
    armored: bool
    file_key: bytes
    data: bytes


def read(path: Path) -> Vector:
    head, _, data = path.read_bytes().partition(b"\n\n")
    pairs = [line.split(": ", 1) for line in head.decode().split("\n")]
    assert {key for key, _ in pairs} <= _KNOWN, path.name
    one = dict(pairs)
    if one.get("compressed") == "zlib":
        data = zlib.decompress(data)
    identities: list[Identity] = [parse_identity(value) for key, value in pairs if key == "identity"]
    identities += [ScryptIdentity(value) for key, value in pairs if key == "passphrase"]
    return Vector(
        name=path.name,
        expect=one["expect"],
        payload_sha256=one.get("payload"),
        identities=tuple(identities),
        armored=one.get("armored") == "yes",
        file_key=bytes.fromhex(one.get("file key", "")),
        data=data,
    )


def vectors() -> Iterator[Vector]:
    for path in sorted(VECTORS.iterdir()):
        if path.suffix != ".md":
            yield read(path)

"""What can be seen of a sealed file without any key: its locks and its sizes."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from zegel.seal import Dearmorer, HeaderFailure, find_header, parse_header, plain_size
from zegel.seal.armor import BEGIN
from zegel.seal.pipes import Source
from zegel.seal.stream import NONCE_LENGTH, TAG, chunk_count

_POST_QUANTUM = {"mlkem768x25519", "mlkem768p256tag", "scrypt"}
_CLASSIC = {"X25519", "p256tag", "piv-p256", "ssh-rsa", "ssh-ed25519"}


@dataclass(frozen=True)
class Facts:
    """What inspecting found."""

    stanza_types: tuple[str, ...]
    armored: bool
    total: int
    armor: int
    header: int
    overhead: int
    payload: int

    @property
    def postquantum(self) -> str:
        """``no`` if one classic lock is on it, ``yes`` if all are post-quantum, else ``unknown``."""
        if any(kind in _CLASSIC for kind in self.stanza_types):
            return "no"
        return "yes" if all(kind in _POST_QUANTUM for kind in self.stanza_types) else "unknown"

    def as_json(self) -> str:
        """Give the same keys as age-inspect."""
        sizes = {
            "header": self.header,
            "armor": self.armor,
            "overhead": self.overhead,
            "min_payload": self.payload,
            "max_payload": self.payload,
            "min_padding": 0,
            "max_padding": 0,
        }
        facts = {
            "version": "age-encryption.org/v1",
            "postquantum": self.postquantum,
            "armor": self.armored,
            "stanza_types": list(self.stanza_types),
            "sizes": sizes,
        }
        return json.dumps(facts, indent=4)

    def as_text(self, name: str) -> str:
        """Tell it to a person."""
        quantum = {
            "yes": "This file uses post-quantum encryption.",
            "no": "This file does NOT use post-quantum encryption.",
            "unknown": "It is not known whether this file uses post-quantum encryption.",
        }
        lines = [f'{name} is an age file, version "age-encryption.org/v1".', ""]
        if self.armored:
            lines += ["This file is ASCII-armored.", ""]
        lines += ["This file is sealed to the following recipient types:"]
        lines += [f'  - "{kind}"' for kind in self.stanza_types]
        lines += ["", quantum[self.postquantum], "", "Sizes (if it opens without a refusal):", ""]
        rows = [("Header", self.header), ("Armor", self.armor), ("Encryption", self.overhead)]
        rows += [("Payload", self.payload), ("Total", self.total)]
        lines += [f"    {what:<12}{size:>16} bytes" for what, size in rows if size or what != "Armor"]
        return "\n".join(lines)


def inspect_fd(fd: int) -> Facts:
    """Read a sealed file to its end and tell what can be seen; only the header is kept in memory."""
    total = binary = 0
    head = bytearray()
    header_length: int | None = None
    dearmorer: Dearmorer | None = None
    for number, piece in enumerate(_pieces(fd)):
        total += len(piece)
        if number == 0 and piece.lstrip(b" \t\r\n").startswith(BEGIN[:5]):
            dearmorer = Dearmorer()
        data = dearmorer.update(piece) if dearmorer else piece
        binary += len(data)
        if header_length is None:
            searched = len(head)
            head += data
            header_length = find_header(head, searched)
    if dearmorer:
        dearmorer.finish()
    if header_length is None:
        raise HeaderFailure("The header of the sealed file is cut off.")
    header = parse_header(bytes(head[:header_length]))
    payload = plain_size(binary, header_length)
    return Facts(
        stanza_types=tuple(stanza.type for stanza in header.stanzas),
        armored=dearmorer is not None,
        total=total,
        armor=total - binary,
        header=header_length,
        overhead=NONCE_LENGTH + TAG * chunk_count(payload),
        payload=payload,
    )


def _pieces(fd: int) -> Iterator[bytes]:
    source = Source(fd)
    piece = bytearray(1 << 20)
    with memoryview(piece) as view:
        while count := source.fill_some(view):
            yield bytes(view[:count])

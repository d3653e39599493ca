"""Where a message in an own mailbox came from: another organisation's name and keys, as our inside zone found them.

It lies in the database, which the outside can write; so our own organisation signs it, for this slip and no other.
"""

import hashlib
import json
from collections.abc import Callable, Collection
from dataclasses import dataclass

from zegel.errors import Damaged
from zegel.parcels.signature import SigningKey, made_both
from zegel.parcels.strict import b64, unb64


@dataclass(frozen=True, slots=True)
class Origin:
    """An organisation, and the keys with which its manifests are verified."""

    name: str
    host: str
    keys: tuple[SigningKey, ...]


def spell_origin(origin: Origin, slip: str, sign: Callable[[bytes], tuple[str, bytes, bytes]]) -> str:
    """Two lines: the origin, and our signature over it and the slip."""
    keys = [key.spell() for key in origin.keys]
    line = json.dumps({"zegel": "origin v1", "name": origin.name, "host": origin.host, "signing": keys})
    key, ed25519, mldsa65 = sign(_statement(slip, line))
    return f"{line}\n{json.dumps({'key': key, 'ed25519': b64(ed25519), 'mldsa65': b64(mldsa65)})}\n"


def read_origin(text: str, slip: str, ours: Collection[SigningKey]) -> Origin:
    """Raises Damaged ``bad-origin`` unless one of our keys signed it for this slip."""
    try:
        line, signature, end = text.split("\n")
        said, shown = json.loads(line), json.loads(signature)
        key = next(key for key in ours if key.fingerprint == shown["key"])
        good = made_both(key, _statement(slip, line), unb64(shown["ed25519"]), unb64(shown["mldsa65"]))
        if good and not end and said["zegel"] == "origin v1":
            keys = (SigningKey.read(one) for one in said["signing"])
            return Origin(said["name"], said["host"], tuple(keys))
    except (ValueError, KeyError, TypeError, StopIteration):
        pass
    raise Damaged("Who sent this message is not noted as it should be.", code="bad-origin")


def _statement(slip: str, line: str) -> bytes:
    return f"zegel origin v1\n{slip}\n{hashlib.sha256(line.encode()).hexdigest()}\n".encode()

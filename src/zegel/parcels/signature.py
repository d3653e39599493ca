"""The organisation's signature over a manifest: Ed25519 and ML-DSA-65 together (docs/format.md §4.2).

One of the two may fall, to mathematics or to a quantum computer; a forger would have to break both. The signer never
sees the manifest, only its digest.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey

from zegel.errors import Damaged
from zegel.parcels.manifest import Manifest, read_manifest, read_time, spell_time, statement
from zegel.parcels.strict import b64, unb64

SUITE = "Ed25519+ML-DSA-65"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One public signing key of an organisation: 32 and 1952 bytes."""

    ed25519: bytes
    mldsa65: bytes

    @property
    def fingerprint(self) -> str:
        """Eight groups of four characters that two people can read to each other."""
        full = hashlib.sha256(b"zegel signing key v1\n" + self.ed25519 + self.mldsa65).digest()
        text = base64.b32encode(full[:20]).decode("ascii")
        return "-".join(text[i : i + 4] for i in range(0, 32, 4))

    def spell(self) -> dict[str, str]:
        """Members of JSON."""
        return {"ed25519": b64(self.ed25519), "mldsa65": b64(self.mldsa65)}

    @classmethod
    def read(cls, members: Mapping[str, Any]) -> "SigningKey":
        """Raises KeyError, ValueError. Other members are ignored: what a key calls itself proves nothing."""
        return cls(unb64(members["ed25519"]), unb64(members["mldsa65"]))


@dataclass(frozen=True, slots=True)
class Signature:
    """Line 2 of the signed manifest."""

    key: str
    host: str
    sender: str
    time: datetime
    ed25519: bytes
    mldsa65: bytes


def spell_signature(signature: Signature) -> bytes:
    """Return line 2 without its LF."""
    members = {
        "zegel": "signature v1",
        "suite": SUITE,
        "key": signature.key,
        "host": signature.host,
        "sender": signature.sender,
        "time": spell_time(signature.time),
        "ed25519": b64(signature.ed25519),
        "mldsa65": b64(signature.mldsa65),
    }
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode()


def spell_signed(line: bytes, signature: Signature) -> bytes:
    """The two lines that the first blob holds."""
    return line + b"\n" + spell_signature(signature) + b"\n"


def read_signed(signed: bytes, parcel: str) -> tuple[Manifest, bytes, Signature]:
    """Split and read both lines; the manifest, line 1, and the signature, *not yet verified*. Raises Damaged."""
    parts = signed.split(b"\n")
    if len(parts) != 3 or parts[2]:
        raise Damaged("The manifest does not have its two lines.", code="bad-manifest")
    return read_manifest(parts[0], parcel), parts[0], _read_signature(parts[1])


def verify(manifest: Manifest, line: bytes, signature: Signature, keys: list[SigningKey]) -> None:
    """Raise :class:`Damaged` unless one of ``keys`` made both signatures over this manifest, for this sender and host.

    Both are always verified, so that the error does not tell a forger which of the two he has beaten.
    """
    key = next((key for key in keys if key.fingerprint == signature.key), None)
    if key is None:
        raise Damaged("The message is signed with a key that the organisation does not publish.", code="unknown-key")
    if signature.sender != manifest.from_.address or signature.host != manifest.organisation.host:
        raise Damaged("The signature was given to another sender.", code="foreign-signature")
    signed = statement(signature.host, manifest.parcel, signature.sender, line, signature.time)
    if not made_both(key, signed, signature.ed25519, signature.mldsa65):
        raise Damaged("The signature of the organisation is not right.", code="bad-signature")


def made_both(key: SigningKey, signed: bytes, ed25519: bytes, mldsa65: bytes) -> bool:
    """Whether the key made both signatures over these bytes; both are always verified."""
    good = [
        _verifies(Ed25519PublicKey.from_public_bytes, key.ed25519, ed25519, signed),
        _verifies(MLDSA65PublicKey.from_public_bytes, key.mldsa65, mldsa65, signed),
    ]
    return all(good)


def _verifies(load: Any, key: bytes, signature: bytes, signed: bytes) -> bool:
    try:
        load(key).verify(signature, signed)
    except (InvalidSignature, ValueError):
        return False
    return True


def _read_signature(line: bytes) -> Signature:
    try:
        members = json.loads(line)
        if members["zegel"] != "signature v1" or members["suite"] != SUITE:
            raise ValueError("version")
        return Signature(
            key=str(members["key"]),
            host=str(members["host"]),
            sender=str(members["sender"]),
            time=read_time(members["time"]),
            ed25519=unb64(members["ed25519"]),
            mldsa65=unb64(members["mldsa65"]),
        )
    except Exception as error:
        # Whatever a stranger put here, there is one answer: it is no signature line.
        raise Damaged("The signature line cannot be read.", code="bad-signature") from error

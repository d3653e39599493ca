"""The organisation's keys as files in one folder that only the service account may read (mode 0700).

``signing-ed25519.key``, ``signing-mldsa65.key``   seeds of 32 bytes, the organisation's signature
``courier.key``                                    an age identity file, opens the link secrets in outbox rows
``bounces.key``                                    32 bytes, the MAC in the return addresses of notices
``rows.key``                                       32 bytes, the MAC of deliveries in the outbox
``sessions.key``                                   32 bytes, the MAC of sessions at the inside web door
``mailboxes/DOMAIN.key``                           age identity files, open messages kept in the portal (``mailboxes``)
``public.json``                                    what the outside may know; copied there when zones are split

Whoever reads this folder can sign as the organisation, and read the link secrets of notices not yet sent and what is
kept in the portal; he cannot open other parcels already announced (docs/threat-model.md).
"""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey

from zegel import seal
from zegel.errors import Mistake, NotFound
from zegel.keys.files import read_or_make, write_new
from zegel.parcels.signature import SigningKey

_ED25519 = "signing-ed25519.key"
_MLDSA65 = "signing-mldsa65.key"
_COURIER = "courier.key"
_BOUNCES = "bounces.key"
_ROWS = "rows.key"
_SESSIONS = "sessions.key"


@dataclass(frozen=True, slots=True)
class PublicKeys:
    """What everybody may know (docs/format.md §5)."""

    courier: str
    signing: tuple[SigningKey, ...]

    def spell(self) -> str:
        """JSON for a file."""
        keys = [key.spell() for key in self.signing]
        return json.dumps({"zegel": "public keys v1", "courier": self.courier, "signing": keys}, indent=1)

    @classmethod
    def read(cls, path: Path) -> "PublicKeys":
        """Read :meth:`spell`'s file; raises NotFound."""
        try:
            members = json.loads(path.read_text())
        except FileNotFoundError:
            raise NotFound("There are no public keys in {path}.", code="no-keys", path=path) from None
        return cls(members["courier"], tuple(SigningKey.read(key) for key in members["signing"]))


class Custody:
    """The private keys, opened. Its repr shows nothing."""

    def __init__(self, folder: Path):
        """Load the keys; raises :class:`NotFound` when they were never made."""
        try:
            self._ed25519 = Ed25519PrivateKey.from_private_bytes((folder / _ED25519).read_bytes())
            self._mldsa65 = MLDSA65PrivateKey.from_seed_bytes((folder / _MLDSA65).read_bytes())
            self._courier = seal.HybridIdentity.parse((folder / _COURIER).read_text().split()[-1])
            self.bounce_key = read_or_make(folder / _BOUNCES, lambda: secrets.token_bytes(32))
            self.row_key = read_or_make(folder / _ROWS, lambda: secrets.token_bytes(32))
        except FileNotFoundError as error:
            raise NotFound("There are no keys in {path}.", code="no-keys", path=folder) from error
        self._key = SigningKey(
            self._ed25519.public_key().public_bytes_raw(), self._mldsa65.public_key().public_bytes_raw()
        )

    @property
    def public(self) -> PublicKeys:
        """The public halves."""
        return PublicKeys(str(self._courier.recipient), (self._key,))

    def sign(self, statement: bytes) -> tuple[str, bytes, bytes]:
        """Return the key's fingerprint and the Ed25519 and ML-DSA-65 signatures over ``statement``."""
        return self._key.fingerprint, self._ed25519.sign(statement), self._mldsa65.sign(statement)

    def open_sealed(self, sealed: bytes) -> bytes:
        """Open what was sealed to the courier; raises Damaged, or Denied when it was sealed to somebody else."""
        return seal.open_(sealed, self._courier)


def session_key(folder: Path) -> bytes:
    """The MAC key of sessions at the inside web door: the outside, which can write their table, cannot make one.

    Raises NotFound ``no-keys``.
    """
    try:
        return read_or_make(folder / _SESSIONS, lambda: secrets.token_bytes(32))
    except FileNotFoundError as error:
        raise NotFound("There are no keys in {path}.", code="no-keys", path=folder) from error


def make_keys(folder: Path) -> Custody:
    """Make all keys in an empty folder; raises :class:`Mistake` rather than overwrite a key."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if any((folder / name).exists() for name in (_ED25519, _MLDSA65, _COURIER)):
        raise Mistake("There are keys in {path} already.", code="keys-exist", path=folder)
    write_new(folder / _ED25519, Ed25519PrivateKey.generate().private_bytes_raw())
    write_new(folder / _MLDSA65, MLDSA65PrivateKey.generate().private_bytes_raw())
    write_new(folder / _BOUNCES, secrets.token_bytes(32))
    write_new(folder / _ROWS, secrets.token_bytes(32))
    write_new(folder / _COURIER, f"# zegel courier\n{seal.HybridIdentity.generate()}\n".encode())
    return Custody(folder)

"""The scrypt lock: a passphrase (c2sp.org/age, "The scrypt recipient type").

A passphrase must be the only lock of a file: whoever opens a file with it takes that as a sign of who sealed it, and
a second lock would let a stranger who holds *that* key swap the content.

The file's writer chooses how much memory and time an attempt takes (2^factor × 1 KiB); a hostile one asks for a
terabyte. So there's a limit on reading: 18 (256 MiB, about a second), which callers may move.
"""

import os
import re
from collections.abc import Sequence

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from zegel.errors import Mistake
from zegel.seal import b64
from zegel.seal.errors import HeaderFailure
from zegel.seal.format import Stanza
from zegel.seal.primitives import WRAPPED_LENGTH, unwrap_file_key, wrap_file_key
from zegel.seal.roles import ALONE

STANZA_TYPE = "scrypt"
WORK_FACTOR = 18
"""log2(N) when sealing, as the stock age uses: 256 MiB and about a second for each guess of an attacker."""
MAX_WORK_FACTOR = 18
"""The highest log2(N) accepted when opening, unless the caller says otherwise."""

_SALT_LENGTH = 16
_SALT_LABEL = b"age-encryption.org/v1/scrypt"
_DECIMAL = re.compile(r"[1-9][0-9]{0,9}\Z")  # no leading zero; few enough digits for int() to be cheap


def _wrap_key(passphrase: bytes, salt: bytes, work_factor: int) -> bytes:
    kdf = Scrypt(salt=_SALT_LABEL + salt, length=32, n=1 << work_factor, r=8, p=1)
    return kdf.derive(passphrase)


def _as_bytes(passphrase: str | bytes) -> bytes:
    data = passphrase.encode() if isinstance(passphrase, str) else bytes(passphrase)
    if not data:
        raise Mistake("The passphrase is empty.")
    return data


class ScryptRecipient:
    """A passphrase to seal with."""

    labels = frozenset({ALONE})

    def __init__(self, passphrase: str | bytes, work_factor: int = WORK_FACTOR) -> None:
        if not 1 <= work_factor <= 30:
            raise Mistake("The scrypt work factor must be from 1 to 30.")
        self._passphrase = _as_bytes(passphrase)
        self._work_factor = work_factor

    @property
    def wrapped_size(self) -> int:
        """The exact length of the stanza in a header."""
        return len(f"-> scrypt  {self._work_factor}\n\n") + 22 + 43

    def wrap(self, file_key: bytes) -> list[Stanza]:
        """Wrap *file_key* under a key stretched from the passphrase with a fresh salt."""
        salt = os.urandom(_SALT_LENGTH)
        body = wrap_file_key(_wrap_key(self._passphrase, salt, self._work_factor), file_key)
        return [Stanza(STANZA_TYPE, (b64.encode(salt), str(self._work_factor)), body)]


class ScryptIdentity:
    """A passphrase to open with."""

    def __init__(self, passphrase: str | bytes, max_work_factor: int = MAX_WORK_FACTOR) -> None:
        self._passphrase = _as_bytes(passphrase)
        self._max_work_factor = max_work_factor

    def unwrap(self, stanzas: Sequence[Stanza]) -> bytes | None:
        """Try the scrypt stanza, which must stand alone."""
        ours = [stanza for stanza in stanzas if stanza.type == STANZA_TYPE]
        if not ours:
            return None
        if len(stanzas) > 1:
            raise HeaderFailure("A passphrase stanza in the header is not the only stanza.")
        salt, work_factor = self._read(ours[0])
        return unwrap_file_key(_wrap_key(self._passphrase, salt, work_factor), ours[0].body)

    def _read(self, stanza: Stanza) -> tuple[bytes, int]:
        salt = b64.decode(stanza.args[0]) if len(stanza.args) == 2 else None
        well_formed = salt is not None and len(salt) == _SALT_LENGTH and len(stanza.body) == WRAPPED_LENGTH
        if salt is None or not well_formed or not _DECIMAL.match(stanza.args[1]):
            raise HeaderFailure("The passphrase stanza in the header is malformed.")
        work_factor = int(stanza.args[1])
        if work_factor > self._max_work_factor:
            raise HeaderFailure(
                "The passphrase stanza asks for work factor {asked}, over the limit of {limit}.",
                asked=work_factor,
                limit=self._max_work_factor,
            )
        return salt, work_factor

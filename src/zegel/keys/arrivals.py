"""The identity that opens what comes sealed from other organisations' Zegels (inside zone): ``arrivals.key``.

Apart from the courier's key: that one opens what our own outside keeps, this one what strangers hand in. Made by the
first inside process that needs it; what is sealed to it is opened within minutes.
"""

from pathlib import Path

from zegel import seal
from zegel.keys.files import read_or_make

_FILE = "arrivals.key"


class ArrivalKey:
    """The identity in the keys folder. Its repr shows nothing."""

    def __init__(self, folder: Path):
        kept = read_or_make(folder / _FILE, _fresh)
        self._identity = seal.HybridIdentity.parse(kept.decode("ascii", "replace").split()[-1])

    @property
    def recipient(self) -> str:
        """Whom other organisations seal for."""
        return str(self._identity.recipient)

    def open_sealed(self, sealed: bytes) -> bytes:
        """Raises Damaged, or Denied when it was sealed to somebody else."""
        return seal.open_(sealed, self._identity)


def _fresh() -> bytes:
    return f"# zegel arrivals\n{seal.HybridIdentity.generate()}\n".encode()

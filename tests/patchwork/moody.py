"""A driver with moods: a real folder that can be told to be away, slow, full, to alter or to forget."""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from zegel.errors import Unavailable
from zegel.parcels.deposit import Blob
from zegel.stores.drivers.driver import Guarantees, locked, missing, refused, silent
from zegel.stores.drivers.local import LocalStore, LocalWriter


class Moody(LocalStore):
    """``mood``: well, away, refusing, altering, forgetting, stalling, locked, breaking (off in the middle)."""

    guarantees = Guarantees(exclusive=True, prompt=False)

    def __init__(self, folder: Path):
        super().__init__(folder)
        self.mood = "well"
        self.reads = 0
        self.patience = threading.Event()
        """What a stalling read waits for."""

    def _may(self) -> None:
        if self.mood == "away":
            raise silent()
        if self.mood == "refusing":
            raise refused("AccessDenied")

    def open_write(self, blob: str) -> "MoodyWriter":
        self._may()
        return MoodyWriter(self, blob)

    def read(self, blob: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        self.reads += 1
        self._may()
        if self.mood == "forgetting":
            raise missing()
        pieces = super().read(blob, start, length)
        if self.mood == "stalling":
            self.patience.wait(30)
            raise silent()
        return self._spoiled(pieces)

    def _spoiled(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for number, piece in enumerate(pieces):
            if self.mood == "breaking" and number:
                raise silent()
            yield bytes([piece[0] ^ 1]) + piece[1:] if self.mood == "altering" else piece

    def size(self, blob: str) -> int:
        self._may()
        return super().size(blob)

    def delete(self, names: Sequence[str]) -> dict[str, Unavailable]:
        self._may()
        if self.mood == "locked":
            return {name: locked("a lock") for name in names}
        return super().delete(names)


class MoodyWriter(LocalWriter):
    """Fails when its store does."""

    light = False

    def write(self, data: bytes | memoryview) -> None:
        self._store._may()  # type: ignore[attr-defined]
        super().write(data)

    def commit(self) -> Blob:
        self._store._may()  # type: ignore[attr-defined]
        return super().commit()

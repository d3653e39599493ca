"""A folder on disk as an export goes to it and comes from it (``journeys.export_all.Folder``)."""

import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from zegel.errors import Mistake, NotFound, Unavailable

_PIECE = 256 * 1024


class DiskFolder:
    """Files are written whole or not at all: beside their place, fsynced, renamed."""

    def __init__(self, path: Path):
        self._path = path

    def write(self, name: str, pieces: Iterator[bytes]) -> str:
        path = self._inside(name)
        found, part = hashlib.sha256(), path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with part.open("xb") as file:
                for piece in pieces:
                    found.update(piece)
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except OSError as error:
            raise Unavailable("{path} cannot be written.", code="unwritable-file", path=path) from error
        finally:
            part.unlink(missing_ok=True)
        return found.hexdigest()

    def digest(self, name: str) -> str | None:
        path = self._inside(name)
        if not path.is_file():
            return None
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def read(self, name: str) -> Iterator[bytes]:
        try:
            file = self._inside(name).open("rb")
        except OSError:
            raise NotFound("The export has no file {name}.", code="export-incomplete", name=name) from None
        with file:
            while piece := file.read(_PIECE):
                yield piece

    def _inside(self, name: str) -> Path:
        # Names come from the export itself, which may be anybody's.
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise Mistake("The export cannot be read: {reason}.", code="bad-export", reason=name[:100])
        return self._path / name

"""An export over several media (``journeys.export_all.Folder``): numbered folders, each no larger than a medium.

``volume-0001/``, ``volume-0002/`` … have the export's own files, and each

``SHA256SUMS``         of the files on this medium, for ``sha256sum --check``
``volume.json``        which export this is, which number of how many

A file that does not fit goes to the next medium; one above 1 MiB fills the medium and goes on there, as
``NAME.part-0001``, ``NAME.part-0002`` (``cat`` joins them). ``EXPORT-SHA256SUMS``, on the last medium, is of all
whole files. ``volume.json`` is written last: without it a medium does not belong to a complete export.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from zegel.doors.cli.folder import DiskFolder
from zegel.errors import Damaged, Mistake, NotFound

LEAST = 64 * 1024
_SMALL = 1024 * 1024
"""A file up to this size is never cut in two."""
_KEPT_FREE = 4096
"""For ``volume.json``."""
_SUMS, _ALL, _ABOUT = "SHA256SUMS", "EXPORT-SHA256SUMS", "volume.json"
_KIND = "export volume v1"
_PART = re.compile(r"(?P<name>.+)\.part-(?P<number>[0-9]{4})")
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}

Place = tuple[int, str]
"""Number of a volume, and the name of a file or part there."""


def read_size(text: str) -> int:
    """``4GB``, ``700 MB``, ``4.7GB``, ``650MiB`` → bytes; raises Mistake ``bad-size``."""
    found = re.fullmatch(r"\s*([0-9]{1,12}(?:\.[0-9]{1,3})?)\s*([kmgt]i?|)b?\s*", text.lower())
    size = int(float(found[1]) * _UNITS[found[2]]) if found else 0
    if size < LEAST:
        raise Mistake(
            "“{size}” is not the size of a medium, such as 4GB; 64KiB is the least.", code="bad-size", size=text[:40]
        )
    return size


class VolumesOut:
    """Written in order; what is there already with the same digest stays where it is."""

    def __init__(self, path: Path, size: int):
        self._path = path
        self._room = size - _KEPT_FREE
        self._used: dict[int, int] = {}
        self._places: dict[str, list[Place]] = {}
        self._digests: dict[Place, str] = {}
        for number, folder in _volumes_in(path):
            (folder / _ABOUT).unlink(missing_ok=True)  # not complete until this run ends
            self._used[number] = 0
            for file in sorted(one for one in folder.rglob("*") if one.is_file()):
                name = file.relative_to(folder).as_posix()
                if file.name.startswith("."):
                    file.unlink()  # of a run that was cut off
                elif name != _SUMS:
                    self._note(number, name, file.stat().st_size)
        self._current = max(self._used, default=1)

    @property
    def count(self) -> int:
        """How many media."""
        return len(self._used)

    def write(self, name: str, pieces: Iterator[bytes]) -> str:
        """Raises Unavailable ``unwritable-file``."""
        if name == _SUMS:
            digest = self._write(_ALL, pieces)
            self._finish(digest)
            return digest
        return self._write(name, pieces)

    def digest(self, name: str) -> str | None:
        """Of the whole file, over all its parts."""
        places = self._places.get(name)
        if not places:
            return None
        found = hashlib.sha256()
        for number, part in places:
            own = hashlib.sha256()
            for piece in self._folder(number).read(part):
                found.update(piece)
                own.update(piece)
            self._digests[number, part] = own.hexdigest()
        return found.hexdigest()

    def read(self, name: str) -> Iterator[bytes]:
        """Raises NotFound."""
        for number, part in _whole(self._places, name):
            yield from self._folder(number).read(part)

    def _write(self, name: str, pieces: Iterator[bytes]) -> str:
        head, rest = _beginning(pieces)
        if len(head) <= _SMALL and self.digest(name) == (digest := hashlib.sha256(head).hexdigest()):
            return digest
        for number, part in self._places.pop(name, []):
            self._forget(number, part)
        if len(head) <= _SMALL:
            return self._small(name, head)
        return self._large(name, chain([head], rest))

    def _small(self, name: str, data: bytes) -> str:
        if self._left(name) < len(data) and self._used.get(self._current):
            self._current += 1
        if len(data) > self._left(name):
            return self._large(name, iter([data]))
        digest = self._folder(self._current).write(name, iter([data]))
        self._note(self._current, name, len(data), digest)
        return digest

    def _large(self, name: str, pieces: Iterator[bytes]) -> str:
        """Fill this medium and go on at the next; a file that turns out to fit keeps its name."""
        found, number, waiting = hashlib.sha256(), 1, b""
        while True:
            part = f"{name}.part-{number:04d}"
            cut = _Cut(waiting, pieces, max(0, self._left(part)))
            digest = self._folder(self._current).write(part, cut.take(found)) if cut.room else ""
            waiting = cut.waiting
            if cut.room:
                if cut.ended and number == 1:
                    self._rename(part, name)
                    part = name
                self._note(self._current, part, cut.taken, digest)
                number += 1
            if cut.ended:
                return found.hexdigest()
            self._current += 1

    def _rename(self, part: str, name: str) -> None:
        folder = self._path / _name(self._current)
        (folder / part).replace(folder / name)

    def _left(self, name: str) -> int:
        return self._room - self._used.setdefault(self._current, 0) - _line(name)

    def _note(self, number: int, part: str, size: int, digest: str = "") -> None:
        self._used[number] = self._used.get(number, 0) + size + _line(part)
        found = _PART.fullmatch(part)
        self._places.setdefault(found["name"] if found else part, []).append((number, part))
        if digest:
            self._digests[number, part] = digest

    def _forget(self, number: int, part: str) -> None:
        path = self._path / _name(number) / part
        self._used[number] -= path.stat().st_size + _line(part)
        self._digests.pop((number, part), None)
        path.unlink()

    def _finish(self, export: str) -> None:
        """The list and the index of every medium; the index last."""
        per: dict[int, list[str]] = {number: [] for number in self._used}
        for places in self._places.values():
            for number, part in places:
                per[number].append(part)
        for number, parts in per.items():
            sums = [(part, self._digests.get((number, part)) or self._folder(number).digest(part)) for part in parts]
            lines = "".join(f"{digest}  {part}\n" for part, digest in sorted(sums))
            self._folder(number).write(_SUMS, iter([lines.encode()]))
        for number, parts in per.items():
            about = {"zegel": _KIND, "export": export, "volume": number, "volumes": len(per), "files": len(parts)}
            self._folder(number).write(_ABOUT, iter([json.dumps(about, indent=1).encode()]))

    def _folder(self, number: int) -> DiskFolder:
        return DiskFolder(self._path / _name(number))


class _Cut:
    """So many bytes of a stream of pieces, and what was left of the last one."""

    def __init__(self, waiting: bytes, pieces: Iterator[bytes], room: int):
        self.waiting, self.room, self.taken, self.ended = waiting, room, 0, False
        self._pieces = pieces

    def take(self, whole: Any) -> Iterator[bytes]:
        while self.taken < self.room and self._fill():
            piece, self.waiting = self.waiting[: self.room - self.taken], self.waiting[self.room - self.taken :]
            self.taken += len(piece)
            whole.update(piece)
            yield piece
        self._fill()

    def _fill(self) -> bool:
        while not self.waiting and not self.ended:
            piece = next(self._pieces, None)
            self.ended, self.waiting = piece is None, piece or b""
        return not self.ended


class VolumesIn:
    """All volumes of one export, given in any order; every checksum is right before a byte is handed out."""

    def __init__(self, paths: Sequence[Path]):
        """Raises Mistake ``bad-export``, NotFound ``volumes-missing`` naming them, Damaged ``export-altered``."""
        self._folders: dict[int, Path] = {}
        self._places: dict[str, list[Place]] = {}
        self._digests: dict[Place, str] = {}
        abouts = [(folder, _about(folder)) for folder in paths]
        exports = {about["export"] for _, about in abouts}
        if len(exports) != 1 or len({about["volumes"] for _, about in abouts}) != 1:
            raise Mistake(
                "The export cannot be read: {reason}.", code="bad-export", reason="volumes of several exports"
            )
        for folder, about in abouts:
            self._folders.setdefault(about["volume"], folder)
        missing = sorted(set(range(1, abouts[0][1]["volumes"] + 1)) - set(self._folders))
        if missing:
            raise NotFound("These volumes of the export are missing: {numbers}.", code="volumes-missing",
                           numbers=", ".join(map(str, missing)))  # fmt: skip
        for number in sorted(self._folders):
            self._check(number)
        if self._digest(_ALL) != exports.pop():
            raise Damaged("The file {name} of the export was altered.", code="export-altered", name=_ALL)
        self._check_all()

    def write(self, name: str, pieces: Iterator[bytes]) -> str:
        raise AssertionError("an export that is read is not written")

    def digest(self, name: str) -> str | None:
        return self._digest(_ALL if name == _SUMS else name) if name in self._places else None

    def read(self, name: str) -> Iterator[bytes]:
        for number, part in _whole(self._places, _ALL if name == _SUMS else name):
            yield from DiskFolder(self._folders[number]).read(part)

    def _digest(self, name: str) -> str:
        found = hashlib.sha256()
        for piece in self.read(name):
            found.update(piece)
        return found.hexdigest()

    def _check(self, number: int) -> None:
        folder = DiskFolder(self._folders[number])
        for line in b"".join(folder.read(_SUMS)).decode(errors="replace").splitlines():
            digest, _, part = line.partition("  ")
            there = folder.digest(part)
            if there is None:
                raise NotFound("The export has no file {name}.", code="export-incomplete", name=part[:100])
            if there != digest:
                raise Damaged("The file {name} of the export was altered.", code="export-altered", name=part[:100])
            found = _PART.fullmatch(part)
            self._places.setdefault(found["name"] if found else part, []).append((number, part))
            self._digests[number, part] = digest

    def _check_all(self) -> None:
        """By the export's own list: who changed a medium could change the list on that medium, and not this one."""
        for line in b"".join(self.read(_SUMS)).decode(errors="replace").splitlines():
            digest, _, name = line.partition("  ")
            places = _whole(self._places, name)
            whole = self._digests[places[0]] if len(places) == 1 else self._digest(name)
            if whole != digest:
                raise Damaged("The file {name} of the export was altered.", code="export-altered", name=name[:100])


def volumes_among(paths: Sequence[Path]) -> list[Path]:
    """Those of these folders that are volumes, and the volumes directly in them; empty for a plain export."""
    found = [path for path in paths if (path / _ABOUT).is_file()]
    for path in paths:
        found += [folder for _, folder in _volumes_in(path)]
    return found


def _volumes_in(path: Path) -> list[tuple[int, Path]]:
    found = [(re.fullmatch(r"volume-([0-9]{4})", one.name), one) for one in path.glob("volume-*") if one.is_dir()]
    return sorted((int(name[1]), one) for name, one in found if name)


def _about(folder: Path) -> dict[str, Any]:
    try:
        about = json.loads(b"".join(DiskFolder(folder).read(_ABOUT)))
        right = about["zegel"] == _KIND and 1 <= int(about["volume"]) <= int(about["volumes"]) <= 9999
        if right and isinstance(about["export"], str):
            return dict(about)
    except (ValueError, KeyError, TypeError, NotFound):
        pass
    raise Mistake("The export cannot be read: {reason}.", code="bad-export", reason=f"{folder.name}/{_ABOUT}"[:100])


def _whole(places: dict[str, list[Place]], name: str) -> list[Place]:
    """A file's parts in order; raises NotFound when one is not there."""
    found = sorted(places.get(name, []), key=lambda place: place[1])
    numbers = [int(part["number"]) for _, text in found if (part := _PART.fullmatch(text))]
    if not found or (numbers and numbers != list(range(1, len(found) + 1))):
        raise NotFound("The export has no file {name}.", code="export-incomplete", name=name[:100])
    return found


def _beginning(pieces: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first 1 MiB and a little more, and the rest."""
    kept = bytearray()
    for piece in pieces:
        kept += piece
        if len(kept) > _SMALL:
            break
    return bytes(kept), pieces


def _line(part: str) -> int:
    return 64 + 2 + len(part.encode()) + 1


def _name(number: int) -> str:
    return f"volume-{number:04d}"

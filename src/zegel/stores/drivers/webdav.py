"""A folder at a WebDAV server (RFC 4918): what a hosting company or another public body has when it has no S3.

Objects lie at ``blobs/<first two letters>/<name>``, parts of large uploads at ``parts/<name>.<owner>/<number>``; how
they get there, ``webdav_writer`` tells. WebDAV shows no old versions: a waste bin stays hidden.
"""

import secrets
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Final

import httpx

from zegel.errors import Mistake, NotFound, Unavailable
from zegel.parcels.deposit import Blob
from zegel.stores.drivers.driver import (
    PIECE,
    Guarantees,
    Remains,
    Stored,
    Writer,
    check_address,
    checked_name,
    full,
    is_permanent,
    locked,
    missing,
    missing_part,
    parts_of,
    refused,
    silent,
    write_all,
)
from zegel.stores.drivers.webdav_writer import WebdavWriter
from zegel.stores.drivers.webdav_xml import ASK, Entry, read_entries

_LISTING: Final = 64 * 1024 * 1024
"""A folder's listing beyond this is no listing of ours."""
_AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True)
class Folder:
    """Where it is and how to get in (Basic, RFC 7617)."""

    url: str
    user: str
    password: str = field(repr=False)


class WebdavStore:
    """A ``Driver`` in a folder."""

    # Not exclusive: servers look whether a name is free, and move after that.
    guarantees = Guarantees(exclusive=False, prompt=False)

    def __init__(self, folder: Folder, connect_seconds: float = 5, read_seconds: float = 20, connections: int = 32):
        check_address(folder.url)
        self._url = folder.url.rstrip("/") + "/"
        self._client = httpx.Client(
            auth=(folder.user, folder.password),
            timeout=httpx.Timeout(read_seconds, connect=connect_seconds),
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            # A redirect would carry the password somewhere else.
            follow_redirects=False,
            headers={"Accept-Encoding": "identity"},
        )
        self._made: set[str] = set()
        self._lock = threading.Lock()

    # One object ---------------------------------------------------------------------------------------------------

    def open_write(self, name: str) -> WebdavWriter:
        return WebdavWriter(self, self._path(name), name)

    def commit_all(self, writers: Sequence[Writer]) -> list[Blob]:
        return [writer.commit() for writer in writers]

    def read(self, name: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        return self.read_path(self._path(name), start, length)

    def read_path(self, path: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        if length == 0:
            return iter(())
        headers = {}
        if start or length is not None:
            headers["Range"] = f"bytes={start}-" + ("" if length is None else str(start + length - 1))
        with _translated():
            answer = self._client.send(
                self._client.build_request("GET", self._url + path, headers=headers), stream=True
            )
        if answer.status_code in (200, 206):
            skipped = start if answer.status_code == 200 else 0
            return _pieces(answer, skipped, length)
        answer.close()
        if answer.status_code == 416:
            return iter(())
        raise self._failure(answer)

    def size(self, name: str) -> int:
        path = self._path(name)
        entries = self._entries(path, depth=0)
        if entries is None:
            raise self._lost()
        return entries[0].size

    def delete(self, names: Sequence[str]) -> dict[str, Unavailable]:
        paths = [self._path(name) for name in names]
        with ThreadPoolExecutor(_AT_ONCE, "webdav") as pool:
            answers = list(pool.map(self._delete, paths))
        return {name: why for name, why in zip(names, answers, strict=True) if why}

    def _delete(self, path: str) -> Unavailable | None:
        answer = self.ask("DELETE", path)
        if answer.status_code in (200, 202, 204, 404):
            return None
        if answer.status_code >= 500:
            with suppress(Unavailable):
                if self._entries(path, depth=0) is None:
                    # Of two that delete it at once, a server may tell the second anything; what counts is that it went.
                    self._must_be_there()
                    return None
        # 423 is a lock; 403 for a name that we may see is a server that does not let it go.
        return locked(f"HTTP {answer.status_code}") if answer.status_code in (403, 423) else self._unavailable(answer)

    # Everything ---------------------------------------------------------------------------------------------------

    def listing(self) -> Iterator[Stored]:
        for under in self._folders("blobs"):
            for entry in self._files(f"blobs/{under}"):
                with suppress(Mistake):
                    yield Stored(checked_name(entry.name), entry.size, entry.moment)

    def sweep(self, moment: datetime) -> int:
        old = [f"incoming/{entry.name}" for entry in self._files("incoming") if entry.moment < moment]
        for under in self._folders("parts"):
            files = self._files(f"parts/{under}")
            old += [f"parts/{under}/{entry.name}" for entry in files if entry.moment < moment]
        for path in old:
            self._delete(path)
        for folder in self._inside("parts"):
            # One that is old: in another, the first part is perhaps about to come.
            if folder.folder and folder.moment < moment and not self._files(f"parts/{folder.name}"):
                self._delete(f"parts/{folder.name}/")
        return len(old)

    def remains(self) -> Remains:
        found = Remains()
        for stored in self.listing():
            found.objects += 1
            found.size += stored.size
        found.uploads = len(self._files("incoming"))
        found.uploads += sum(len(self._files(f"parts/{under}")) for under in self._folders("parts"))
        return found

    # Parts of large uploads ---------------------------------------------------------------------------------------

    def write_part(self, name: str, number: int, data: Iterator[bytes], owner: str) -> None:
        write_all(WebdavWriter(self, f"{self._parts(name, owner)}/{number:06d}", name, replace=True), data)

    def read_parts(self, name: str, count: int, owner: str) -> Iterator[bytes]:
        under = self._parts(name, owner)
        there = {entry.name for entry in self._files(under)}
        numbers = [f"{number:06d}" for number in range(count)]
        if not there.issuperset(numbers):
            raise missing_part()
        return (piece for number in numbers for piece in self.read_path(f"{under}/{number}"))

    def forget_parts(self, name: str, owner: str) -> None:
        self._delete(self._parts(name, owner) + "/")

    def _parts(self, name: str, owner: str) -> str:
        return f"parts/{parts_of(name, owner)}"

    # Putting in place (for the writer) ----------------------------------------------------------------------------

    def put(self, source: IO[bytes], size: int) -> str:
        """Send everything of ``source`` to a fresh name under ``incoming/``; returns that path."""
        path = f"incoming/{secrets.token_hex(16)}"
        self._make("incoming")
        headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
        answer = self.ask("PUT", path, content=_chunks(source), headers=headers)
        if answer.status_code not in (200, 201, 204):
            raise self._failure(answer)
        return path

    def move(self, source: str, path: str, overwrite: bool) -> bool:
        """Give it its name; False when the name is taken."""
        self._make(path.rpartition("/")[0])
        headers = {"Destination": self._url + path, "Overwrite": "T" if overwrite else "F"}
        answer = self.ask("MOVE", source, headers=headers)
        if answer.status_code == 409:
            # Somebody swept the folder away in between.
            with self._lock:
                self._made.clear()
            self._make(path.rpartition("/")[0])
            answer = self.ask("MOVE", source, headers=headers)
        if answer.status_code in (201, 204):
            return True
        if answer.status_code == 412:
            return False
        if not overwrite and self._entries(path, depth=0) is not None:
            # Moved, and the answer is about something else; or of two at once, the second, which was told anything.
            return False
        raise self._failure(answer)

    def forget(self, path: str) -> None:
        """Remove what will not be moved; a failure is no harm, the sweep finds it."""
        with suppress(Unavailable):
            self._delete(path)

    # Asking -------------------------------------------------------------------------------------------------------

    def ask(self, method: str, path: str, **facts: object) -> httpx.Response:
        """One request; raises Unavailable when no answer came."""
        with _translated():
            return self._client.request(method, self._url + path, **facts)  # type: ignore[arg-type]

    def _path(self, name: str) -> str:
        return f"blobs/{checked_name(name)[:2]}/{name}"

    def _make(self, folder: str) -> None:
        """Make a folder and those above it, once per process. Raises Unavailable ``store-refused``: not even ours."""
        if folder in self._made:
            return
        made = ""
        for part in folder.split("/"):
            made = f"{made}{part}/"
            answer = self.ask("MKCOL", made)
            # 405: it is there (RFC 4918 §9.3.1). 409: what it should be in is not.
            if answer.status_code == 409:
                raise refused("the folder of this patch is not there")
            if answer.status_code not in (200, 201, 405) and self._entries(made, depth=0) is None:
                # Of two that make it at once, a server may tell the second anything; what counts is that it is there.
                raise self._failure(answer)
        with self._lock:
            self._made.add(folder)

    def _folders(self, path: str) -> list[str]:
        return sorted(entry.name for entry in self._inside(path) if entry.folder)

    def _files(self, path: str) -> list[Entry]:
        return sorted((entry for entry in self._inside(path) if not entry.folder), key=lambda entry: entry.name)

    def _inside(self, path: str) -> list[Entry]:
        entries = self._entries(path + "/", depth=1)
        own = path.rpartition("/")[2]
        if entries is None:
            self._must_be_there()
            return []
        # The first response is the folder itself, but no rule says so.
        return [entry for entry in entries if entry.name != own or not entry.folder]

    def _entries(self, path: str, depth: int) -> list[Entry] | None:
        try:
            return self._asked_entries(path, depth)
        except Unavailable as error:
            if is_permanent(error):
                raise
            # Once more: a server may fail over an entry that vanishes while it looks.
            return self._asked_entries(path, depth)

    def _asked_entries(self, path: str, depth: int) -> list[Entry] | None:
        headers = {"Depth": str(depth), "Content-Type": "application/xml"}
        with _translated(), self._client.stream("PROPFIND", self._url + path, content=ASK, headers=headers) as answer:
            if answer.status_code == 404:
                return None
            if answer.status_code != 207:
                raise self._failure(answer)
            body = bytearray()
            for piece in answer.iter_raw():
                body += piece
                if len(body) > _LISTING:
                    raise silent()
        try:
            return read_entries(bytes(body)) or None
        except ValueError:
            raise silent() from None

    def _failure(self, answer: httpx.Response) -> Unavailable | NotFound:
        return self._lost() if answer.status_code == 404 else self._unavailable(answer)

    def _lost(self) -> NotFound:
        """Not there, if the server is sure: one that has lost our whole folder says 404 to everything."""
        self._must_be_there()
        return missing()

    def _must_be_there(self) -> None:
        answer = self.ask("PROPFIND", "", content=ASK, headers={"Depth": "0", "Content-Type": "application/xml"})
        if answer.status_code == 404:
            raise refused("the folder of this patch is not there")
        if answer.status_code != 207:
            raise self._unavailable(answer)

    def _unavailable(self, answer: httpx.Response) -> Unavailable:
        match answer.status_code:
            case 401 | 403:
                return refused(f"HTTP {answer.status_code}")
            case 413 | 507:
                return full()
        return silent(30)


def _chunks(source: IO[bytes]) -> Iterator[bytes]:
    while piece := source.read(PIECE):
        yield piece


def _pieces(answer: httpx.Response, skip: int, length: int | None) -> Iterator[bytes]:
    """The body in pieces; of a server that does not know ranges, the part that was asked for."""
    left = length
    try:
        with _translated():
            for raw in answer.iter_raw(PIECE):
                piece = raw[skip:]
                skip = max(0, skip - len(raw))
                if left is not None:
                    piece = piece[:left]
                    left -= len(piece)
                if piece:
                    yield piece
                if left == 0:
                    return
    finally:
        answer.close()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (httpx.HTTPError, httpx.StreamError, OSError) as error:
        raise silent() from error

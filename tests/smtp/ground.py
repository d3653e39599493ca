"""The door on real sealing: blobs in memory, deposits caught and opened again the way a reader does."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from tests.ground.smtp_door import Server
from zegel import seal
from zegel.doors.smtp.config import DoorConfig, Listener
from zegel.doors.smtp.desk import Bounces, Journeys
from zegel.errors import Denied, NotFound, Unavailable
from zegel.journeys.authors import Authors
from zegel.journeys.ports.people import Actor
from zegel.journeys.read import open_slip
from zegel.journeys.submit import Submit
from zegel.parcels.claim import Link, read_secret
from zegel.parcels.deposit import Blob, Deposit, Reader, check_deposit
from zegel.parcels.limits import Limits
from zegel.parcels.manifest import Manifest, Organisation
from zegel.parcels.release import Released
from zegel.parcels.signature import Signature, read_signed

NOW = datetime(2026, 11, 20, 9, 14, tzinfo=UTC)
SENDER = "zorg@voorbeeld.example"
PASSWORD = "een lang wachtwoord"
READER = "j.dejong@example.net"


@dataclass(frozen=True)
class Account:
    account: str = "acc"
    active: bool = True
    address: str = SENDER
    name: str = "Afdeling Zorg"
    officer: bool = False


def authenticate(address: str, secret: str) -> Actor:
    if (address, secret) != (SENDER, PASSWORD):
        raise Denied("Address or password is wrong.", code="bad-login")
    return Account()


class MemoryStore:
    """A sink whose blobs exist once committed; ``broken`` makes every write fail as a full disk does."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.broken = False
        self.most_open = 0
        self.opened = 0

    def open_write(self, blob: str, class_: int | None = None) -> "MemoryWriter":
        self.opened += 1
        return MemoryWriter(self, blob)

    def commit_all(self, writers: Sequence["MemoryWriter"]) -> list[Blob]:
        return [writer.commit() for writer in writers]

    def delete(self, blob: str) -> None:
        self.blobs.pop(blob, None)


class MemoryWriter:
    light = True

    def __init__(self, store: MemoryStore, blob: str):
        self._store = store
        self._blob = blob
        self._data = bytearray()

    def write(self, data: bytes | memoryview) -> None:
        if self._store.broken:
            raise Unavailable("The disk is full.", code="disk-full")
        self._data += data

    def commit(self) -> Blob:
        self._store.blobs[self._blob] = bytes(self._data)
        return Blob(self._blob, len(self._data), hashlib.sha256(self._data).hexdigest())

    def abort(self) -> None:
        self._data.clear()


COLLEAGUE = Account("acc2", True, "vergunningen@voorbeeld.example", "Vergunningen")
CLOSED = Account("acc3", False, "weg@voorbeeld.example", "Weg")
TEAM = "loket@voorbeeld.example"


class Accounts:
    """As much of ``People`` as authors need: two accounts, a closed one, and a mailbox that the first may send as."""

    def __init__(self) -> None:
        self.ended: set[str] = set()
        """Accounts that nothing opens any more."""

    def is_current(self, actor: Actor) -> bool:
        return actor.account not in self.ended

    def find(self, address: str) -> Actor:
        found = {one.address: one for one in (Account(), COLLEAGUE, CLOSED)}.get(address)
        if found is None:
            raise NotFound("There is no account with this address.", code="unknown-account")
        return found

    def standing_for(self, account: str, address: str) -> Actor | None:
        return Account(address=TEAM, name="Loket") if (account, address.lower()) == ("acc", TEAM) else None


class Vouching:
    def vouch(self, actor: Actor, parcel: str, digest: str) -> Signature:
        return Signature("KEY", "post.voorbeeld.example", actor.address, NOW, b"e" * 64, b"m" * 3309)


@dataclass(frozen=True)
class Received:
    """One parcel as its first reader opens it; ``files`` are (name, media type, content id, bytes)."""

    manifest: Manifest
    readers: tuple[Reader, ...]
    files: list[tuple[str, str, str, bytes]]

    @property
    def names(self) -> list[str]:
        return [name for name, *_ in self.files]

    def file(self, name: str) -> bytes:
        found = [data for wanted, _, _, data in self.files if wanted == name]
        assert len(found) == 1, (name, self.names)
        return found[0]


class House:
    """``submit`` for the door, and what came of it in ``received``. ``before_deposit`` may wait, or raise."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.store = MemoryStore()
        self.deposits: list[Deposit] = []
        self.limits = limits or Limits()
        self.before_deposit: Callable[[], None] = lambda: None
        self.arrived = threading.Condition()
        self._courier = seal.HybridIdentity.generate()
        self.submit = Submit(
            self.store,
            self,
            Vouching(),
            Organisation("Gemeente Voorbeeld", "post.voorbeeld.example"),
            str(self._courier.recipient),
            "",
            self.limits,
            lambda: NOW,
        )

        self.accounts = Accounts()
        # Only what authors ask for is there.
        domains = frozenset({"voorbeeld.example"})
        self.authors = Authors(None, self.accounts, domains, lambda: NOW)  # type: ignore[arg-type]

    def deposit(self, actor: Actor, deposit: Deposit) -> str:
        self.before_deposit()
        check_deposit(deposit, NOW, self.limits)
        assert all(blob.blob in self.store.blobs for blob in deposit.blobs)
        with self.arrived:
            self.deposits.append(deposit)
            self.arrived.notify_all()
        return deposit.parcel

    @property
    def received(self) -> list[Received]:
        return [self._open(deposit) for deposit in self.deposits]

    @property
    def last(self) -> Received:
        return self._open(self.deposits[-1])

    def _open(self, deposit: Deposit) -> Received:
        reader = deposit.readers[0]
        notice = json.loads(seal.open_(reader.sealed_notice, self._courier))
        link = Link("https://post.voorbeeld.example", notice["slip"], read_secret(notice["secret"]))
        blobs = tuple((blob.blob, blob.size) for blob in deposit.blobs)
        key = open_slip(link, Released(deposit.parcel, reader.sealed_slip, reader.share, blobs, "", NOW))
        signed = seal.open_(self.store.blobs[deposit.blobs[0].blob], key)
        manifest = read_signed(signed, deposit.parcel)[0]
        files = []
        for item in manifest.attachments:
            data = seal.open_(self.store.blobs[item.blob], key)
            assert (len(data), hashlib.sha256(data).hexdigest()) == (item.size, item.sha256)
            files.append((item.name, item.type, item.cid, data))
        return Received(manifest, deposit.readers, files)


@dataclass
class Door:
    """A listening door; ``ports`` are those of its listeners."""

    ports: tuple[int, ...]
    house: House
    server: Server = field(repr=False)

    @property
    def port(self) -> int:
        return self.ports[0]


@contextmanager
def open_door(
    config: DoorConfig | None = None, house: House | None = None, bounces: Bounces | None = None
) -> Iterator[Door]:
    """A door on free ports of 127.0.0.1, with every reader needing no more than the link unless the mail says so."""
    house = house or House()
    settings = config or DoorConfig(hostname="post.voorbeeld.example", default_proof="mail")
    settings = replace(settings, listeners=tuple(replace(one, port=0) for one in settings.listeners))
    server = Server(settings, Journeys(house.submit, authenticate, house.authors, lambda: NOW, bounces))
    server.start()
    try:
        yield Door(server.ports, house, server)
    finally:
        server.stop()


def listening(**facts: object) -> DoorConfig:
    """A configuration with one listener that has these facts."""
    return DoorConfig("post.voorbeeld.example", (Listener(**facts),), default_proof="mail")  # type: ignore[arg-type]

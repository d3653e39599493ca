"""The whole installation out into a folder and in again: age files, slips, JSON, the audit chain.

``zegel-export.json``          what this is, when it was made, how many parcels, the chain's head
``parcels/ab/abcd….json``      one parcel: its row, blobs, slips (base64), notices that were not sent yet
``blobs/ab/abcd….age``         sealed files as they lie in storage
``audit.jsonl``                the chain, an entry a line
``accounts.json``              only when asked for: accounts, rights, hashes of passwords and tokens
``SHA256SUMS``                 of every file, for ``sha256sum --check``

Nothing is opened: what was sealed stays sealed. Private keys are not in it; they move by themselves (docs/how-to).
Both ways may be cut off and run again. Parcels that are gone are there too, without blobs: senders still see them.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, Protocol

from zegel.audit.entry import Entry, Head, check_chain
from zegel.audit.events import Event
from zegel.errors import Damaged, Mistake, NotFound
from zegel.journeys.ports.clock import Clock
from zegel.journeys.ports.moving import MovingPeople, MovingRecords
from zegel.journeys.ports.stores import BlobStore
from zegel.parcels.deposit import Blob
from zegel.parcels.identifiers import checked

_ABOUT = "zegel-export.json"
_AUDIT = "audit.jsonl"
_ACCOUNTS = "accounts.json"
_SUMS = "SHA256SUMS"
_BATCH = 500


class Folder(Protocol):
    """Where an export goes and comes from; names are relative, with ``/``. The door brings one on disk."""

    def write(self, name: str, pieces: Iterator[bytes]) -> str:
        """Write a file whole or not at all; returns its SHA-256."""

    def digest(self, name: str) -> str | None:
        """SHA-256 of a file, None when it is not there."""

    def read(self, name: str) -> Iterator[bytes]:
        """Raises NotFound."""


@dataclass(frozen=True, slots=True)
class Moved:
    """How much."""

    parcels: int = 0
    blobs: int = 0
    skipped: int = 0
    accounts: int = 0
    fingerprint: str = ""
    """SHA-256 of the export's list, so of all that is in it: the same at both ends, however it was split."""


@dataclass(frozen=True, slots=True)
class ExportAll:
    """Out."""

    records: MovingRecords
    people: MovingPeople
    store: BlobStore
    clock: Clock

    def run(self, folder: Folder, accounts: bool = False) -> Moved:
        """Write everything; what is there already with the right digest is left as it is.

        ``accounts``: also who may log in. Whoever has the file can guess at passwords for as long as he likes.

        Raises Damaged or Unavailable when a blob cannot be read: an export is complete or it has no SHA256SUMS.
        """
        sums: dict[str, str] = {}
        done, last = Moved(), ""
        while parcels := self.records.parcels_after(last, _BATCH):
            for parcel in parcels:
                done = self._parcel(folder, parcel, sums, done)
            last = parcels[-1]
        if accounts:
            found = self.people.export_accounts()
            text = json.dumps({"zegel": "accounts v1", "accounts": found}, indent=1, ensure_ascii=False)
            sums[_ACCOUNTS] = folder.write(_ACCOUNTS, iter([text.encode()]))
            done = replace(done, accounts=len(found))
        head = self._audit(folder, sums)
        about = {
            "zegel": "export all v1",
            "made": self.clock().isoformat(),
            "parcels": done.parcels,
            "blobs": done.blobs + done.skipped,
            "head": f"{head.number}:{head.hash}",
        }
        sums[_ABOUT] = folder.write(_ABOUT, iter([json.dumps(about, indent=1).encode()]))
        lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items()))
        return replace(done, fingerprint=folder.write(_SUMS, iter([lines.encode()])))

    def _parcel(self, folder: Folder, parcel: str, sums: dict[str, str], done: Moved) -> Moved:
        members = self.records.export_parcel(parcel)
        state = members["parcel"]["state"]
        for blob in members["blobs"] if state == "live" else ():
            name = f"blobs/{blob['blob'][:2]}/{blob['blob']}.age"
            sums[name] = blob["sha256"]
            if folder.digest(name) == blob["sha256"]:
                done = replace(done, skipped=done.skipped + 1)
                continue
            if folder.write(name, self.store.read(blob["blob"])) != blob["sha256"]:
                raise Damaged("The storage returned something else than what was written.", code="blob-altered")
            done = replace(done, blobs=done.blobs + 1)
        text = json.dumps(members, indent=1, sort_keys=True).encode()
        name = f"parcels/{parcel[:2]}/{parcel}.json"
        sums[name] = folder.write(name, iter([text]))
        return replace(done, parcels=done.parcels + 1)

    def _audit(self, folder: Folder, sums: dict[str, str]) -> Head:
        head = self.records.audit_head()

        def lines() -> Iterator[bytes]:
            after = 0
            while entries := [one for one in self.records.audit_entries(after) if one.number <= head.number]:
                after = entries[-1].number
                yield b"".join(_spell_entry(entry) for entry in entries)

        sums[_AUDIT] = folder.write(_AUDIT, lines())
        return head


@dataclass(frozen=True, slots=True)
class ImportAll:
    """In. Blobs go where this installation's own rules place their class."""

    records: MovingRecords
    people: MovingPeople
    store: BlobStore
    clock: Clock

    def run(self, folder: Folder, accounts: bool = False, fingerprint: str = "") -> Moved:
        """Read an export in. Raises Mistake ``bad-export`` or ``unplaceable``, Damaged, NotFound.

        ``accounts``: let those of the export log in here too. An account that is here already stays as it is.
        ``fingerprint``: what the export's end told; of another export nothing is read in (Damaged ``other-export``).
        """
        sums, found = self._sums(folder)
        if fingerprint and "".join(fingerprint.split()).lower() != found:
            raise Damaged("This export has another fingerprint: {found}.", code="other-export", found=found)
        done = Moved(fingerprint=found)
        for name in [name for name in sums if name.startswith("parcels/")]:
            members = self._json(folder, name, sums)
            done = self._parcel(folder, members, done)
        self._audit(folder, sums)
        return replace(done, accounts=self._accounts(folder, sums)) if accounts else done

    def _accounts(self, folder: Folder, sums: dict[str, str]) -> int:
        found, added = self._json(folder, _ACCOUNTS, sums).get("accounts"), 0
        if not isinstance(found, list):
            raise _bad(_ACCOUNTS)
        for members in found:
            with self.records.transaction():
                account = self.people.import_account(members)
                if account:
                    self.records.append_audit(self.clock(), "operator", Event.ACCOUNT_IMPORTED, account, {})
            added += account is not None
        return added

    def _parcel(self, folder: Folder, members: dict[str, Any], done: Moved) -> Moved:
        facts, copies = members.get("parcel"), []
        if not isinstance(facts, dict) or not isinstance(members.get("blobs"), list):
            raise _bad("a parcel without its rows")
        class_ = int(facts["class_number"])
        if facts["state"] == "live" and not self._is_here(str(facts["parcel"])):
            blobs = [Blob(checked(row["blob"]), int(row["size"]), str(row["sha256"])) for row in members["blobs"]]
            for blob in blobs:
                self._blob(folder, blob, class_)
            copies = self.store.settle(blobs, class_)
            done = replace(done, blobs=done.blobs + len(blobs))
        with self.records.transaction():
            new = self.records.import_parcel(members)
            if new and copies:
                self.records.add_copies(copies, self.clock())
        return replace(done, parcels=done.parcels + new, skipped=done.skipped + (not new))

    def _is_here(self, parcel: str) -> bool:
        try:
            self.records.parcel(parcel)
        except NotFound:
            return False
        return True

    def _blob(self, folder: Folder, blob: Blob, class_: int) -> None:
        writer = self.store.open_write(blob.blob, class_)
        try:
            for piece in folder.read(f"blobs/{blob.blob[:2]}/{blob.blob}.age"):
                writer.write(piece)
            done = writer.commit()
        finally:
            writer.abort()
        if (done.size, done.sha256) != (blob.size, blob.sha256):
            self.store.delete(blob.blob)
            raise Damaged("The file of the blob {blob} was altered.", code="blob-altered", blob=blob.blob)

    def _audit(self, folder: Folder, sums: dict[str, str]) -> None:
        """The chain goes on where it was; into an installation that has entries of its own it is not mixed."""
        if self.records.audit_head().number:
            return
        text = self._whole(folder, _AUDIT, sums)
        entries = [_read_entry(line) for line in text.decode().splitlines()]
        if not entries:
            return
        check_chain(entries, Head(entries[-1].number, entries[-1].hash))
        with self.records.transaction():
            self.records.import_audit(entries)

    def _sums(self, folder: Folder) -> tuple[dict[str, str], str]:
        text = b"".join(folder.read(_SUMS))
        lines = (line.partition("  ") for line in text.decode(errors="replace").splitlines())
        return {name: digest for digest, _, name in lines}, hashlib.sha256(text).hexdigest()

    def _json(self, folder: Folder, name: str, sums: dict[str, str]) -> dict[str, Any]:
        try:
            members = json.loads(self._whole(folder, name, sums))
        except ValueError:
            raise _bad(name) from None
        if not isinstance(members, dict):
            raise _bad(name)
        return members

    def _whole(self, folder: Folder, name: str, sums: dict[str, str]) -> bytes:
        if ".." in PurePosixPath(name).parts or name not in sums:
            raise _bad(name)
        data = b"".join(folder.read(name))
        if hashlib.sha256(data).hexdigest() != sums[name]:
            raise Damaged("The file {name} of the export was altered.", code="export-altered", name=name)
        return data


def _spell_entry(entry: Entry) -> bytes:
    members = {
        "number": entry.number,
        "moment": entry.moment.isoformat(),
        "actor": entry.actor,
        "event": str(entry.event),
        "subject": entry.subject,
        "facts": dict(entry.facts),
        "previous": entry.previous,
        "hash": entry.hash,
    }
    return json.dumps(members, sort_keys=True).encode() + b"\n"


def _read_entry(line: str) -> Entry:
    try:
        members = json.loads(line)
        return Entry(**{**members, "moment": datetime.fromisoformat(members["moment"])})
    except (ValueError, TypeError, KeyError):
        raise _bad(_AUDIT) from None


def _bad(what: str) -> Mistake:
    return Mistake("The export cannot be read: {reason}.", code="bad-export", reason=what[:100])

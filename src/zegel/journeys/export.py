"""Export: one reader's parcel as plain age files, for stock tools (docs/format.md §8)."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from zegel.audit.events import Event
from zegel.errors import NotFound
from zegel.journeys.ports.clock import Clock
from zegel.journeys.ports.records import Records
from zegel.journeys.ports.stores import BlobStore
from zegel.parcels.addresses import checked_address
from zegel.parcels.claim import spell_secret
from zegel.parcels.identifiers import checked
from zegel.parcels.states import Slip, check_open

File = tuple[str, Iterator[bytes]]
"""A relative name with ``/``, and the bytes."""

_OPEN = """\
Open it with the age program (https://age-encryption.org, version 1.3 or later), without Zegel:

    age -d -i KEY.txt slip.age > parcel.txt
    age -d -i parcel.txt blobs/{manifest}.age > manifest.jsonl

manifest.jsonl holds the message as JSON (first line) and the organisation's signature (second line). Its "attachments"
name the other files in blobs/:

    age -d -i parcel.txt blobs/BLOB.age > NAME
"""
_CLAIM = """
KEY.txt is the identity that follows from the link in the notice and from release-share.txt:

    HKDF-SHA256(ikm = 32 bytes of the link after "#" + 32 bytes of release-share.txt (both base64url),
                salt = the 16 bytes of the slip identifier (base32), info = "zegel claim v1", 32 bytes)

as an age identity (Bech32, prefix "AGE-SECRET-KEY-PQ-"). With Zegel at hand, "zegel claim" does this.
"""
_MAILBOX = """
KEY.txt is keys/mailboxes/DOMAIN.key of the inside zone.
"""
_ARRIVAL = """
KEY.txt is keys/arrivals.key of the inside zone.
"""
_MAIL = """
The mail itself, as it was delivered to readers who have a mail server of their own:

    age -d -i parcel.txt blobs/{mail}.age > mail.eml
"""


@dataclass(frozen=True, slots=True)
class Export:
    """What an operator can take out; it stays sealed, so he cannot read it."""

    records: Records
    store: BlobStore
    clock: Clock

    def files(self, parcel: str, reader: str) -> list[File]:
        """The files for one reader: an address, or ``archive``. Raises NotFound: parcel, reader, or ended."""
        slip = self._slip(parcel, reader)
        check_open(slip, self.clock())
        blobs = self.records.blobs_of(parcel)
        shown = slip.attachments + 1
        if slip.kind != "archive":
            # The mail itself is for readers to whom it travels, and for the archive.
            blobs = blobs[:shown]
        with self.records.transaction():
            self.records.append_audit(self.clock(), "operator", Event.PARCEL_EXPORTED, parcel, {"slip": slip.slip})
        about = {"zegel": "export v1", "parcel": parcel, "slip": slip.slip, "blobs": [blob.blob for blob in blobs]}
        text = f"Zegel parcel {parcel}, slip {slip.slip}\n\n{_OPEN.format(manifest=blobs[0].blob)}"
        for mail in blobs[shown:]:
            text += _MAIL.format(mail=mail.blob)
        files: list[File] = [("parcel.json", iter([json.dumps(about, indent=1).encode()]))]
        files.append(("slip.age", iter([slip.sealed_slip])))
        if slip.kind == "claim":
            text += _CLAIM
            files.append(("release-share.txt", iter([spell_secret(slip.share).encode() + b"\n"])))
        if slip.kind == "mailbox":
            text += _MAILBOX
        if slip.kind == "arrival":
            text += _ARRIVAL
        files.append(("README.txt", iter([text.encode()])))
        files += [(f"blobs/{blob.blob}.age", self.store.read(blob.blob)) for blob in blobs]
        return files

    def _slip(self, parcel: str, reader: str) -> Slip:
        address = "" if reader == "archive" else checked_address(reader)
        for slip in self.records.slips_of(checked(parcel)):
            if (slip.kind == "archive") == (reader == "archive") and slip.address == address:
                return slip
        raise NotFound("This parcel has no such reader.", code="unknown-reader")

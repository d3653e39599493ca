"""What comes sealed from other organisations, and what the inside publishes for them."""

import json
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection
from django.db.models import Max

from zegel.parcels.arrivals import Arrival
from zegel.parcels.deposit import SUITE, parcel_exists
from zegel.records import models
from zegel.records.border import border
from zegel.records.outbox import outbox_row
from zegel.records.statements import Row, insert, insert_all
from zegel.records.transactions import must_write


class Arrivals:
    """The part of the Records port that other organisations' parcels need."""

    def add_arrival(self, arrival: Arrival, sealed: bytes, expires: datetime, now: datetime) -> bool:
        """Write the slip of one reader and her ``arrival`` row, and the parcel when it is its first reader.

        Returns whether the parcel is new. The same reader again changes nothing. Raises Mistake ``parcel-exists`` when
        something else has the identifier of the parcel, a blob or the slip; the transaction cannot go on after that.
        """
        must_write()
        with border():
            new = insert("parcel", [_parcel(arrival, expires, now)], unless_there=True) == 1
            parcel = models.Parcel.objects.select_for_update(no_key=True).get(parcel=arrival.kept_as)
            if parcel.digest != arrival.digest or parcel.state != "live":
                raise parcel_exists()
            slips = models.Slip.objects.filter(parcel_id=arrival.kept_as)
            if slips.filter(slip=arrival.slip).exists():
                return False
            last = slips.aggregate(last=Max("place"))["last"]
            try:
                insert_all(
                    ("blob", _blobs(arrival) if new else []),
                    ("slip", [_slip(arrival, 0 if last is None else last + 1)]),
                    ("outbox", [outbox_row("arrival", "waiting", arrival.slip, sealed, now)]),
                )
            except IntegrityError as error:
                connection.set_rollback(True)
                raise parcel_exists() from error
        return new

    def move_in(self, slip: str, sealed: bytes, origin: str) -> None:
        """What arrived is kept for its mailbox in the portal: sealed to that mailbox, with where it came from."""
        must_write()
        with border():
            there = models.Slip.objects.filter(slip=slip, kind="arrival", destroyed=None)
            there.update(kind="mailbox", way="portal", sealed_slip=sealed, origin=origin)

    def publish(self, name: str, said: dict[str, Any], now: datetime) -> None:
        """Keep what the outside publishes under this name, instead of what it was."""
        must_write()
        with border():
            facts = {"body": json.dumps(said), "since": now}
            models.Published.objects.update_or_create(name=name, defaults=facts)

    def published(self, name: str) -> dict[str, Any]:
        """What is published under this name; empty when nothing is."""
        with border():
            found = models.Published.objects.filter(name=name).first()
            return dict(json.loads(found.body)) if found else {}


def _parcel(arrival: Arrival, expires: datetime, now: datetime) -> Row:
    return {
        "parcel": arrival.kept_as,
        "digest": arrival.digest,
        "sender": arrival.sender.address,
        "sender_name": arrival.sender.name,
        "suite": SUITE,
        "class_number": arrival.class_,
        "language": arrival.language,
        "created": now,
        "expires": expires,
        "state": "live",
        "ended": "",
        "size": sum(blob.size for blob in arrival.blobs),
        "attachments": len(arrival.blobs) - 1,
    }


def _blobs(arrival: Arrival) -> list[Row]:
    return [
        {"blob": blob.blob, "parcel_id": arrival.kept_as, "place": place, "size": blob.size, "sha256": blob.sha256}
        for place, blob in enumerate(arrival.blobs)
    ]


def _slip(arrival: Arrival, place: int) -> Row:
    message = arrival.takes == "message"
    return {
        "slip": arrival.slip,
        "parcel_id": arrival.kept_as,
        "place": place,
        "kind": "arrival",
        # Mailboxes in the portal are found by their address, whatever the case a sender wrote it in.
        "address": arrival.to.lower() if message else arrival.to,
        "language": arrival.language,
        "proof": "mail",
        "telephone": "",
        "way": "portal" if message else "mailbox",
        "return_to": arrival.return_to,
        "salt": b"",
        "verifier": b"",
        "sealed_slip": arrival.sealed_slip,
        "share": b"",
        "tries": 0,
        "code_hash": b"",
        "code_tries": 0,
    }

"""A sealed parcel that comes from the Zegel of another organisation (docs/format.md §9).

Two things are signed with both keys of an organisation (Ed25519 and ML-DSA-65): its *reception*, which tells to whom
slips for its mailboxes are sealed, and each *arrival*, which tells what is handed over, for whom, by whom. Who the keys
belong to is told by DNS (``transport.zegel``): the record names fingerprints, and nothing else of a key is believed.
"""

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, cast

from zegel.errors import Damaged, Denied, Mistake
from zegel.parcels.addresses import LONGEST_NAME, Person, checked_address, shown_name
from zegel.parcels.deposit import CLASSES, LANGUAGES, Blob, is_sealed
from zegel.parcels.identifiers import checked, to_text
from zegel.parcels.limits import SLIP_BYTES, Limits
from zegel.parcels.manifest import read_time, spell_time
from zegel.parcels.outbox_words import MailForm
from zegel.parcels.signature import SigningKey, made_both
from zegel.parcels.strict import b64, strict_json, unb64

Takes = Literal["mail", "message"]
"""What a mailbox takes: the mail itself, for a mail server, or the message, read in the portal."""

GOOD_FOR = timedelta(days=1)
"""How far the clocks of two organisations may be apart, and how long an arrival can be replayed at all."""
WITHIN = timedelta(days=14)
"""So long after it was signed the inside still takes an arrival in; a mail's blob is kept no longer. Three days of
trying to take it in, three of trying the mailbox's server, and a courier that stood still for a week.
"""
MOST_DOMAINS = 500
MOST_ARRIVAL = 256 * 1024
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class Signed:
    """Both signatures over a statement that holds ``time``; ``key`` is a fingerprint."""

    key: str
    time: datetime
    ed25519: bytes
    mldsa65: bytes

    def check(self, statement: bytes, keys: Collection[SigningKey]) -> SigningKey:
        """Return the key that made both; raises Denied ``bad-arrival-signature``."""
        key = next((key for key in keys if key.fingerprint == self.key), None)
        if key is None or not made_both(key, statement, self.ed25519, self.mldsa65):
            raise Denied("The signature of the other organisation is not right.", code="bad-arrival-signature")
        return key

    def spell(self) -> dict[str, str]:
        """The members that stand beside what is signed."""
        return {
            "key": self.key,
            "time": spell_time(self.time),
            "ed25519": b64(self.ed25519),
            "mldsa65": b64(self.mldsa65),
        }

    @classmethod
    def read(cls, members: Mapping[str, Any]) -> "Signed":
        """Raises KeyError, ValueError, TypeError, Mistake for what is none."""
        return cls(
            str(members["key"]),
            read_time(members["time"]),
            unb64(members["ed25519"]),
            unb64(members["mldsa65"]),
        )


# Where arrivals go --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reception:
    """To whom slips are sealed for the mailboxes of these domains (lower case), and what each takes."""

    recipient: str
    domains: Mapping[str, Takes]

    def statement(self, host: str, time: datetime) -> bytes:
        """What the organisation at ``host`` signs."""
        lines = ["zegel reception v1", host, self.recipient]
        lines += [f"{domain} {takes}" for domain, takes in sorted(self.domains.items())]
        return "".join(f"{line}\n" for line in (*lines, spell_time(time))).encode()

    def spell(self, signed: Signed) -> dict[str, Any]:
        """The member ``arrivals`` of ``/.well-known/zegel``."""
        return {"recipient": self.recipient, "domains": dict(sorted(self.domains.items())), **signed.spell()}


@dataclass(frozen=True, slots=True)
class Peer:
    """Another organisation with a Zegel, as far as its pinned keys vouch for it; ``keys`` are the pinned ones alone.

    ``reception`` is None for one that only sends.
    """

    name: str
    host: str
    keys: tuple[SigningKey, ...]
    reception: Reception | None

    def takes(self, domain: str) -> Takes | None:
        """What mailboxes of a domain take here; None: it does not say that it has them."""
        return self.reception.domains.get(domain) if self.reception else None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a peer is reached, and who it is. ``pinned`` are the fingerprints of its domain's record."""

    peer: Peer
    host: str
    port: int
    pinned: tuple[str, ...]
    addresses: tuple[str, ...]


def read_peer(raw: bytes, pinned: Collection[str]) -> Peer:
    """Read ``/.well-known/zegel`` of a peer, whose record pins these fingerprints.

    Raises Damaged ``bad-peer`` for what cannot be read, Denied ``foreign-keys`` when none of its keys is pinned, or the
    reception is not signed with one that is.
    """
    try:
        members = strict_json(raw)
        if members["zegel"] != "organisation v1":
            raise ValueError("version")
        name, host = str(members["organisation"]["name"]), str(members["organisation"]["host"])
        if not _plain(name, LONGEST_NAME) or not _plain(host, 253):
            raise ValueError("organisation")
        listed = [SigningKey.read(key) for key in members["signing"][:16]]
        keys = tuple(key for key in listed if key.fingerprint in pinned)
        told = members.get("arrivals")
        reception, signed = _read_reception(told) if told else (None, None)
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, Mistake, RecursionError) as error:
        raise Damaged("What the other Zegel says of itself cannot be read.", code="bad-peer") from error
    if not keys:
        raise _foreign()
    if reception and signed:
        try:
            signed.check(reception.statement(host, signed.time), keys)
        except Denied as error:
            raise _foreign() from error
    return Peer(name, host, keys, reception)


def _read_reception(members: Mapping[str, Any]) -> tuple[Reception, Signed]:
    domains = dict(members["domains"])
    if len(domains) > MOST_DOMAINS or any(takes not in ("mail", "message") for takes in domains.values()):
        raise ValueError("domains")
    for domain in domains:
        if checked_address(f"x@{domain}") != f"x@{domain.lower()}":
            raise ValueError("domain")
    recipient = members["recipient"]
    if not isinstance(recipient, str) or not _plain(recipient, 4096):
        raise ValueError("recipient")
    return Reception(recipient, cast(dict[str, Takes], domains)), Signed.read(members)


# What arrives -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Arrival:
    """A parcel that is handed over for one reader. ``organisation`` hands it over, ``destination`` gets it (hosts).

    ``slip`` is the sender's own name for the reader, and makes the arrival the same one however often it is tried.
    ``return_to`` is where it is told that she was not reached. With ``takes`` = ``mail`` the one blob is the mail
    itself, of the form ``form``; else the manifest and the attachments in its order.
    """

    parcel: str
    slip: str
    to: str
    sender: Person
    return_to: str
    organisation: str
    destination: str
    takes: Takes
    form: MailForm
    class_: int
    language: str
    expires: datetime
    blobs: tuple[Blob, ...]
    sealed_slip: bytes = field(repr=False)

    @property
    def kept_as(self) -> str:
        """The parcel's identifier where it arrives: the mail and the message of one parcel are two there."""
        if self.takes == "message":
            return self.parcel
        return to_text(hashlib.sha256(f"zegel arrived mail v1\n{self.parcel}\n".encode()).digest()[:16])

    @property
    def digest(self) -> str:
        """What readers of the same parcel have in common."""
        common = [self.organisation, self.sender.address, self.takes, self.class_]
        blobs = [[blob.blob, blob.size, blob.sha256] for blob in self.blobs]
        return hashlib.sha256(json.dumps(["arrival", *common, blobs]).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Said:
    """An arrival as it was signed, to the letter."""

    text: str = field(repr=False)
    signed: Signed

    @property
    def statement(self) -> bytes:
        return arrival_statement(self.text, self.signed.time)


def arrival_statement(text: str, time: datetime) -> bytes:
    """What the handing organisation signs."""
    return f"zegel arrival v1\n{hashlib.sha256(text.encode()).hexdigest()}\n{spell_time(time)}\n".encode()


def spell_arrival(arrival: Arrival) -> str:
    """The text that is signed and handed over."""
    return json.dumps(
        {
            "zegel": "arrival v1",
            "parcel": arrival.parcel,
            "slip": arrival.slip,
            "to": arrival.to,
            "from": {"name": arrival.sender.name, "address": arrival.sender.address},
            "return": arrival.return_to,
            "organisation": arrival.organisation,
            "for": arrival.destination,
            "takes": arrival.takes,
            "form": arrival.form,
            "class": arrival.class_,
            "language": arrival.language,
            "expires": spell_time(arrival.expires),
            "blobs": [{"blob": blob.blob, "size": blob.size, "sha256": blob.sha256} for blob in arrival.blobs],
            "sealed_slip": b64(arrival.sealed_slip),
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def read_arrival(text: str, limits: Limits) -> Arrival:
    """Read and check all that does not depend on who is asked; raises Mistake ``bad-arrival``, ``too-large``."""
    if len(text) > MOST_ARRIVAL:
        raise Mistake("An arrival has at most {most} bytes.", code="too-large", most=MOST_ARRIVAL)
    try:
        arrival = _read_arrival(strict_json(text.encode()))
    except (KeyError, ValueError, TypeError, AttributeError, Mistake, RecursionError) as error:
        raise _bad("syntax") from error
    _check_arrival(arrival, limits)
    return arrival


def _read_arrival(members: Mapping[str, Any]) -> Arrival:
    if members["zegel"] != "arrival v1":
        raise ValueError("version")
    sender = members["from"]
    return Arrival(
        parcel=checked(members["parcel"]),
        slip=checked(members["slip"]),
        to=checked_address(members["to"]),
        sender=Person(shown_name(str(sender["name"])), checked_address(sender["address"])),
        return_to=checked_address(members["return"]),
        organisation=str(members["organisation"]),
        destination=str(members["for"]),
        takes=members["takes"],
        form=members["form"],
        class_=_whole(members["class"]),
        language=str(members["language"]),
        expires=read_time(members["expires"]),
        blobs=tuple(Blob(checked(one["blob"]), _whole(one["size"]), str(one["sha256"])) for one in members["blobs"]),
        sealed_slip=unb64(members["sealed_slip"]),
    )


def _check_arrival(arrival: Arrival, limits: Limits) -> None:
    if arrival.takes not in ("mail", "message") or arrival.form not in ("7bit", "8bit", "utf8"):
        raise _bad("takes")
    if arrival.class_ not in CLASSES or arrival.language not in LANGUAGES:
        raise _bad("class")
    most = 1 if arrival.takes == "mail" else limits.attachments + 1
    if not 1 <= len(arrival.blobs) <= most or len({blob.blob for blob in arrival.blobs}) != len(arrival.blobs):
        raise _bad("blobs")
    if any(blob.size < 1 or not _SHA256.match(blob.sha256) for blob in arrival.blobs):
        raise _bad("blobs")
    if sum(blob.size for blob in arrival.blobs) > limits.parcel_bytes:
        raise Mistake("A parcel has at most {most} bytes.", code="too-large", most=limits.parcel_bytes)
    if not is_sealed(arrival.sealed_slip, SLIP_BYTES):
        raise _bad("sealed_slip")


def _whole(value: object) -> int:
    """``1e999`` is a number in JSON, and infinite in Python."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("no whole number")
    return value


def _plain(text: str, most: int) -> bool:
    return 0 < len(text) <= most and text.isprintable()


def _foreign() -> Denied:
    return Denied("The other Zegel does not have the key that its domain promises.", code="foreign-keys")


def _bad(what: str) -> Mistake:
    return Mistake("This arrival is not right: {what}.", code="bad-arrival", what=what)

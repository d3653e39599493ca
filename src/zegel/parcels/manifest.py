"""What a reader sees of a parcel, how it is spelled, and what the organisation signs (docs/format.md §4)."""

import hashlib
import json
import re
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from zegel.errors import Damaged, Mistake
from zegel.parcels import identifiers, limits
from zegel.parcels.addresses import Person, checked_address, shown_name
from zegel.parcels.names import checked_name
from zegel.parcels.strict import without_repeats

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Attachment:
    """One attachment; ``size``, ``sha256`` and ``pieces`` (``parcels.pieces``) are of the plaintext."""

    blob: str
    name: str
    type: str
    size: int
    sha256: str
    pieces: str
    cid: str = ""


@dataclass(frozen=True, slots=True)
class Organisation:
    """Who runs this Zegel; ``host`` is the name under which its keys are published."""

    name: str
    host: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """Line 1 of the signed manifest. ``subject``, ``text`` and ``html`` never show in a repr."""

    parcel: str
    organisation: Organisation
    from_: Person
    to: tuple[Person, ...]
    cc: tuple[Person, ...]
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(repr=False)
    class_: int
    language: str
    created: datetime
    expires: datetime
    attachments: tuple[Attachment, ...] = ()
    archive: bool = False


def checked_subject(text: str) -> str:
    """The subject as one line without control characters; raises :class:`Mistake` when it is too long."""
    subject = " ".join(_CONTROL.sub(" ", text).split())
    if len(subject) > limits.SUBJECT_CHARACTERS:
        raise Mistake("A subject has at most {most} characters.", code="long-subject", most=limits.SUBJECT_CHARACTERS)
    return subject


def spell_time(moment: datetime) -> str:
    """``2026-12-20T09:14:00Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_time(text: str) -> datetime:
    """Read :func:`spell_time`'s spelling; raises :class:`Mistake`."""
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise Mistake(
            "“{moment}” is not a moment such as 2026-12-20T09:14:00Z.", code="bad-date", moment=text[:40]
        ) from None


def spell_manifest(manifest: Manifest) -> bytes:
    """Return line 1 without its LF; raises :class:`Mistake` when the message is too long for a manifest."""
    members = {
        "zegel": "manifest v1",
        "parcel": manifest.parcel,
        "nonce": urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("="),
        "organisation": {"name": manifest.organisation.name, "host": manifest.organisation.host},
        "from": _spell_person(manifest.from_),
        "to": [_spell_person(person) for person in manifest.to],
        "cc": [_spell_person(person) for person in manifest.cc],
        "subject": manifest.subject,
        "text": manifest.text,
        "html": manifest.html,
        "class": manifest.class_,
        "language": manifest.language,
        "created": spell_time(manifest.created),
        "expires": spell_time(manifest.expires),
        "archive": manifest.archive,
        "attachments": [
            {
                "blob": a.blob,
                "name": a.name,
                "type": a.type,
                "size": a.size,
                "sha256": a.sha256,
                "pieces": a.pieces,
                "cid": a.cid,
            }
            for a in manifest.attachments
        ],
    }
    line = json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        # Lone surrogates come from broken charsets; they are no text and no other reader would take them.
        line = line.decode("utf-8", "replace").encode()
    if len(line) > limits.MANIFEST_BYTES - 16 * 1024:
        raise Mistake(
            "The text of a message has at most {most} bytes; send the rest as an attachment.",
            code="long-message",
            most=limits.MANIFEST_BYTES,
        )
    return line


def statement(host: str, parcel: str, sender: str, line: bytes, time: datetime) -> bytes:
    """Return the bytes that the organisation signs (docs/format.md §4.2)."""
    return statement_of_digest(host, parcel, sender, hashlib.sha256(line).hexdigest(), time)


def statement_of_digest(host: str, parcel: str, sender: str, digest: str, time: datetime) -> bytes:
    """The same for a signer that sees only the digest; raises :class:`Mistake` when it is not one."""
    if not _SHA256.match(digest):
        raise Mistake("This is not a SHA-256 digest.", code="bad-digest")
    identifiers.checked(parcel)
    lines = ["zegel manifest v1", host, parcel, sender, digest, spell_time(time)]
    if any("\n" in part for part in lines):
        raise Mistake("A signed statement has no line breaks inside.", code="bad-statement")
    return "".join(f"{part}\n" for part in lines).encode()


def read_manifest(line: bytes, parcel: str) -> Manifest:
    """Read line 1 as a stranger may have written it; raises :class:`Damaged` naming the first wrong member.

    ``parcel`` is the identifier that the slip named: a manifest of another parcel is refused.
    """
    try:
        members = json.loads(line, object_pairs_hook=without_repeats)
        manifest = _from_members(members)
    except Mistake as error:
        raise Damaged(
            "The manifest is not as it should be: {reason}", code="bad-manifest", reason=str(error)
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Damaged("The manifest cannot be read.", code="bad-manifest") from error
    if manifest.parcel != parcel:
        raise Damaged("The manifest belongs to another parcel.", code="foreign-manifest")
    return manifest


def _from_members(members: dict[str, Any]) -> Manifest:
    if members["zegel"] != "manifest v1":
        raise Mistake("This version of the manifest is unknown.")
    for name in ("subject", "text", "html", "language"):
        if not isinstance(members[name], str):
            raise Mistake("“{name}” is not text.", name=name)
    if type(members["class"]) is not int or not 0 <= members["class"] <= 4:
        raise Mistake("A class is a number from 0 to 4.")
    return Manifest(
        parcel=identifiers.checked(members["parcel"]),
        organisation=Organisation(str(members["organisation"]["name"]), str(members["organisation"]["host"])),
        from_=_read_person(members["from"]),
        to=tuple(_read_person(person) for person in members["to"]),
        cc=tuple(_read_person(person) for person in members["cc"]),
        subject=checked_subject(members["subject"]),
        text=members["text"],
        html=members["html"],
        class_=members["class"],
        language=members["language"],
        created=read_time(members["created"]),
        expires=read_time(members["expires"]),
        archive=members["archive"] is True,
        attachments=tuple(_read_attachment(item) for item in members["attachments"]),
    )


def _read_attachment(item: dict[str, Any]) -> Attachment:
    digests = _SHA256.match(item["sha256"]) and _SHA256.match(item["pieces"])
    if type(item["size"]) is not int or item["size"] < 0 or not digests:
        raise Mistake("An attachment's size or digest is not one.")
    return Attachment(
        blob=identifiers.checked(item["blob"]),
        name=checked_name(item["name"]),
        type=str(item["type"])[:255],
        size=item["size"],
        sha256=item["sha256"],
        pieces=item["pieces"],
        cid=str(item["cid"])[:255],
    )


def _spell_person(person: Person) -> dict[str, str]:
    return {"name": person.name, "address": person.address}


def _read_person(item: dict[str, Any]) -> Person:
    return Person(shown_name(str(item["name"])), checked_address(item["address"]))

"""Read: the reader's half of collecting, on the reader's own machine. Link, proof, slip, manifest, attachments.

The server helps with sealed bytes and its share; the link secret and everything that opens stay here.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from zegel import seal
from zegel.errors import Damaged, Denied
from zegel.journeys.ports.peers import Releases
from zegel.parcels.claim import Link, derive_seed
from zegel.parcels.limits import MANIFEST_BYTES
from zegel.parcels.manifest import Attachment, Manifest
from zegel.parcels.pieces import PieceDigest
from zegel.parcels.release import Announced, Released
from zegel.parcels.signature import read_signed, verify

_SLIP = re.compile(
    r"# zegel slip v1 parcel (?P<parcel>[a-z2-7]{26})\n(?P<identity>AGE-SECRET-KEY-PQ-1[0-9A-Z]+)\n\Z", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Opened:
    """A parcel that this reader opened. ``unverified`` says why the sender is not verified, or is empty."""

    manifest: Manifest = field(repr=False)
    unverified: str
    fingerprint: str
    released: Released
    link: Link
    releases: Releases = field(repr=False)
    key: seal.HybridIdentity = field(repr=False)

    def attachment(self, attachment: Attachment) -> Iterator[bytes]:
        """Yield the plaintext; after the last piece raises Damaged unless size and digest are the manifest's.

        The caller keeps nothing of it when it raises: an attachment is whole or it is not there.
        """
        sealed = self.releases.blob(self.link.slip, attachment.blob, self.released.ticket)
        found, pieces, size = hashlib.sha256(), PieceDigest(), 0
        for piece in seal.open_iter(sealed, self.key):
            found.update(piece)
            pieces.update(piece)
            size += len(piece)
            if size > attachment.size:
                break
            yield piece
        whole = (size, found.hexdigest(), pieces.hexdigest())
        if whole != (attachment.size, attachment.sha256, attachment.pieces):
            raise Damaged("The attachment “{name}” is not the one that was sent.", code="swapped", name=attachment.name)


@dataclass(frozen=True, slots=True)
class Read:
    """Opens parcels at one server."""

    releases: Releases

    def look(self, link: Link) -> Announced:
        """Who wrote, until when, and which proof is wanted; raises NotFound."""
        return self.releases.look(link.slip)

    def request_code(self, link: Link, language: str) -> None:
        """Ask for an SMS."""
        self.releases.request_code(link.slip, language)

    def open(self, link: Link, code: str) -> Opened:
        """Show the proof, then open slip and manifest; raises Denied (proof), NotFound, Damaged (which part)."""
        released = self.releases.open(link.slip, code)
        key = open_slip(link, released)
        blob, _ = released.blobs[0]
        signed = self._manifest(link, blob, released, key)
        manifest, line, signature = read_signed(signed, released.parcel)
        if [item.blob for item in manifest.attachments] != [name for name, _ in released.blobs[1:]]:
            raise Damaged("The server offers other attachments than the message names.", code="foreign-blobs")
        unverified = ""
        try:
            verify(manifest, line, signature, self.releases.signing_keys())
        except Damaged as error:
            unverified = str(error)
        return Opened(manifest, unverified, signature.key, released, link, self.releases, key)

    def _manifest(self, link: Link, blob: str, released: Released, key: seal.HybridIdentity) -> bytes:
        opened = bytearray()
        for piece in seal.open_iter(self.releases.blob(link.slip, blob, released.ticket), key):
            opened += piece
            if len(opened) > MANIFEST_BYTES:
                raise Damaged("The manifest is too large.", code="bad-manifest")
        return bytes(opened)


def claim_identity(link: Link, share: bytes) -> seal.HybridIdentity:
    """The identity that link and share make together."""
    return seal.HybridIdentity.from_seed(derive_seed(link.secret, share, link.slip))


def open_slip(link: Link, released: Released) -> seal.HybridIdentity:
    """Return the parcel key; raises Mistake ``wrong-link`` or Damaged ``foreign-slip``."""
    try:
        text = seal.open_(released.sealed_slip, claim_identity(link, released.share)).decode()
    except Denied as error:
        raise Denied("This link does not open the message: it may have been altered.", code="wrong-link") from error
    except UnicodeDecodeError as error:
        raise Damaged("The slip cannot be read.", code="bad-slip") from error
    return read_slip(text, released.parcel)


def spell_slip(parcel: str, key: seal.HybridIdentity) -> bytes:
    """What is sealed for a reader: an age identity file of two lines (docs/format.md §2)."""
    return f"# zegel slip v1 parcel {parcel}\n{key}\n".encode()


def read_slip(text: str, parcel: str) -> seal.HybridIdentity:
    """The parcel key in an opened slip; raises Damaged ``bad-slip``, ``foreign-slip``."""
    found = _SLIP.match(text)
    if not found:
        raise Damaged("The slip cannot be read.", code="bad-slip")
    if found["parcel"] != parcel:
        raise Damaged("The slip belongs to another parcel.", code="foreign-slip")
    return seal.HybridIdentity.parse(found["identity"])

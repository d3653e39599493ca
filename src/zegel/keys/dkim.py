"""DKIM keys (inside zone): per selector one RSA-2048 and one Ed25519 key, as PKCS #8 files under ``keys/dkim``.

Both sign every mail: some receivers do not know Ed25519 yet (RFC 8463 §3). Each has a DNS name of its own, because two
key records under one name are undefined. To rotate, make a new selector, publish its records, then name it in the
configuration; the old records must stay until the last mail that they signed has arrived.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from zegel.errors import Mistake, NotFound
from zegel.keys.files import write_new
from zegel.post.dkim import Canonical, DnsRecord, ToSign, dns_record

_BITS = 2048
"""What RFC 8301 asks for; the record of a longer key meets limits of DNS providers, and receivers need not know it."""
_SELECTOR = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?\Z")
_KINDS: tuple[Literal["rsa", "ed25519"], ...] = ("rsa", "ed25519")


class _Clock(Protocol):
    def __call__(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class DkimKeys:
    """All selectors in a keys folder, for ``domain`` in ASCII."""

    folder: Path
    domain: str

    def make(self, selector: str) -> list[DnsRecord]:
        """Make both keys and return their records; raises Mistake ``bad-selector``, ``dkim-exists``."""
        if not _SELECTOR.match(selector):
            raise Mistake("A selector is 1 to 40 characters of a–z, 0–9 and -, such as 2026a.", code="bad-selector")
        if any(self._path(selector, kind).exists() for kind in _KINDS):
            raise Mistake("There are DKIM keys “{selector}” already.", code="dkim-exists", selector=selector)
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for key, kind in ((generate_private_key(65537, _BITS), "rsa"), (Ed25519PrivateKey.generate(), "ed25519")):
            write_new(self._path(selector, kind), _spell(key))
        return self.records(selector)

    def selectors(self) -> list[str]:
        """Those that have keys here, in order."""
        return sorted(path.name.removesuffix("-rsa.pem") for path in self.folder.glob("*-rsa.pem"))

    def records(self, selector: str) -> list[DnsRecord]:
        """What DNS must say for a selector; raises NotFound ``no-dkim``."""
        rsa, ed25519 = self._load(selector)
        der = rsa.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return [
            dns_record(self.domain, f"{selector}-rsa", "rsa", der),
            dns_record(self.domain, f"{selector}-ed25519", "ed25519", ed25519.public_key().public_bytes_raw()),
        ]

    def signer(self, selector: str, clock: _Clock) -> "DkimSigner":
        """Signs with both keys of a selector; raises NotFound ``no-dkim``."""
        return DkimSigner(self.domain, selector, *self._load(selector), clock)

    def _load(self, selector: str) -> tuple[RSAPrivateKey, Ed25519PrivateKey]:
        try:
            rsa, ed25519 = (
                serialization.load_pem_private_key(self._path(selector, kind).read_bytes(), None) for kind in _KINDS
            )
        except FileNotFoundError:
            raise NotFound(
                "There are no DKIM keys “{selector}”. Make them with “zegel dkim new {selector}”.",
                code="no-dkim",
                selector=selector,
            ) from None
        except ValueError:
            raise Mistake("The DKIM keys “{selector}” cannot be read.", code="bad-dkim", selector=selector) from None
        if not isinstance(rsa, RSAPrivateKey) or not isinstance(ed25519, Ed25519PrivateKey):
            raise Mistake("The DKIM keys “{selector}” cannot be read.", code="bad-dkim", selector=selector)
        return rsa, ed25519

    def _path(self, selector: str, kind: str) -> Path:
        return self.folder / f"{selector}-{kind}.pem"


class DkimSigner:
    """Signs mails. Threads may share one; its repr shows no key."""

    def __init__(self, domain: str, selector: str, rsa: RSAPrivateKey, ed25519: Ed25519PrivateKey, clock: _Clock):
        self._domain, self._selector, self._clock = domain, selector, clock
        self._rsa, self._ed25519 = rsa, ed25519

    def sign(self, head: bytes, body: Iterable[bytes]) -> bytes:
        """The ``DKIM-Signature`` fields to put before a mail with CRLF line ends, given as it goes over the wire."""
        canonical, moment = Canonical(head, body), int(self._clock().timestamp())
        ed25519 = canonical.to_sign(self._domain, f"{self._selector}-ed25519", "ed25519-sha256", moment)
        rsa = canonical.to_sign(self._domain, f"{self._selector}-rsa", "rsa-sha256", moment)
        return ed25519.header(self._ed25519.sign(ed25519.hashed)) + rsa.header(self._sign_rsa(rsa))

    def _sign_rsa(self, asked: ToSign) -> bytes:
        return self._rsa.sign(asked.data, padding.PKCS1v15(), hashes.SHA256())


def _spell(key: RSAPrivateKey | Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )

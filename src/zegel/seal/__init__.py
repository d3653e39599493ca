"""Age v1 in Python, byte for byte: sealing and opening over buffers and descriptors that it is handed.

**The format in a minute.** An age file (c2sp.org/age) is a short text header and a binary payload::

    age-encryption.org/v1
    -> mlkem768x25519 U7E10Aon27j1oDrH7fP3B++SPROS…        one stanza per recipient: the same file key,
    c/k+TjhBA6Je1DF8rxZhe2Jm8CN0zbkV9rre6nA8g98            locked for each of them
    --- HK2NmOBN9Dpq0Gw6xMCuhFcQlQLvZ/wQUi/2scLG75s        a MAC over the header, keyed by the file key
    <nonce><chunk><chunk>…<last chunk>                     64 KiB each, ChaCha20-Poly1305, numbered

A fresh 16-byte *file key* locks the payload. A *recipient* (public key, passphrase) wraps the file key in a stanza; the
matching *identity* unwraps it. Everything a stranger could do to the file, turning a bit, moving or dropping a chunk,
cutting off the end, mixing headers, is refused, and the layer that refuses is named. A header can be handed to a key
holder without the payload, and replaced without touching the payload.

**Locks**, one file each: ``mlkem768x25519`` (post-quantum and classic together; make these), ``X25519``, ``scrypt``
(a passphrase, always alone), ``p256tag`` and ``mlkem768p256tag`` (keys in hardware).

**Use**::

    from zegel.seal import HybridIdentity, open_, seal

    identity = HybridIdentity.generate()
    sealed = seal(b"dossier", identity.recipient)
    assert open_(sealed, identity) == b"dossier"

``Sealer``/``Opener`` take pieces, ``seal_iter``/``open_iter`` iterables, ``seal_fd``/``open_fd`` descriptors (the fast
way for big files), ``RangeOpener`` a part of a file. This room opens no path and knows nothing of the rest of Zegel.
"""

from zegel.seal.age import (
    Opener,
    Sealer,
    open_,
    open_iter,
    rewrap,
    seal,
    seal_iter,
    unwrap_header,
    wrap_header,
)
from zegel.seal.armor import Armorer, Dearmorer, armor, dearmor
from zegel.seal.errors import ArmorFailure, HeaderFailure, MacFailure, NoMatch, PayloadFailure
from zegel.seal.fds import open_fd, seal_fd
from zegel.seal.format import Header, Stanza, find_header, parse_header
from zegel.seal.hybrid import HybridIdentity, HybridRecipient
from zegel.seal.hybrid_tag import HybridTagIdentity, HybridTagRecipient
from zegel.seal.keys import parse_identities, parse_identity, parse_recipient, parse_recipients
from zegel.seal.p256tag import P256TagIdentity, P256TagRecipient
from zegel.seal.ranges import RangeOpener, open_range
from zegel.seal.roles import Identity, Recipient
from zegel.seal.scrypt import ScryptIdentity, ScryptRecipient
from zegel.seal.sizes import header_size, plain_size, sealed_size
from zegel.seal.x25519 import X25519Identity, X25519Recipient

__all__ = [
    "ArmorFailure",
    "Armorer",
    "Dearmorer",
    "Header",
    "HeaderFailure",
    "HybridIdentity",
    "HybridRecipient",
    "HybridTagIdentity",
    "HybridTagRecipient",
    "Identity",
    "MacFailure",
    "NoMatch",
    "Opener",
    "P256TagIdentity",
    "P256TagRecipient",
    "PayloadFailure",
    "RangeOpener",
    "Recipient",
    "ScryptIdentity",
    "ScryptRecipient",
    "Sealer",
    "Stanza",
    "X25519Identity",
    "X25519Recipient",
    "armor",
    "dearmor",
    "find_header",
    "header_size",
    "open_",
    "open_fd",
    "open_iter",
    "open_range",
    "parse_header",
    "parse_identities",
    "parse_identity",
    "parse_recipient",
    "parse_recipients",
    "plain_size",
    "rewrap",
    "seal",
    "seal_fd",
    "seal_iter",
    "sealed_size",
    "unwrap_header",
    "wrap_header",
]

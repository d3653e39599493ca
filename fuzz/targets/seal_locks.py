"""Every lock against every stanza: a file key, None, or HeaderFailure."""

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from zegel.seal import (
    HeaderFailure,
    HybridIdentity,
    HybridTagIdentity,
    Identity,
    P256TagIdentity,
    P256TagRecipient,
    ScryptIdentity,
    Stanza,
    X25519Identity,
    b64,
)
from zegel.seal.p256tag import load_point

_P256 = ec.derive_private_key(7, ec.SECP256R1())


def _point(form: PublicFormat) -> bytes:
    return _P256.public_key().public_bytes(Encoding.X962, form)


def _exchange(point: bytes) -> bytes:
    peer = load_point(point)
    assert peer is not None, "an unchecked point reached the token"
    return _P256.exchange(ec.ECDH(), peer)


_IDENTITIES: tuple[Identity, ...] = (
    HybridIdentity.from_seed(bytes(32)),
    X25519Identity.from_seed(bytes(range(32))),
    ScryptIdentity("fuzz", max_work_factor=4),
    P256TagIdentity(P256TagRecipient(_point(PublicFormat.CompressedPoint)), _exchange),
    HybridTagIdentity(bytes(64), _point(PublicFormat.UncompressedPoint), _exchange),
)
_TYPES = ("mlkem768x25519", "X25519", "scrypt", "p256tag", "mlkem768p256tag", "joint-grease")


def one(data: bytes) -> None:
    """Build stanzas from the bytes, raw and well formed, and let every identity look at them."""
    kind = _TYPES[data[0] % len(_TYPES)] if data else _TYPES[0]
    text = data[1:].decode("latin-1")
    args = tuple(text.split(" ")[:4])
    half = len(data) // 2
    stanzas = [
        Stanza(kind, args, data[-32:]),
        Stanza(kind, (b64.encode(data[1:33]),), data[33:65]),
        Stanza(kind, (b64.encode(data[1:17]), str(len(data) % 30)), data[-32:]),
        Stanza(kind, (b64.encode(data[1:5]), b64.encode(data[5:70])), data[-32:]),
        Stanza(kind, (b64.encode((data * 1120)[:1120]),), (data * 32)[:32]),
        Stanza(kind, (b64.encode(data[:4]), b64.encode((data * 1153)[:1153])), (data * 32)[:32]),
        Stanza(kind, (), data[half:]),
    ]
    for identity in _IDENTITIES:
        for chosen in ([stanza] for stanza in stanzas):
            _try(identity, chosen)
        _try(identity, stanzas)


def _try(identity: Identity, stanzas: list[Stanza]) -> None:
    try:
        file_key = identity.unwrap(stanzas)
    except HeaderFailure:
        return
    assert file_key is None or len(file_key) == 16

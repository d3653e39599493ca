"""Identities of the tag types whose token is a key in memory."""

from cryptography.hazmat.primitives.asymmetric import ec

from zegel.seal import HybridTagIdentity, P256TagIdentity, P256TagRecipient
from zegel.seal.p256tag import compressed, load_point, uncompressed

TOKEN_KEY = ec.generate_private_key(ec.SECP256R1())


def exchange(point: bytes) -> bytes:
    """Do what a token does."""
    peer = load_point(point)
    assert peer is not None
    return TOKEN_KEY.exchange(ec.ECDH(), peer)


def p256_identity() -> P256TagIdentity:
    return P256TagIdentity(P256TagRecipient(compressed(TOKEN_KEY.public_key())), exchange)


def hybrid_tag_identity() -> HybridTagIdentity:
    return HybridTagIdentity(bytes(range(64)), uncompressed(TOKEN_KEY.public_key()), exchange)

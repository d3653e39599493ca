"""Judging a server's certificates: names, strength, and whether a chain leads to an anchor. Nothing is fetched.

Chains are built by OpenSSL and not by ``cryptography``'s verifier: that one holds everybody to the profile of public
web authorities, which certificates under a domain's own anchor (DANE-TA) need not follow; mail servers judge as we do.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from OpenSSL import crypto

from zegel.transport.names import name_matches

MOST_CERTIFICATES = 16
"""A longer chain than this is not looked at."""
_WEAK_HASHES = (hashes.MD5, hashes.SHA1)


def public_key(der: bytes) -> bytes | None:
    """The certificate's SubjectPublicKeyInfo in DER; None when it cannot be read."""
    try:
        key = x509.load_der_x509_certificate(der).public_key()
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm):
        return None


def strong_key(der: bytes) -> bool:
    """Whether the certificate's key is at least what NCSC calls sufficient: RSA of 2048 bits, curves of 224."""
    try:
        key = x509.load_der_x509_certificate(der).public_key()
    except (ValueError, UnsupportedAlgorithm):
        return False
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size >= 2048
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.key_size >= 224
    return not isinstance(key, dsa.DSAPublicKey)


def covers(der: bytes, names: Iterable[str], *, common_name: bool = False) -> bool:
    """Whether the certificate is for a TLS server with one of ``names``.

    ``common_name`` lets the subject's CN count where there is no DNS name at all (RFC 7672 §3.2.3); public authorities
    have not issued such certificates for years, so it is for DANE alone.
    """
    try:
        certificate = x509.load_der_x509_certificate(der)
        found = _dns_names(certificate, common_name)
        usages = _extended_usages(certificate)
    except (ValueError, UnsupportedAlgorithm):
        return False
    if usages is not None and not usages & {
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    }:
        return False
    return any(name_matches(pattern, name) for pattern in found for name in names)


def _dns_names(certificate: x509.Certificate, common_name: bool) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        found = names.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        found = []
    if not found and common_name:
        return [str(one.value) for one in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return found


def _extended_usages(certificate: x509.Certificate) -> set[x509.ObjectIdentifier] | None:
    try:
        return set(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        return None


def anchors(certificates: Iterable[bytes], now: datetime) -> crypto.X509Store:
    """A store that trusts exactly these (DER); also one that another has issued may be the end of a chain."""
    store = crypto.X509Store()
    for der in certificates:
        store.add_cert(crypto.load_certificate(crypto.FILETYPE_ASN1, der))
    # Flags first: setting the time afterwards adds to them, the other way round would lose it.
    store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
    store.set_time(now)
    return store


def leads_to(store: crypto.X509Store, chain: Sequence[bytes]) -> bool:
    """Whether a chain (DER, the server's own certificate first) leads to the store, with signatures that are strong.

    Dates, basic constraints, name constraints and critical extensions are OpenSSL's; it would let MD5, SHA-1 and small
    keys pass outside a handshake, so those are ours.
    """
    if not 1 <= len(chain) <= MOST_CERTIFICATES:
        return False
    try:
        loaded = [crypto.load_certificate(crypto.FILETYPE_ASN1, der) for der in chain]
        built = crypto.X509StoreContext(store, loaded[0], loaded[1:]).get_verified_chain()
        path = [one.to_cryptography() for one in built]
        strong = all(strong_key(one.public_bytes(Encoding.DER)) for one in path)
        # The anchor's own signature says nothing: it is trusted because it is the anchor.
        return strong and not any(isinstance(one.signature_hash_algorithm, _WEAK_HASHES) for one in path[:-1])
    except (crypto.X509StoreContextError, crypto.Error, ValueError, UnsupportedAlgorithm):
        return False

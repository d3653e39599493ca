"""DANE: what is usable, and what a chain of certificates fits (RFC 6698, 7671, 7672)."""

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from tests.transport.made import NOW, Made, make
from zegel.transport.certificates import anchors, covers, leads_to
from zegel.transport.dane import matching_record
from zegel.transport.tlsa import Tlsa, usable

NAMES = ("mx.example.nl", "example.nl")


def record(made: Made, usage: int, selector: int = 1, matching: int = 1) -> Tlsa:
    """As a domain would publish it, computed here without the code under test."""
    key = made.certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    data = (made.der, key)[selector]
    data = (data, hashlib.sha256(data).digest(), hashlib.sha512(data).digest())[matching]
    return Tlsa(usage, selector, matching, data)


def fits(one: Tlsa, *chain: Made, names: tuple[str, ...] = NAMES) -> bool:
    found = matching_record([one], [made.der for made in chain], names, NOW)
    assert found in (None, one)
    return found is not None


@pytest.fixture(scope="module")
def root() -> Made:
    return make(authority=True, common_name="root")


@pytest.fixture(scope="module")
def middle(root: Made) -> Made:
    return make(authority=True, common_name="middle", by=root)


@pytest.mark.parametrize("matching", [0, 1, 2])
@pytest.mark.parametrize("selector", [0, 1])
def test_an_end_entity_record_fits_its_certificate_alone(selector: int, matching: int) -> None:
    mine, other = make(), make()
    assert fits(record(mine, 3, selector, matching), mine)
    assert not fits(record(mine, 3, selector, matching), other)
    # The record of an end entity says nothing of what stands behind it in the chain.
    assert not fits(record(mine, 3, selector, matching), other, mine)


def test_an_end_entity_may_be_expired_unnamed_and_signed_by_nobody_we_know(root: Made) -> None:
    expired = make(("somebody.else",), by=root, start=NOW - timedelta(days=99), days=1)
    assert fits(record(expired, 3), expired)


@pytest.mark.parametrize("usage", [0, 1, 4, 255])
def test_other_usages_prove_nothing(usage: int) -> None:
    mine = make(("mx.example.nl",))
    assert not record(mine, 0).usable
    assert not fits(Tlsa(usage, 1, 1, record(mine, 3).data), mine)


@pytest.mark.parametrize(
    "unusable",
    [
        Tlsa(3, 2, 1, b"x" * 32),
        Tlsa(3, 1, 3, b"x" * 32),
        Tlsa(3, 1, 1, b"x" * 31),
        Tlsa(3, 1, 2, b"x" * 32),
        Tlsa(3, 1, 0, b""),
    ],
)
def test_unusable_records(unusable: Tlsa) -> None:
    assert not unusable.usable
    assert usable([unusable]) == ()


@pytest.mark.parametrize("matching", [0, 1, 2])
@pytest.mark.parametrize("selector", [0, 1])
def test_an_anchor_record_fits_chains_to_it(root: Made, middle: Made, selector: int, matching: int) -> None:
    mine = make(("mx.example.nl",), by=middle)
    assert fits(record(root, 2, selector, matching), mine, middle, root)
    # An anchor in the middle: what is above it does not matter and need not be there.
    assert fits(record(middle, 2, selector, matching), mine, middle)
    assert not fits(record(middle, 2, selector, matching), make(("mx.example.nl",), by=root), middle, root)


def test_the_anchor_must_be_sent_unless_the_record_holds_it(root: Made, middle: Made) -> None:
    mine = make(("mx.example.nl",), by=middle)
    assert not fits(record(root, 2), mine, middle)
    assert fits(record(root, 2, 0, 0), mine, middle)


def test_an_anchor_that_only_lies_beside_the_chain_proves_nothing(root: Made) -> None:
    stranger = make(authority=True, common_name="root")
    assert not fits(record(root, 2), make(("mx.example.nl",), by=stranger), stranger, root)
    # Same name and key identifiers, another key: only the signature tells.
    assert not fits(record(root, 2), make(("mx.example.nl",), by=stranger), root)


@pytest.mark.parametrize(
    "changes",
    [
        {"names": ("mx.example.org",)},
        {"names": ("192.0.2.1",)},
        {"start": NOW - timedelta(days=99), "days": 1},
        {"start": NOW + timedelta(days=1)},
        {"usage": ExtendedKeyUsageOID.CLIENT_AUTH},
        {"key": rsa.generate_private_key(65537, 1024)},
    ],
    ids=["other name", "address only", "expired", "not yet", "for clients", "small key"],
)
def test_an_anchor_wants_a_good_certificate(root: Made, changes: dict[str, Any]) -> None:
    names = changes.pop("names", ("mx.example.nl",))
    assert not fits(record(root, 2), make(names, by=root, **changes), root)


def test_a_signature_with_sha_1_is_no_signature() -> None:
    """The two differ in nothing else; libraries of today no longer make the first, so both come from a file."""
    text = Path(__file__).with_name("sha1.pem").read_bytes()
    root, weak, strong = (one.public_bytes(Encoding.DER) for one in x509.load_pem_x509_certificates(text))
    anchor = Tlsa(2, 0, 1, hashlib.sha256(root).digest())
    later = NOW + timedelta(days=99)
    assert matching_record([anchor], [strong, root], NAMES, later) == anchor
    assert matching_record([anchor], [weak, root], NAMES, later) is None


def test_an_expired_anchor_anchors_nothing() -> None:
    old = make(authority=True, common_name="old", start=NOW - timedelta(days=99), days=1)
    assert not fits(record(old, 2), make(("mx.example.nl",), by=old), old)


def test_nobody_who_is_no_authority_can_issue(root: Made) -> None:
    false_issuer = make(("mx.example.org",), by=root, common_name="false issuer")
    mine = make(("mx.example.nl",), by=false_issuer)
    assert not fits(record(root, 2), mine, false_issuer, root)


@pytest.mark.parametrize("name", ["mx.example.nl", "example.nl", "*.example.nl", "MX.EXAMPLE.NL"])
def test_any_reference_name_will_do(root: Made, name: str) -> None:
    assert fits(record(root, 2), make(("unrelated.test", name), by=root), root)


def test_the_common_name_counts_for_dane_where_there_is_no_other(root: Made) -> None:
    unnamed = make(by=root, common_name="mx.example.nl")
    assert fits(record(root, 2), unnamed, root)
    assert not covers(unnamed.der, NAMES)
    named = make(("mx.example.org",), by=root, common_name="mx.example.nl")
    assert not fits(record(root, 2), named, root)


def test_a_weak_key_proves_nothing_even_if_its_digest_fits() -> None:
    weak = make(key=rsa.generate_private_key(65537, 1024))
    assert not fits(record(weak, 3), weak)
    strong = make(key=rsa.generate_private_key(65537, 2048))
    assert fits(record(strong, 3), strong)
    assert fits(record(make(key=ec.generate_private_key(ec.SECP384R1())), 3), make()) is False


def test_the_end_entity_records_are_tried_first(root: Made) -> None:
    mine = make(("mx.example.nl",), by=root)
    both = [record(root, 2), record(mine, 3)]
    assert matching_record(both, [mine.der, root.der], NAMES, NOW) == both[1]
    assert matching_record(both, [], NAMES, NOW) is None


def test_a_chain_that_is_too_long_is_not_looked_at(root: Made) -> None:
    mine = make(("mx.example.nl",), by=root)
    assert leads_to(anchors([root.der], NOW), [mine.der])
    assert not leads_to(anchors([root.der], NOW), [mine.der] + [root.der] * 20)
    assert not leads_to(anchors([root.der], NOW), [])


@given(st.lists(st.binary(max_size=300), max_size=3), st.sampled_from([2, 3]), st.sampled_from([0, 1]))
def test_any_bytes_for_certificates_prove_nothing(chain: list[bytes], usage: int, selector: int) -> None:
    assert matching_record([Tlsa(usage, selector, 1, b"x" * 32)], chain, NAMES, NOW) is None
    assert matching_record([Tlsa(2, selector, 0, b"x")], chain, NAMES, NOW) is None

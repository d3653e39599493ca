"""The vectors that the browser's code made and is tested against: the Python rooms must read them the same way."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from zegel import seal
from zegel.errors import Damaged, Mistake, ZegelError
from zegel.parcels import claim
from zegel.parcels.manifest import read_time, statement
from zegel.parcels.signature import SigningKey, read_signed, verify

VECTORS = Path(__file__).parents[1] / "vectors"


def read(name: str) -> Any:
    return json.loads((VECTORS / f"{name}.json").read_text())


def named(cases: list[dict[str, Any]]) -> Any:
    return [pytest.param(case, id=case.get("name", case.get("slip"))) for case in cases]


def identity_of(case: dict[str, Any]) -> seal.HybridIdentity:
    secret, share = claim.read_secret(case["secret"]), base64.b64decode(case["share"])
    return seal.HybridIdentity.from_seed(claim.derive_seed(secret, share, case["slip"]))


@pytest.mark.parametrize("case", named(read("claim")["cases"]))
def test_claim(case: dict[str, Any]) -> None:
    identity = identity_of(case)
    assert str(identity) == case["identity"]
    assert str(identity.recipient) == case["recipient"]


@pytest.mark.parametrize("secret", read("claim")["bad_secrets"])
def test_cut_links(secret: str) -> None:
    with pytest.raises(Mistake):
        claim.read_secret(secret)


@pytest.mark.parametrize("case", named(read("slip")["cases"]))
def test_slip(case: dict[str, Any]) -> None:
    sealed, identity = base64.b64decode(case["sealed"]), identity_of(case)
    if case["expect"] == "wrong-link":
        with pytest.raises(seal.NoMatch):
            seal.open_(sealed, identity)
    elif case["expect"] == "good":
        assert seal.open_(sealed, identity).decode() == f"# zegel slip v1 parcel {case['parcel']}\n{case['key']}\n"


@pytest.mark.parametrize("case", named(read("manifest")["cases"]))
def test_manifest(case: dict[str, Any]) -> None:
    keys = [
        SigningKey(base64.b64decode(key["ed25519"]), base64.b64decode(key["mldsa65"]))
        for key in read("manifest")["published"]["signing"]
    ]
    signed = base64.b64decode(case["signed"])
    if case["expect"] == "damaged":
        with pytest.raises(ZegelError):
            read_signed(signed, case["parcel"])
    elif case["expect"] == "verified":
        manifest, line, signature = read_signed(signed, case["parcel"])
        verify(manifest, line, signature, keys)
    else:
        with pytest.raises(Damaged):  # noqa: PT012 - either step may refuse it
            manifest, line, signature = read_signed(signed, case["parcel"])
            verify(manifest, line, signature, keys)


def test_fingerprints_and_statement() -> None:
    vectors = read("manifest")
    for key in vectors["published"]["signing"]:
        made = SigningKey(base64.b64decode(key["ed25519"]), base64.b64decode(key["mldsa65"]))
        assert made.fingerprint == key["key"]
    members = json.loads(vectors["line"])
    made_statement = statement(
        members["organisation"]["host"],
        members["parcel"],
        members["from"]["address"],
        vectors["line"].encode(),
        read_time(members["created"]),
    )
    assert base64.b64encode(made_statement).decode() == vectors["statement"]


def test_blob() -> None:
    case = read("blob")
    plain = seal.open_(base64.b64decode(case["sealed"]), seal.parse_identity(case["key"]))
    assert (len(plain), hashlib.sha256(plain).hexdigest()) == (case["size"], case["sha256"])

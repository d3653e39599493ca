"""The signed manifest: what is written reads back, what a stranger altered is refused (docs/format.md §4)."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zegel.errors import Damaged, Mistake
from zegel.keys.custody import Custody, make_keys
from zegel.parcels import identifiers, manifest, signature
from zegel.parcels.addresses import Person
from zegel.parcels.manifest import Attachment, Manifest, Organisation

MOMENT = datetime(2026, 11, 20, 9, 14, tzinfo=UTC)


DIGESTS = {"sha256": "ab" * 32, "pieces": "cd" * 32}


@pytest.fixture(scope="module")
def custody(tmp_path_factory: pytest.TempPathFactory) -> Custody:
    return make_keys(tmp_path_factory.mktemp("keys") / "keys")


def a_manifest(**facts: object) -> Manifest:
    found = Manifest(
        parcel=identifiers.new_identifier(),
        organisation=Organisation("Gemeente Voorbeeld", "post.voorbeeld.example"),
        from_=Person("Afdeling Zorg", "zorg@voorbeeld.example"),
        to=(Person("", "j.dejong@example.net"),),
        cc=(),
        subject="Beschikking",
        text="Geachte mevrouw,\n\nHierbij …",
        html="",
        class_=2,
        language="nl",
        created=MOMENT,
        expires=MOMENT.replace(month=12),
        attachments=(Attachment(identifiers.new_identifier(), "brief.pdf", "application/pdf", 3, **DIGESTS),),
    )
    return replace(found, **facts)  # type: ignore[arg-type]


def sign(custody: Custody, found: Manifest, line: bytes, sender: str = "") -> signature.Signature:
    sender = sender or found.from_.address
    host = found.organisation.host
    key, ed25519, mldsa65 = custody.sign(manifest.statement(host, found.parcel, sender, line, MOMENT))
    return signature.Signature(key, host, sender, MOMENT, ed25519, mldsa65)


@given(st.text(), st.text(max_size=200), st.text(max_size=200))
def test_text_of_any_kind_reads_back(text: str, subject: str, html: str) -> None:
    found = a_manifest(text=text, subject=manifest.checked_subject(subject), html=html)
    assert manifest.read_manifest(manifest.spell_manifest(found), found.parcel) == found


def test_lone_surrogates_do_not_make_an_unreadable_parcel() -> None:
    found = a_manifest(text="kapot \ud800 teken")
    assert "kapot" in manifest.read_manifest(manifest.spell_manifest(found), found.parcel).text


def test_two_manifests_of_one_message_differ() -> None:
    found = a_manifest()
    assert manifest.spell_manifest(found) != manifest.spell_manifest(found)


def test_a_signed_manifest_verifies(custody: Custody) -> None:
    found = a_manifest()
    line = manifest.spell_manifest(found)
    signed = signature.spell_signed(line, sign(custody, found, line))
    read, read_line, read_signature = signature.read_signed(signed, found.parcel)
    signature.verify(read, read_line, read_signature, list(custody.public.signing))


def test_every_altered_byte_is_refused(custody: Custody) -> None:
    found = a_manifest(text="kort")
    line = manifest.spell_manifest(found)
    signed = signature.spell_signed(line, sign(custody, found, line))
    for position in range(0, len(signed), 7):
        altered = bytearray(signed)
        altered[position] ^= 1
        with pytest.raises(Damaged):
            signature.verify(*signature.read_signed(bytes(altered), found.parcel), list(custody.public.signing))


def test_both_signatures_must_verify(custody: Custody) -> None:
    found = a_manifest()
    line = manifest.spell_manifest(found)
    good, keys = sign(custody, found, line), list(custody.public.signing)
    for bad in (replace(good, ed25519=bytes(64)), replace(good, mldsa65=bytes(3309)), replace(good, mldsa65=b"")):
        with pytest.raises(Damaged, match="not right"):
            signature.verify(found, line, bad, keys)


def test_a_signature_for_another_sender_is_refused(custody: Custody) -> None:
    found = a_manifest()
    line = manifest.spell_manifest(found)
    other = sign(custody, found, line, sender="chef@voorbeeld.example")
    with pytest.raises(Damaged, match="another sender"):
        signature.verify(found, line, other, list(custody.public.signing))


def test_a_key_that_is_not_published_is_refused(custody: Custody, tmp_path: Path) -> None:
    found = a_manifest()
    line = manifest.spell_manifest(found)
    stranger = make_keys(tmp_path / "keys")
    with pytest.raises(Damaged, match="does not publish"):
        signature.verify(found, line, sign(stranger, found, line), list(custody.public.signing))


def test_the_manifest_of_another_parcel_is_refused() -> None:
    with pytest.raises(Damaged, match="another parcel"):
        manifest.read_manifest(manifest.spell_manifest(a_manifest()), identifiers.new_identifier())


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("zegel", "manifest v2"),
        ("class", 5),
        ("class", True),
        ("class", "2"),
        ("text", None),
        ("to", 3),
        ("expires", "morgen"),
        ("from", {"name": "x", "address": "geen adres"}),
        (
            "attachments",
            [
                {
                    "blob": "../x",
                    "name": "a",
                    "type": "b",
                    "size": 1,
                    "sha256": "ab" * 32,
                    "pieces": "cd" * 32,
                    "cid": "",
                }
            ],
        ),
        (
            "attachments",
            [
                {
                    "blob": "a" * 26,
                    "name": "../a",
                    "type": "b",
                    "size": 1,
                    "sha256": "ab" * 32,
                    "pieces": "cd" * 32,
                    "cid": "",
                }
            ],
        ),
        (
            "attachments",
            [
                {
                    "blob": "a" * 26,
                    "name": "a",
                    "type": "b",
                    "size": -1,
                    "sha256": "ab" * 32,
                    "pieces": "cd" * 32,
                    "cid": "",
                }
            ],
        ),
    ],
)
def test_wrong_members_are_refused(member: str, value: object) -> None:
    found = a_manifest()
    members = json.loads(manifest.spell_manifest(found)) | {member: value}
    with pytest.raises(Damaged):
        manifest.read_manifest(json.dumps(members).encode(), found.parcel)


@given(st.binary(max_size=300))
def test_garbage_is_refused_in_one_way(garbage: bytes) -> None:
    with pytest.raises(Damaged):
        signature.read_signed(garbage, identifiers.new_identifier())


def test_a_repeated_name_is_refused() -> None:
    found = a_manifest()
    line = manifest.spell_manifest(found)
    with pytest.raises(Damaged):
        manifest.read_manifest(line[:-1] + b',"subject":"iets anders"}', found.parcel)


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(Damaged):
        manifest.read_manifest(b"[" * 100_000, identifiers.new_identifier())


def test_a_message_too_long_for_a_manifest_is_a_mistake() -> None:
    with pytest.raises(Mistake, match="attachment"):
        manifest.spell_manifest(a_manifest(text="x" * (17 * 1024 * 1024)))


def test_a_subject_is_one_line() -> None:
    assert manifest.checked_subject("Let op\r\nBcc: x@y.example\x00!") == "Let op Bcc: x@y.example !"
    with pytest.raises(Mistake):
        manifest.checked_subject("x" * 999)


def test_fingerprints_are_for_people(custody: Custody) -> None:
    fingerprint = custody.public.signing[0].fingerprint
    assert [len(group) for group in fingerprint.split("-")] == [4] * 8

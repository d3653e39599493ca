"""Proofs as senders write them, and codes."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zegel.errors import Mistake
from zegel.parcels import proofs


@pytest.mark.parametrize(
    ("written", "kind", "telephone"),
    [
        ("mail", "mail", ""),
        (" Mail ", "mail", ""),
        ("sms:+31612345678", "sms", "+31612345678"),
        ("sms:0031 6 12 34 56 78", "sms", "+31612345678"),
        ("SMS: +31 (6) 1234-5678", "sms", "+31612345678"),
        ("code:klantnummer 12", "code", ""),
    ],
)
def test_proofs_are_read(written: str, kind: str, telephone: str) -> None:
    proof = proofs.parse_proof(written)
    assert (proof.kind, proof.telephone) == (kind, telephone)


@pytest.mark.parametrize(
    "written", ["", "digid", "sms", "sms:", "sms:0612345678", "sms:+0612345678", "sms:+3161234567890123", "code:",
                "code:abc", "mail:x", "sms:+316\n12345678x", "code:" + "x" * 129],
)  # fmt: skip
def test_what_is_no_proof_is_refused(written: str) -> None:
    with pytest.raises(Mistake):
        proofs.parse_proof(written)


def test_a_refusal_does_not_repeat_a_secret() -> None:
    with pytest.raises(Mistake) as refused:
        proofs.parse_proof("mail:geheim")
    assert "geheim" not in str(refused.value)


@pytest.mark.parametrize("typed", ["ABC 123", "abc123", "a-b-c-1-2-3", " ａｂｃ１２３ "])
def test_a_code_is_recognised_however_it_is_typed(typed: str) -> None:
    assert proofs.code_matches(proofs.code_proof("Abc-123"), typed)


def test_another_code_is_not_recognised() -> None:
    proof = proofs.code_proof("Abc-123")
    assert not proofs.code_matches(proof, "abc124")
    assert not proofs.code_matches(proof, "")
    assert not proofs.code_matches(proof, "x" * 100_000)


def test_equal_codes_have_different_verifiers() -> None:
    assert proofs.code_proof("geheim").verifier != proofs.code_proof("geheim").verifier


@given(st.integers(1, 200))
def test_the_pause_comes_every_fifth_try_and_never_shrinks(tries: int) -> None:
    pause = proofs.pause_after(tries)
    assert (pause is not None) == (tries % 5 == 0)
    if pause is not None:
        following = proofs.pause_after(tries + 5)
        assert following is not None
        assert timedelta(minutes=1) <= pause <= following <= timedelta(hours=4)


def test_an_sms_code_is_bound_to_its_slip() -> None:
    assert proofs.keyed_code(b"k", "a", "123456") != proofs.keyed_code(b"k", "b", "123456")

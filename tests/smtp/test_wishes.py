from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.smtp.ground import NOW
from zegel.doors.smtp.wishes import Defaults, Wishes, read_wishes
from zegel.errors import Mistake
from zegel.mime.headers import read_headers
from zegel.parcels.proofs import code_matches

A, B = "a@x.example", "B@y.example"


def _read(*lines: str, to: tuple[str, ...] = (A,), proof: str = "mail") -> Wishes:
    headers = read_headers("".join(f"{line}\r\n" for line in lines).encode())
    return read_wishes(headers, to, Defaults(proof, 2, "nl", ZoneInfo("Europe/Amsterdam")), NOW)


def _kinds(wishes: Wishes) -> dict[str, str]:
    return {reader.address: reader.proof.kind for reader in wishes.readers}


def test_nothing_said_means_the_defaults() -> None:
    found = _read()
    assert (_kinds(found), found.class_, found.expires, found.language) == ({A: "mail"}, 2, None, "nl")


def test_one_proof_for_all_and_others_by_name() -> None:
    found = _read(
        f'Zegel-Proof: code:Tulp-2026, {B}=sms:+31612345678, <c@z.example>="code:a, b=c d"', to=(A, B, "c@z.example")
    )
    assert _kinds(found) == {A: "code", B: "sms", "c@z.example": "code"}
    assert code_matches(found.readers[2].proof, "a,b=cd")
    assert code_matches(found.readers[0].proof, "tulp 2026")


def test_names_ignore_case_and_headers_may_repeat_and_fold() -> None:
    found = _read(
        "Zegel-Proof: A@X.example=code:eerste", f"zegel-PROOF:\r\n {B.lower()}=\r\n\tsms:0031612345678", to=(A, B)
    )
    assert _kinds(found) == {A: "code", B: "sms"}
    assert found.readers[1].proof.telephone == "+31612345678"


@pytest.mark.parametrize(
    ("lines", "to", "code"),
    [
        ((), (A,), "no-proof"),
        ((f"Zegel-Proof: {A}=mail",), (A, B), "no-proof"),
        (("Zegel-Proof: ander@x.example=mail",), (A,), "proof-for-nobody"),
        ((f"Zegel-Proof: {A}=mail, {A}=mail",), (A,), "proof-twice"),
        (("Zegel-Proof: mail", "Zegel-Proof: mail"), (A,), "proof-twice"),
        (("Zegel-Proof: sms:+31612345678",), (A, B), "shared-telephone"),
        (("Zegel-Proof: sms:0687654321",), (A,), "bad-telephone"),
        (("Zegel-Proof: code:abc",), (A,), "bad-access-code"),
        (("Zegel-Proof: fax:+31687654321",), (A,), "unknown-proof"),
        (("Zegel-Proof: mail", "Zegel-Class: 5"), (A,), "bad-class"),
        (("Zegel-Proof: mail", "Zegel-Class: twee"), (A,), "bad-class"),
        (("Zegel-Proof: mail", "Zegel-Class: ²"), (A,), "bad-class"),
        (("Zegel-Proof: mail", "Zegel-Class: " + "1" * 5000), (A,), "bad-class"),
        (("Zegel-Proof: mail", "Zegel-Expires: morgen"), (A,), "bad-date"),
        (("Zegel-Proof: mail", "Zegel-Expires: 2026-02-30"), (A,), "bad-date"),
        (("Zegel-Proof: mail", "Zegel-Language: fr"), (A,), "bad-language"),
    ],
)
def test_what_cannot_be_meant_is_refused(lines: tuple[str, ...], to: tuple[str, ...], code: str) -> None:
    with pytest.raises(Mistake) as caught:
        _read(*lines, to=to, proof="")
    assert caught.value.kind == code
    assert "687654321" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("14d", NOW + timedelta(days=14)),
        ("14 D", NOW + timedelta(days=14)),
        ("2026-12-20", datetime(2026, 12, 20, 22, 59, 59, tzinfo=UTC)),
        ("2026-12-20T09:14:00Z", datetime(2026, 12, 20, 9, 14, tzinfo=UTC)),
    ],
)
def test_expiry(text: str, wanted: datetime) -> None:
    assert _read(f"Zegel-Expires: {text}").expires == wanted


@pytest.mark.parametrize(("text", "wanted"), [("0", 0), (" 4 ", 4), ("", 2)])
def test_class(text: str, wanted: int) -> None:
    assert _read(f"Zegel-Class: {text}").class_ == wanted


def test_readers_come_once() -> None:
    assert len(_read(to=(A, A.upper())).readers) == 1

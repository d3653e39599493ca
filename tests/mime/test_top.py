"""The top headers alone are what the whole mail's walk finds, however the bytes are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.mail_corpus import made, nasty
from tests.mail_corpus.case import Case
from tests.smtp.reading import read
from zegel.errors import Mistake
from zegel.mime.headers import decode_words, read_addresses
from zegel.mime.limits import MimeLimits
from zegel.mime.top import read_strict_top, read_top, sole_sender

CASES = [case for case in (*made.cases(), *nasty.cases()) if len(case.raw) < 2_000_000]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_mail_of_the_corpus_shows_the_headers_that_the_door_sees(case: Case) -> None:
    try:
        subject = read(case.raw).subject
    except Mistake as error:
        if error.kind == "long-headers":
            return
        subject = None
    for size in (1, 7, 65536):
        pieces = (case.raw[at : at + size] for at in range(0, min(len(case.raw), 20_000), size))
        found = decode_words(read_top(pieces).first("subject"))
        assert subject is None or found == subject


def test_headers_without_end_are_refused() -> None:
    with pytest.raises(Mistake) as caught:
        read_top(iter([b"Subject: s\r\n", b"X: " + b"x" * 2000]), MimeLimits(header_bytes=1000))
    assert caught.value.kind == "long-headers"


def test_what_follows_the_headers_is_not_asked_for() -> None:
    def pieces():
        yield b"Subject: a\r\n\r\n"
        raise AssertionError("asked for the body")

    assert read_top(pieces()).first("subject") == "a"


@given(st.binary(max_size=400))
def test_it_never_fails_on_what_is_no_mail(raw: bytes) -> None:
    read_top([raw])


@pytest.mark.parametrize(
    "raw",
    [
        b"Subject: x\rFrom: b@own.test\r\nFrom: a@x.test\r\n\r\n",
        b"Subject: x\nFrom: b@own.test\r\nFrom: a@x.test\r\n\r\n",
        b"From: a@x.test\r\nnonsense\r\nFrom: b@own.test\r\n\r\n",
        b"From: a@x.test\r\n--x\r\nfrom : b@own.test\r\n\r\n",
        b"From: a@x.test\r\n\0Fr\0om: b@own.test\r\n\r\n",
        b"From: a@x.test\r\r\nFrom: b@own.test\r\n\r\n",
        b"From: a@x.test\r\n\0\r\nFrom: b@own.test\r\n\r\n",
        b"From: a@x.test\r\n\rFrom: b@own.test\r\n\r\n",
        b"From:\ra@x.test\r\n\r\n",
        b"X: a\r\r\nFrom: a@x.test\r\n\r\n",
        b"\r\nFrom: a@x.test\r\n\r\n",
        b"From: <b@own.test> <a@x.test>\r\n\r\n",
        b"From: <a@x.test> b@own.test\r\n\r\n",
        b"From: (a(b) <a@x.test>) b@own.test\r\n\r\n",
        b"From: a@x.test (<b@own.test>\r\n\r\n",
        b'From: a@x.test "<b@own.test>\r\n\r\n',
        b"From: a@x.test, b@own.test\r\n\r\n",
        b"From: x:b@own.test;a@x.test\r\n\r\n",
        b"",
    ],
)
def test_a_sender_on_whom_programs_could_disagree_is_nobody(raw: bytes) -> None:
    for size in (1, 7, 65536):
        pieces = (raw[at : at + size] for at in range(0, len(raw), size))
        assert sole_sender(read_strict_top(pieces)) != "a@x.test"


@pytest.mark.parametrize(
    "value",
    ["a@x.test", "A@X.test (Jan)", "Jan <a@x.test>", '"Jansen (zorg), \\"Jan\\" <b@own.test>" <a@x.test>',
     "=?utf-8?q?Zo=C3=AB?= <a@x.test>\r\n (zorg)", "b@own.test <a@x.test>", "\r\n\t<a@x.test>"],
)  # fmt: skip
def test_the_sender_of_an_ordinary_mail_is_its_sender(value: str) -> None:
    raw = f"From ons\r\nDate: x\r\nFrom: {value}\r\nTo: b@own.test\r\n\r\nFrom: c@own.test\r\n".encode()
    assert sole_sender(read_strict_top([raw])) == "a@x.test"
    assert sole_sender(read_strict_top([raw.partition(b"\r\n\r\n")[0]])) == "a@x.test"


@given(st.lists(st.sampled_from(["From", "from ", ":", " ", "\r", "\n", "\r\n", "\0", "a@x.test", "<", ">", "x"])))
def test_no_header_that_the_walk_finds_is_unseen(words: list[str]) -> None:
    raw = "".join(words).encode()
    seen = read_strict_top([raw]).all("from")
    assert not seen or set(read_top([raw]).all("from")) <= set(seen)


def test_headers_that_never_end_are_refused_there_too() -> None:
    with pytest.raises(Mistake, match="longer than"):
        read_strict_top((b"X: " + b"x" * 1000 for _ in range(100)), MimeLimits(header_bytes=2000))


def test_two_addresses_without_a_comma_are_two() -> None:
    """The attack: the door looks at the last one, for a domain of its own; her mail program shows the first."""
    assert read_addresses(["Baas <b@own.test> <a@x.test>"]) == [("Baas", "b@own.test"), ("", "a@x.test")]
    assert read_addresses(["<> <a@x.test>", "A <a@x.test>, B <b@x.test>"]) == [
        ("", "a@x.test"), ("A", "a@x.test"), ("B", "b@x.test"),
    ]  # fmt: skip

"""The top headers alone are what the whole mail's walk finds, however the bytes are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.mail_corpus import made, nasty
from tests.mail_corpus.case import Case
from tests.smtp.reading import read
from zegel.errors import Mistake
from zegel.mime.headers import decode_words
from zegel.mime.limits import MimeLimits
from zegel.mime.top import read_top

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

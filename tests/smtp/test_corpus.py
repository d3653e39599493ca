"""The corpus: what was put in is what the reader finds, however the network cuts it; or a refusal by name."""

import random

import pytest

from tests.mail_corpus import made, nasty, tricks
from tests.mail_corpus.case import Case
from tests.smtp.reading import read
from zegel.errors import Mistake

CASES = {case.name: case for case in (*made.cases(), *nasty.cases(), *tricks.cases())}


def _check(case: Case, pieces: list[int]) -> None:
    if case.refused:
        with pytest.raises(Mistake) as caught:
            read(case.raw, pieces)
        assert caught.value.kind == case.refused
        return
    found = read(case.raw, pieces)
    if case.text is not None:
        assert found.text == case.text
    if case.html is not None:
        assert found.html == case.html
    assert sorted((file.name, file.data) for file in found.files) == sorted(case.files)
    if case.subject is not None:
        assert found.subject == case.subject


@pytest.mark.parametrize("name", CASES)
def test_a_mail_is_read_whole(name: str) -> None:
    _check(CASES[name], [])


@pytest.mark.parametrize("name", [name for name in CASES if len(CASES[name].raw) < 3000])
def test_a_mail_is_read_byte_by_byte(name: str) -> None:
    _check(CASES[name], [1] * len(CASES[name].raw))


@pytest.mark.parametrize("name", CASES)
def test_a_mail_is_read_in_pieces_of_any_size(name: str) -> None:
    drawn = random.Random(name)
    for _ in range(3):
        _check(CASES[name], [drawn.choice((1, 2, 3, 7, 100, 4096, 65536)) for _ in range(200)])


def test_the_corpus_names_every_case_once() -> None:
    assert len(CASES) == sum(1 for _ in (*made.cases(), *nasty.cases(), *tricks.cases()))

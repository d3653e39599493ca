"""Marks on deliveries: what the inside zone made, and nothing else."""

from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zegel.errors import Damaged
from zegel.parcels.outbox_words import DeliveryWords, check_marked, marked, read_words, spell_words

KEY = bytes(range(32))
WORDS = DeliveryWords(
    "slip", "secret", "key", "mail", "zorg@voorbeeld.example", "utf8", "j@example.nl", "direct", "T: é"
)


def test_what_was_marked_is_known_again_after_it_was_spelled() -> None:
    words = marked(WORDS, KEY)
    check_marked(words, KEY)
    found = read_words("delivery", "slip", spell_words(words))
    assert isinstance(found, DeliveryWords)
    assert found == words
    check_marked(found, KEY)


@given(st.sampled_from(sorted(asdict(WORDS))), st.text(st.characters(), max_size=70))
def test_whatever_is_changed_the_mark_is_wrong(member: str, text: str) -> None:
    words = marked(WORDS, KEY)
    if getattr(words, member) != text:
        with pytest.raises(Damaged):
            check_marked(replace(words, **{member: text}), KEY)  # type: ignore[arg-type]


def test_no_text_moves_from_one_member_to_the_next() -> None:
    words = marked(replace(WORDS, to="a", way="bc"), KEY)
    with pytest.raises(Damaged):
        check_marked(replace(words, to="ab", way="c"), KEY)


@pytest.mark.parametrize("key", [b"", bytes(32), KEY[:-1], KEY + b"\1"])
def test_another_key_makes_another_mark(key: bytes) -> None:
    with pytest.raises(Damaged):
        check_marked(marked(WORDS, key), KEY)
    with pytest.raises(Damaged):
        check_marked(WORDS, KEY)

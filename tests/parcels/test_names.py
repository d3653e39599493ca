"""Attachment names that a stranger wrote."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zegel.errors import Mistake
from zegel.parcels.names import checked_name, safe_name


@pytest.mark.parametrize(
    ("written", "safe"),
    [
        ("Beschikking.pdf", "Beschikking.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\x\\brief.docx", "brief.docx"),
        ("..", "attachment"),
        ("", "attachment"),
        ("\u202efdp.exe", "fdp.exe"),
        ("a\x00b\r\nc.txt", "abc.txt"),
        ("con.txt", "_con.txt"),
        ("re\u0301sume\u0301.pdf", "résumé.pdf"),
        ("a" * 300 + ".pdf", "a" * 146 + ".pdf"),
        ("vraag?.txt", "vraag_.txt"),
        (".htaccess", "htaccess"),
        ("\ud800.txt", "txt"),
    ],
)
def test_names_become_safe(written: str, safe: str) -> None:
    assert safe_name(written) == safe


@given(st.text(max_size=400))
def test_every_name_becomes_one_that_a_reader_accepts(written: str) -> None:
    safe = safe_name(written)
    assert checked_name(safe) == safe
    assert safe_name(safe) == safe


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\b", "a\x00", "\u202ea", "a" * 151, "\u200b"])
def test_a_reader_refuses_what_is_not_safe(name: str) -> None:
    with pytest.raises(Mistake):
        checked_name(name)

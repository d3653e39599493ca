"""The record of a domain's Zegel: what is published is what is read, and nothing that could be read in two ways."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zegel.errors import Mistake
from zegel.transport.zegel import ZegelRecord, find_zegel, parse_zegel, spell_zegel

KEY = "-".join(["ABCD", "EFGH", "IJKL", "MNOP", "QRST", "UVWX", "YZ23", "4567"])
GOOD = f"v=zegel1; host=post.voorbeeld.test; key={KEY}"

keys = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", min_size=32, max_size=32).map(
    lambda text: "-".join(text[i : i + 4] for i in range(0, 32, 4))
)
labels = st.text("abcxyz", min_size=1, max_size=8)
records = st.builds(
    ZegelRecord,
    st.lists(labels, min_size=2, max_size=4).map(".".join),
    st.integers(1, 65535),
    st.lists(keys, min_size=1, max_size=4, unique=True).map(tuple),
)


@given(records)
def test_what_is_published_is_read(record: ZegelRecord) -> None:
    assert parse_zegel(spell_zegel(record)) == record
    assert find_zegel(["v=spf1 -all", spell_zegel(record), ""]) == record


@given(st.text(string.printable, max_size=200))
def test_anything_else_is_refused_in_one_way(text: str) -> None:
    for tried in (text, f"v=zegel1; host=a.test; key={KEY}{text}", f"v=zegel1;{text}; host=a.test; key={KEY}"):
        kind = ""
        try:
            record = parse_zegel(tried)
            assert parse_zegel(spell_zegel(record)) == record
        except Mistake as error:
            kind = error.kind
        assert kind in ("", "bad-zegel-record")


def test_spaces_and_fields_of_later_versions_do_no_harm() -> None:
    record = ZegelRecord("post.voorbeeld.test", 8443, (KEY,))
    assert parse_zegel(f" v = zegel1 ;host=Post.Voorbeeld.test.:8443 ; colour=blue; key= {KEY} ;") == record
    assert record.place == "post.voorbeeld.test:8443"


@pytest.mark.parametrize(
    "text",
    [
        f"v=zegel2; host=post.voorbeeld.test; key={KEY}",
        f"{GOOD}; key={KEY}",
        f"{GOOD}; host=post.voorbeeld.test",
        f"{GOOD},{KEY}",
        f"{GOOD}," + ",".join(KEY.replace("A", letter, 1) for letter in "BCDE"),
        GOOD.lower(),
        GOOD.replace("-", "", 1),
        f"v=zegel1; host=127.0.0.1; key={KEY}",
        f"v=zegel1; host=[::1]; key={KEY}",
        f"v=zegel1; host=localhost; key={KEY}",
        f"v=zegel1; host=post.voorbeeld.test:0; key={KEY}",
        f"v=zegel1; host=post.voorbeeld.test:65536; key={KEY}",
        f"v=zegel1; host=post.voorbeeld.test/x; key={KEY}",
        f"v=zegel1; host=a@post.voorbeeld.test; key={KEY}",
        f"v=zegel1; host=; key={KEY}",
        "v=zegel1; host=post.voorbeeld.test",
        f"{GOOD}; novalue",
        GOOD + " " * 2000,
    ],
)
def test_what_is_not_right_counts_for_nothing(text: str) -> None:
    with pytest.raises(Mistake, match="Zegel record"):
        parse_zegel(text)


def test_two_records_are_none() -> None:
    assert find_zegel(["v=zegel10; host=x", "something"]) is None
    with pytest.raises(Mistake):
        find_zegel([GOOD, GOOD])

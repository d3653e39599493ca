"""NTA 7516: the record that says where safe mail goes."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transport.test_names import HOST
from zegel.errors import Mistake
from zegel.transport.nta7516 import Nta, find_nta, parse_nta

GOOD = "v=NTA7516-1;startdate=2024-01;enddate=2027-12;provider=Example B.V.;ntamx=20 b.example.nl;ntamx=10 a.example.nl"


def test_a_record() -> None:
    record = parse_nta(GOOD)
    assert record == Nta((2024, 1), (2027, 12), "Example B.V.", ((10, "a.example.nl"), (20, "b.example.nl")))
    assert find_nta(["v=spf1 -all", GOOD]) == record
    assert find_nta(["v=spf1 -all"]) is None


@pytest.mark.parametrize(
    ("day", "counts"),
    [
        (date(2023, 12, 31), False),
        (date(2024, 1, 1), True),
        (date(2027, 12, 31), True),
        (date(2028, 1, 1), False),
    ],
)
def test_the_first_and_the_last_month_count(day: date, counts: bool) -> None:
    assert parse_nta(GOOD).in_force(day) is counts


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace("2024-01", "2024-13"),
        GOOD.replace("startdate=2024-01;", ""),
        GOOD.replace("enddate", "end"),
        GOOD.replace("10 a.example.nl", "a.example.nl"),
        GOOD.replace("10 a.example.nl", "70000 a.example.nl"),
        GOOD.replace("10 a.example.nl", "10 a.example.nl>"),
        GOOD + ";enddate=2030-01",
        GOOD + ";" + ";".join("ntamx=1 x.example.nl" for _ in range(30)),
    ],
)
def test_what_is_not_right_is_refused(text: str) -> None:
    with pytest.raises(Mistake) as error:
        parse_nta(text)
    assert error.value.kind == "bad-nta7516"


def test_two_records_are_none() -> None:
    with pytest.raises(Mistake):
        find_nta([GOOD, GOOD])


@given(st.lists(st.tuples(st.integers(0, 65535), HOST), max_size=8), st.integers(1, 12), st.integers(1, 12))
def test_what_is_spelled_is_read(hosts: list[tuple[int, str]], start: int, end: int) -> None:
    parts = [f"ntamx={preference} {host}" for preference, host in hosts]
    record = parse_nta(";".join(["v=NTA7516-1", f"startdate=2025-{start:02}", f"enddate=2026-{end:02}", *parts]))
    assert record.hosts == tuple(sorted(hosts))
    assert record.in_force(date(2025, 12, 5))


@given(st.text(max_size=200).map(lambda text: "v=NTA7516-1;" + text))
def test_any_text_is_a_record_or_a_mistake(text: str) -> None:
    try:
        find_nta([text])
    except Mistake as error:
        refused = error.kind
    else:
        refused = ""
    assert refused in ("", "bad-nta7516")

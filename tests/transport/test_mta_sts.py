"""MTA-STS: the record and the policy (RFC 8461 §3.1, §3.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transport.test_names import HOST
from zegel.errors import Mistake
from zegel.transport.mta_sts import LONGEST_AGE, Policy, find_record, parse_policy

GOOD = "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmax_age: 604800\r\n"


def test_a_policy() -> None:
    policy = parse_policy(GOOD)
    assert policy == Policy("enforce", ("mail.example.com", "*.example.net"), 604800)
    assert policy.covers("mail.example.com")
    assert policy.covers("backup.example.net")
    assert not policy.covers("example.net")
    assert not policy.covers("mail.example.org")


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace("\r\n", "\n"),
        GOOD + "extension: whatever it wants; even: this\n",
        GOOD.replace(": ", ":   "),
        GOOD.replace("mail.example.com", "MAIL.example.com."),
        # The first of a field that may stand once counts.
        GOOD + "mode: none\r\n",
    ],
)
def test_other_spellings_of_the_same(text: str) -> None:
    assert parse_policy(text) == parse_policy(GOOD)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (("version: STSv1", "version: STSv2"), "version"),
        (("version: STSv1\r\n", ""), "version"),
        (("mode: enforce", "mode: Enforce"), "mode"),
        (("mode: enforce", "mode: strict"), "mode"),
        (("max_age: 604800", "max_age: -1"), "max_age"),
        (("max_age: 604800", "max_age: ٣"), "max_age"),
        (("max_age: 604800", "max_age: 12345678901"), "max_age"),
        (("mx: mail.example.com\r\nmx: *.example.net\r\n", ""), "mx"),
        (("mx: mail.example.com", "mx: mail.*.com"), "mx"),
        (("mx: mail.example.com", "mx: *"), "mx"),
        (("mx: mail.example.com", "mx: münchen.example"), "mx"),
        (("mode: enforce", "<html>"), "line"),
    ],
)
def test_what_says_nothing_certain_is_refused(change: tuple[str, str], field: str) -> None:
    with pytest.raises(Mistake) as error:
        parse_policy(GOOD.replace(*change))
    assert error.value.kind == "bad-mta-sts"
    assert error.value.facts == {"field": field}


def test_ages_are_bounded_and_mode_none_needs_no_server() -> None:
    assert parse_policy(GOOD.replace("604800", "9999999999")).max_age == LONGEST_AGE
    assert parse_policy("version: STSv1\nmode: none\nmax_age: 0\n") == Policy("none", (), 0)


@given(st.sampled_from(["enforce", "testing"]), st.lists(HOST, min_size=1, max_size=9), st.integers(0, LONGEST_AGE))
def test_what_is_spelled_is_read(mode: str, hosts: list[str], age: int) -> None:
    text = f"version: STSv1\nmode: {mode}\nmax_age: {age}\n" + "".join(f"mx: {host}\n" for host in hosts)
    policy = parse_policy(text)
    assert (policy.mode, policy.mx, policy.max_age) == (mode, tuple(hosts), age)
    assert all(policy.covers(host) for host in hosts)


@given(st.text(alphabet="version: STSv1\r\nmoenfrcx*.a0", max_size=200) | st.text(max_size=200))
def test_any_text_is_a_policy_or_a_mistake(text: str) -> None:
    try:
        parse_policy(text)
    except Mistake as error:
        refused = error.kind
    else:
        refused = ""
    assert refused in ("", "bad-mta-sts")


@pytest.mark.parametrize(
    ("texts", "identifier"),
    [
        (["v=STSv1; id=20160831085700Z;"], "20160831085700Z"),
        (["v=STSv1;id=1"], "1"),
        (["something else", "v=STSv1 ; id=a1"], "a1"),
        (["v=STSv1; id=1", "v=STSv1; id=2"], None),
        (["v=STSv10; id=1"], None),
        (["v=STSv1"], None),
        (["v=STSv1; id="], None),
        (["v=STSv1; id=with-dash"], None),
        (["v=STSv1; id=" + "x" * 33], None),
        (["V=STSv1; id=1"], None),
        ([" v=STSv1; id=1"], None),
        ([], None),
    ],
)
def test_the_record(texts: list[str], identifier: str | None) -> None:
    assert find_record(texts) == identifier


@given(st.lists(st.text(max_size=80).map(lambda text: "v=STSv1;" + text), max_size=2))
def test_any_record_is_judged(texts: list[str]) -> None:
    found = find_record(texts)
    assert found is None or found.isalnum()

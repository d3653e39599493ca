"""The wildcard rule that certificates and MTA-STS share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zegel.transport.names import is_host, name_matches

LABEL = st.text("abz09-", max_size=5).map(lambda middle: f"a{middle}9") | st.sampled_from("abz09")
HOST = st.lists(LABEL, min_size=2, max_size=5).map(".".join)


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("mx.example.nl", "mx.example.nl", True),
        ("MX.Example.nl.", "mx.example.nl", True),
        ("*.example.nl", "mx.example.nl", True),
        ("*.example.nl", "example.nl", False),
        ("*.example.nl", "a.mx.example.nl", False),
        ("*.nl", "example.nl", False),
        ("*", "nl", False),
        ("m*.example.nl", "mx.example.nl", False),
        ("*.*.nl", "mx.example.nl", False),
        ("mx.*.nl", "mx.example.nl", False),
        ("*.example.nl", "*.example.nl", True),
        ("", "mx.example.nl", False),
    ],
)
def test_wildcards(pattern: str, name: str, fits: bool) -> None:
    assert name_matches(pattern, name) is fits


@given(HOST, LABEL)
def test_a_wildcard_stands_for_one_label(parent: str, label: str) -> None:
    assert name_matches(f"*.{parent}", f"{label}.{parent}")
    assert not name_matches(f"*.{parent}", parent)
    assert not name_matches(f"*.{parent}", f"x.{label}.{parent}")


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_is_judged(pattern: str, name: str) -> None:
    if name_matches(pattern, name) and "*" not in pattern:
        assert pattern.lower().removesuffix(".") == name.lower().removesuffix(".")


@given(HOST)
def test_hosts_are_hosts(host: str) -> None:
    assert is_host(host)
    assert not is_host(host + ".")
    assert not is_host(host.upper()) or host.upper() == host
    assert not is_host(host + " ")

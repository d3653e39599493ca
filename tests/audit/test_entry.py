"""An entry's bytes are the documented ones; a chain shows every alteration."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import hypothesis.strategies as st
import pytest
from hypothesis import given

from zegel.audit.entry import START, Entry, Head, check_chain, hash_of, next_entry, spell, spell_facts
from zegel.audit.events import Event
from zegel.errors import Damaged, Mistake

NOW = datetime(2026, 11, 20, 9, 14, tzinfo=UTC)
PARCEL = "k3mt3zmvwvuqrppbmm5mvjdu4q"

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,10}", fullmatch=True)
WORDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,20}", fullmatch=True)
FACTS = st.dictionaries(NAMES, st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | WORDS, max_size=5)


def make_chain(count: int) -> list[Entry]:
    chain: list[Entry] = []
    for number in range(count):
        chain.append(
            next_entry(
                chain[-1] if chain else None,
                NOW + timedelta(seconds=number),
                f"reader:{PARCEL}",
                "share:released",
                PARCEL,
                {"proof": "sms", "number": number},
            )
        )
    return chain


def test_the_bytes_are_those_of_the_reference_page() -> None:
    facts = {"readers": 2, "class": 1, "archived": True}
    entry = next_entry(None, NOW, "operator", Event.PARCEL_DEPOSITED, PARCEL, facts)
    wanted = (
        b"zegel audit v1\n1\n2026-11-20T09:14:00.000000Z\noperator\nparcel:deposited\nk3mt3zmvwvuqrppbmm5mvjdu4q\n"
        b'{"archived":true,"class":1,"readers":2}\n' + b"0" * 64 + b"\n"
    )
    assert spell(entry) == wanted
    assert entry.hash == hashlib.sha256(wanted).hexdigest()
    # As in docs/reference/audit.md: whoever changes this breaks every chain that exists.
    assert entry.hash == "ab2f28001c49a1e6795d976d6b2ceeb60f446a6a15976b51461f7bcf6d6f3860"


def test_a_moment_in_another_zone_is_the_same_moment() -> None:
    here = next_entry(None, NOW.astimezone(timezone(timedelta(hours=1))), "operator", "account:added", PARCEL, {})
    assert here == next_entry(None, NOW, "operator", "account:added", PARCEL, {})


def test_a_whole_chain_has_a_head() -> None:
    chain = make_chain(5)
    assert check_chain(chain) == chain[-1].head == Head(5, chain[-1].hash)
    assert check_chain([]) == START
    assert check_chain(chain, expected_head=chain[-1].head) == chain[-1].head
    assert check_chain(iter(chain[2:]), previous=chain[1]) == chain[-1].head
    assert check_chain(chain[3:], previous=chain[2].head, expected_head=chain[-1].head) == chain[-1].head


def refused(entries: list[Entry], head: Head | None = None) -> tuple[str, object]:
    with pytest.raises(Damaged) as found:
        check_chain(entries, head)
    return found.value.kind, found.value.facts["number"]


@pytest.mark.parametrize("gone", range(4))
def test_a_missing_entry_is_a_gap(gone: int) -> None:
    chain = make_chain(5)
    assert refused(chain[:gone] + chain[gone + 1 :]) == ("chain-gap", gone + 1)


def test_entries_in_another_order_are_a_gap() -> None:
    a, b, c = make_chain(3)
    assert refused([a, c, b]) == ("chain-gap", 2)


def test_entries_renumbered_after_a_removal_do_not_follow() -> None:
    a, _, c = make_chain(3)
    assert refused([a, replace(c, number=2)]) == ("chain-reordered", 2)


@pytest.mark.parametrize(
    "change",
    [
        {"moment": NOW + timedelta(microseconds=1)},
        {"actor": "operator"},
        {"event": "proof:failed"},
        {"event": "share:invented"},
        {"subject": "a" * 26},
        {"facts": {}},
        {"facts": {"proof": "mail", "number": 2}},
        {"facts": {"proof": "sms", "number": True}},
        {"facts": {"proof": "sms", "number": "2"}},
        {"facts": {"proof": "sms", "number": 2.0}},
        {"facts": {"proof": "sms", "number": None}},
        {"actor": "operator\nparcel:deposited"},
        {"hash": "0" * 64},
        {"hash": ""},
    ],
)
def test_an_altered_entry_is_named(change: dict[str, object]) -> None:
    chain = make_chain(5)
    chain[2] = replace(chain[2], **change)
    assert refused(chain) == ("chain-altered", 3)


def test_an_entry_altered_with_its_hash_breaks_the_next_link() -> None:
    chain = make_chain(5)
    forged = replace(chain[2], facts={})
    chain[2] = replace(forged, hash=hash_of(forged))
    assert refused(chain) == ("chain-reordered", 4)


def test_a_chain_cut_at_the_end_needs_its_head_to_show() -> None:
    chain = make_chain(5)
    assert check_chain(chain[:3]).number == 3
    assert refused(chain[:3], chain[-1].head) == ("chain-cut", 4)
    assert refused([], chain[-1].head) == ("chain-cut", 1)


def test_a_chain_written_anew_is_not_the_one_that_was_noted() -> None:
    noted = make_chain(3)[-1].head
    anew: list[Entry] = []
    for entry in make_chain(5):
        before = anew[-1] if anew else None
        anew.append(next_entry(before, entry.moment, "operator", entry.event, entry.subject, entry.facts))
    assert check_chain(anew).number == 5
    assert refused(anew, noted) == ("chain-rewritten", 3)


def test_a_chain_longer_than_its_head_is_told() -> None:
    chain = make_chain(5)
    assert refused(chain, chain[2].head) == ("chain-uncounted", 4)


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("actor", {"actor": "zorg@voorbeeld.example"}),
        ("actor", {"actor": ""}),
        ("actor", {"actor": "reader:"}),
        ("actor", {"actor": "operator\n"}),
        ("actor", {"actor": "x" * 200}),
        ("subject", {"subject": "Een onderwerp met spaties"}),
        ("subject", {"subject": ""}),
        ("moment", {"moment": NOW.replace(tzinfo=None)}),
        ("address", {"facts": {"address": "lezer@example.net"}}),
        ("telephone", {"facts": {"telephone": "+31612345678"}}),
        ("text", {"facts": {"text": "Geachte heer"}}),
        ("note", {"facts": {"note": "a\nb"}}),
        ("long", {"facts": {"long": "x" * 101}}),
        ("big", {"facts": {"big": 2**53}}),
        ("half", {"facts": {"half": 0.5}}),
        ("nothing", {"facts": {"nothing": None}}),
        ("deep", {"facts": {"deep": {"a": 1}}}),
        ("Key", {"facts": {"Key": 1}}),
        ("facts", {"facts": {f"key{i}": i for i in range(21)}}),
    ],
)
def test_what_may_not_be_written_down_for_ever_is_refused(part: str, change: dict[str, object]) -> None:
    whole = {"moment": NOW, "actor": "operator", "event": "account:added", "subject": PARCEL, "facts": {}}
    with pytest.raises(Mistake) as found:
        next_entry(None, **{**whole, **change})
    assert (found.value.kind, found.value.facts["part"]) == ("bad-entry", part)
    assert "@" not in str(found.value)


def test_an_unknown_event_is_refused() -> None:
    with pytest.raises(Mistake) as found:
        next_entry(None, NOW, "operator", "parcel:lost", PARCEL, {})
    assert found.value.kind == "unknown-event"


@given(st.lists(FACTS, min_size=1, max_size=6), st.data())
def test_any_facts_make_a_chain_and_any_change_breaks_it(made: list[dict[str, str | int | bool]], data) -> None:
    chain: list[Entry] = []
    for facts in made:
        chain.append(next_entry(chain[-1] if chain else None, NOW, "operator", "account:added", PARCEL, facts))
    head = check_chain(chain)
    place = data.draw(st.integers(0, len(chain) - 1))
    # True is 1 in Python, and not in the chain.
    other = data.draw(FACTS.filter(lambda facts: spell_facts(facts) != spell_facts(made[place])))
    forged = replace(chain[place], facts=other)
    assert refused([*chain[:place], forged, *chain[place + 1 :]], head) == ("chain-altered", place + 1)

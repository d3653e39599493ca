"""The vocabulary keeps its grammar, and the reference page tells all of it."""

import re
from pathlib import Path

from zegel.audit.events import Event

PAGE = Path(__file__).parents[2] / "docs/reference/audit.md"


def test_every_event_is_subject_and_action() -> None:
    assert all(re.fullmatch(r"[a-z]+:[a-z]+", event) for event in Event)


def test_the_reference_page_has_every_event_and_no_other() -> None:
    told = re.findall(r"^\| `([a-z]+:[a-z]+)` \|", PAGE.read_text(), re.MULTILINE)
    assert sorted(told) == sorted(Event)

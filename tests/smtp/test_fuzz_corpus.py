"""Mails that the fuzzers found interesting once must be read or refused for ever (`python -m fuzz.run mail_reader`)."""

import pytest
from fuzz.run import all_targets, replay


@pytest.mark.parametrize("name", [name for name in all_targets() if name.startswith("mail_")])
def test_saved_inputs_hold(name: str) -> None:
    assert replay(name) > 0

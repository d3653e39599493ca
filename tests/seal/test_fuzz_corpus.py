"""What the fuzzers found interesting once must hold for ever; fuzzing itself is `python -m fuzz.run`."""

import pytest
from fuzz.run import all_targets, replay


@pytest.mark.parametrize("name", [name for name in all_targets() if name.startswith("seal_")])
def test_saved_inputs_hold(name: str) -> None:
    assert replay(name) > 0

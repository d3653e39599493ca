from collections.abc import Iterator

import pytest

from tests.smtp.ground import Door, open_door


@pytest.fixture
def door() -> Iterator[Door]:
    with open_door() as found:
        yield found

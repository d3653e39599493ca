"""The one source of time."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The one source of time: aware, UTC."""

    def __call__(self) -> datetime: ...

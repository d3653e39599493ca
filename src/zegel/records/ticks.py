"""Periodic tasks: of all processes, exactly one takes each slot."""

from datetime import datetime

from zegel.records.border import border
from zegel.records.statements import insert
from zegel.records.transactions import must_write


class Ticks:
    """Who runs what is due now."""

    def take_tick(self, name: str, slot: datetime) -> bool:
        """Whether this caller is the one to run ``name`` for ``slot``; the slot is free again if it rolls back."""
        must_write()
        with border():
            return insert("tick", [{"name": name, "slot": slot}], unless_there=True) == 1

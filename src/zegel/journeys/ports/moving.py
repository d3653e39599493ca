"""What moving a whole installation needs of ``records`` and ``people``."""

from typing import Any, Protocol

from zegel.audit.entry import Entry
from zegel.journeys.ports.patches import PatchRecords
from zegel.journeys.ports.people import People


class MovingRecords(PatchRecords, Protocol):
    """Whole parcels (``records``)."""

    def parcels_after(self, parcel: str = "", limit: int = 500) -> list[str]: ...
    def export_parcel(self, parcel: str) -> dict[str, Any]: ...
    def import_parcel(self, members: dict[str, Any]) -> bool: ...
    def import_audit(self, entries: list[Entry]) -> None: ...


class MovingPeople(People, Protocol):
    """Whole accounts (``people``)."""

    def export_accounts(self) -> list[dict[str, Any]]: ...
    def import_account(self, members: dict[str, Any]) -> str | None: ...

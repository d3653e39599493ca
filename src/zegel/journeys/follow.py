"""Follow: what became of my parcels (outside zone)."""

from dataclasses import dataclass

from zegel.errors import NotFound
from zegel.journeys.ports.people import Actor
from zegel.journeys.ports.records import Records
from zegel.parcels.identifiers import checked
from zegel.parcels.states import ParcelStatus


@dataclass(frozen=True, slots=True)
class Follow:
    """A sender sees his own parcels and nobody else's."""

    records: Records

    def parcel(self, actor: Actor, parcel: str) -> ParcelStatus:
        """Raises NotFound, also for the parcel of somebody else: its existence is none of his business."""
        status = self.records.parcel(checked(parcel))
        if status.sender != actor.address:
            raise NotFound("There is no such parcel.", code="unknown-parcel")
        return status

    def parcels(self, actor: Actor, before: str = "", limit: int = 50) -> list[ParcelStatus]:
        """A page, newest first; ``before`` is the last identifier of the page before."""
        return self.records.parcels_of(actor.address, checked(before) if before else "", max(1, min(limit, 200)))

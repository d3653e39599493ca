"""``/api/v1/arrivals``: the Zegel of another organisation hands over a sealed parcel, known by its keys alone."""

from typing import Annotated

from django.http import HttpRequest
from ninja import Router, Status
from pydantic import BaseModel, Field

from zegel.doors.web.installed import house
from zegel.doors.web.ninja_api import errors
from zegel.doors.web.schemas import Identifier, Moment, Strict
from zegel.errors import Mistake
from zegel.parcels.arrivals import MOST_ARRIVAL, Said, Signed


class ArrivalIn(Strict):
    """A sealed parcel from another organisation (docs/format.md §9), and receipts for blobs that were brought."""

    arrival: str = Field(max_length=MOST_ARRIVAL)
    key: str = Field(max_length=60)
    time: Moment
    ed25519: str = Field(max_length=100)
    mldsa65: str = Field(max_length=5000)
    receipts: dict[Identifier, Annotated[str, Field(max_length=2048)]] = Field({})

    def said(self) -> Said:
        """Raises Mistake ``bad-arrival``."""
        try:
            return Said(self.arrival, Signed.read(self.model_dump(include={"key", "time", "ed25519", "mldsa65"})))
        except (ValueError, KeyError, TypeError, Mistake):
            raise Mistake("This arrival is not right: {what}.", code="bad-arrival", what="signature") from None


class ArrivedOut(BaseModel):
    """A ticket for each blob that is missing; without any it is durable, and will be in the mailbox."""

    missing: dict[str, str]
    part_bytes: int


arrivals = Router(tags=["arrivals"])


@arrivals.post("/arrivals", response={201: ArrivedOut, 202: ArrivedOut, **errors(403, 404, 409, 429)})
def arrive(request: HttpRequest, payload: ArrivalIn) -> Status[ArrivedOut]:
    """Hand over a parcel for one reader. 202 has a ticket for each blob that is missing (bring it to `/blobs/…`, with
    the ticket as token, and ask again with the receipts); 201 means durable. Again is answered the same.
    """
    here = house().here_arrive()
    missing = here.take(payload.said(), payload.receipts)
    return Status(202 if missing else 201, ArrivedOut(missing=missing, part_bytes=here.limits.part_bytes))

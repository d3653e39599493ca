"""``/api/v1/arrivals``: the Zegel of another organisation hands over a sealed parcel, known by its keys alone."""

from django.http import HttpRequest
from ninja import Router, Status

from zegel.doors.web.installed import house
from zegel.doors.web.ninja_api import errors
from zegel.doors.web.schemas import ArrivalIn, ArrivedOut

arrivals = Router(tags=["arrivals"])


@arrivals.post("/arrivals", response={201: ArrivedOut, 202: ArrivedOut, **errors(403, 404, 409, 429)})
def arrive(request: HttpRequest, payload: ArrivalIn) -> Status[ArrivedOut]:
    """Hand over a parcel for one reader. 202 has a ticket for each blob that is missing (bring it to `/blobs/…`, with
    the ticket as token, and ask again with the receipts); 201 means durable. Again is answered the same.
    """
    here = house().here_arrive()
    missing = here.take(payload.said(), payload.receipts)
    return Status(202 if missing else 201, ArrivedOut(missing=missing, part_bytes=here.limits.part_bytes))

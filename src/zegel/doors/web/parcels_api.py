"""``/api/v1/parcels``: deposits, and what became of them. A sender sees his own parcels and nobody else's."""

from django.http import HttpRequest
from ninja import Router, Status

from zegel.doors.web.installed import house
from zegel.doors.web.ninja_api import TokenAuth, actor_of, errors
from zegel.doors.web.schemas import AccountOut, Deposited, DepositIn, ExpiryIn, ParcelOut, ParcelPage, ProofIn, RevokeIn
from zegel.parcels.manifest import read_time

parcels = Router(auth=TokenAuth(), tags=["parcels"])


@parcels.get("/me", response={200: AccountOut, **errors(401)})
def whose_token(request: HttpRequest) -> AccountOut:
    """Whose token this is."""
    actor = actor_of(request)
    return AccountOut(account=actor.account, address=actor.address, name=actor.name)


@parcels.post("/parcels", response={201: Deposited, **errors(401, 403, 409)}, by_alias=True)
def deposit_parcel(request: HttpRequest, payload: DepositIn) -> Status[Deposited]:
    """Make a sealed parcel real. 201 means durable; the same deposit again is answered the same."""
    actor, rooms = actor_of(request), house()
    blobs = tuple(rooms.uploads.redeem(actor, item.blob, item.receipt) for item in payload.blobs)
    parcel = rooms.send.deposit(actor, payload.deposit(actor.address, blobs))
    return Status(201, Deposited(parcel=parcel, url=f"{rooms.profile.url}/sent/{parcel}"))


@parcels.get("/parcels", response={200: ParcelPage, **errors(401, 404)}, by_alias=True)
def list_parcels(request: HttpRequest, before: str = "", limit: int = 50) -> ParcelPage:
    """Your parcels, newest first; `limit` is at most 200, `before` the `next` of the page before."""
    limit = max(1, min(limit, 200))
    found = house().follow.parcels(actor_of(request), before, limit)
    return ParcelPage(
        parcels=[ParcelOut.of(status) for status in found],
        next=found[-1].parcel if len(found) == limit else "",
    )


@parcels.get("/parcels/{parcel}", response={200: ParcelOut, **errors(401, 404)}, by_alias=True)
def show_parcel(request: HttpRequest, parcel: str) -> ParcelOut:
    """One of your parcels, and what happened to each reader."""
    return ParcelOut.of(house().follow.parcel(actor_of(request), parcel))


@parcels.post("/parcels/{parcel}/revoke", response={200: ParcelOut, **errors(401, 404)}, by_alias=True)
def revoke_parcel(request: HttpRequest, parcel: str, payload: RevokeIn | None = None) -> ParcelOut:
    """Withdraw it from every reader, or from the one whose slip is given; again is fine."""
    actor, rooms = actor_of(request), house()
    if payload and payload.slip:
        rooms.revoke.reader(actor, parcel, payload.slip)
    else:
        rooms.revoke.parcel(actor, parcel)
    return ParcelOut.of(rooms.follow.parcel(actor, parcel))


@parcels.post("/slips/{slip}/proof", response={200: ParcelOut, **errors(401, 404, 409)}, by_alias=True)
def fill_in_proof(request: HttpRequest, slip: str, payload: ProofIn) -> ParcelOut:
    """Say how a reader proves who she is, where nobody said it yet: by `sms` or `code`. Then she is told.

    409 `proof-known`: what is known stays as it is.
    """
    actor, rooms = actor_of(request), house()
    rooms.fill_in.by_sender(actor, slip, payload.proof())
    return ParcelOut.of(rooms.follow.parcel(actor, rooms.records.slip(slip).parcel))


@parcels.post("/parcels/{parcel}/expiry", response={200: ParcelOut, **errors(401, 404)}, by_alias=True)
def change_expiry(request: HttpRequest, parcel: str, payload: ExpiryIn) -> ParcelOut:
    """Change until when readers can open it."""
    actor, rooms = actor_of(request), house()
    rooms.revoke.expiry(actor, parcel, read_time(payload.expires))
    return ParcelOut.of(rooms.follow.parcel(actor, parcel))

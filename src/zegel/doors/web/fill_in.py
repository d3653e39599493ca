"""The page where a sender says how a reader proves who she is: with the link that he was sent, or logged in.

With the link nothing is in the address but the parcel: what it allows comes in the body of the form, from the part
after ``#``. There is no cookie, so no CSRF token: whoever can send the form has the link.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from zegel.doors.web import lanes
from zegel.doors.web.installed import house
from zegel.doors.web.problems import sentence, status_of
from zegel.doors.web.sent import for_senders
from zegel.errors import Denied, Mistake, NotFound, ZegelError
from zegel.journeys.ports.people import Actor
from zegel.parcels import identifiers
from zegel.parcels.proofs import Proof, code_proof, sms_proof
from zegel.parcels.states import ParcelStatus, ReaderStatus

_FIELDS = {"bad-telephone": "telephone", "bad-access-code": "code"}


@csrf_exempt
@sensitive_post_parameters("voucher", "code", "telephone")
@require_http_methods(["GET", "HEAD", "POST"])
def with_link(request: HttpRequest, parcel: str) -> HttpResponse:
    """GET is the same empty page for every parcel, known or not; its script sends the link's secret part.

    POST: voucher; do (empty, save, ask-withdraw, withdraw), slip, kind (sms, code), telephone, code.
    """
    try:
        identifiers.checked(parcel)
    except Mistake:
        raise NotFound("There is nothing at this address.", code="no-such-page") from None
    if request.method != "POST":
        return render(request, "fill_open.html", {"parcel": parcel})
    # An access code costs work on purpose: nobody gets more of it at once than of anything else.
    with lanes.form(request.META.get("REMOTE_ADDR", "")):
        return _with_voucher(request, parcel, request.POST.get("voucher", "")[:2048])


def _with_voucher(request: HttpRequest, parcel: str, voucher: str) -> HttpResponse:
    rooms = house().fill_in
    try:
        rooms.look(parcel, voucher)
    except Denied as refused:
        told = {"parcel": parcel, "error": sentence(refused)}
        return render(request, "fill_open.html", told, status=status_of(refused))
    do, slip = request.POST.get("do", ""), request.POST.get("slip", "")[:40]
    done = ""
    error: ZegelError | None = None
    try:
        if do == "save":
            rooms.by_link(parcel, voucher, slip, _chosen(request))
            done = "given"
        elif do == "withdraw":
            rooms.withdraw_by_link(parcel, voucher, slip)
            done = "withdrawn"
    except (Mistake, NotFound) as caught:
        error = caught
    page = _facts(house().records.parcel(parcel), slip if error or not done else "", error)
    page |= {"voucher": voucher, "done": done, "confirm": do == "ask-withdraw" and page["reader"] is not None}
    return render(request, "fill.html", page, status=status_of(error) if error else 200)


@sensitive_post_parameters("code", "telephone")
@require_http_methods(["GET", "HEAD", "POST"])
@for_senders
def logged_in(request: HttpRequest, actor: Actor, parcel: str, slip: str) -> HttpResponse:
    """The same for the parcel's sender with an account; what was wrong is said on the page."""
    rooms = house()
    error: ZegelError | None = None
    status = rooms.follow.parcel(actor, parcel)
    if slip not in {reader.slip for reader in status.readers}:
        raise NotFound("There is no such reader.", code="unknown-slip")
    if request.method == "POST":
        try:
            with lanes.form(request.META.get("REMOTE_ADDR", "")):
                rooms.fill_in.by_sender(actor, slip, _chosen(request))
            return HttpResponseRedirect(f"/sent/{parcel}?done=given")
        except (Mistake, NotFound) as caught:
            error = caught
    page = _facts(rooms.follow.parcel(actor, parcel), slip, error)
    page |= {"back": f"/sent/{parcel}", "withdraw": f"/sent/{parcel}/readers/{slip}/revoke"}
    return render(request, "fill.html", page, status=status_of(error) if error else 200)


def _chosen(request: HttpRequest) -> Proof:
    """Raises Mistake: ``bad-telephone``, ``bad-access-code``, ``no-such-choice``."""
    match request.POST.get("kind", ""):
        case "sms":
            return sms_proof(request.POST.get("telephone", "")[:40])
        case "code":
            return code_proof(request.POST.get("code", "")[:500])
    raise Mistake("Choose a telephone number or an access code.", code="no-such-choice")


def _facts(status: ParcelStatus, slip: str, error: ZegelError | None) -> dict[str, Any]:
    """``waiting``: readers to fill in for; ``reader``: the one that was chosen, or the only one."""
    live = status.state == "live"
    waiting: list[ReaderStatus] = [reader for reader in status.readers if live and reader.state == "waiting"]
    chosen = next((reader for reader in waiting if reader.slip == slip), None)
    field = _FIELDS.get(error.kind, "") if error else ""
    return {
        "parcel": status,
        "waiting": waiting,
        "reader": chosen or (waiting[0] if len(waiting) == 1 else None),
        "error": sentence(error) if error and not field else "",
        "field": field,
        "field_error": sentence(error) if error and field else "",
    }

"""What came for own mailboxes that are read in the portal. Inside zone only; needs a session of this zone.

The page opens a message in the browser as a reader's page does; the key comes from here instead of from a link.
"""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST, require_safe

from zegel.doors.web.account import actor_in
from zegel.doors.web.installed import house
from zegel.doors.web.published import origin_members
from zegel.doors.web.reader_api import sealed_bytes
from zegel.doors.web.sent import for_senders
from zegel.errors import Denied
from zegel.journeys.ports.people import Actor

_PAGE = 50

Rest = ParamSpec("Rest")


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The inside has one start."""
    return HttpResponseRedirect("/received")


@require_safe
@for_senders
def received_list(request: HttpRequest, actor: Actor) -> HttpResponse:
    """One page, newest first; ``next`` is the ``before`` of the next page, or empty."""
    found = house().inside_receive().messages(actor, request.GET.get("before", ""), _PAGE + 1)
    page = found[:_PAGE]
    following = page[-1].reader.slip if len(found) > _PAGE else ""
    return render(request, "received_list.html", {"messages": page, "next": following})


@require_safe
@for_senders
def message(request: HttpRequest, actor: Actor, slip: str) -> HttpResponse:
    """The page that opens one message; 404 for what is not for this account, 410 for what was withdrawn or is over."""
    house().inside_receive().check(actor, slip)
    return render(request, "received.html", {"slip": slip})


def _with_session(
    view: Callable[Concatenate[HttpRequest, Actor, Rest], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, Rest], HttpResponseBase]:
    """Give the view its account; a program that has no session gets a problem, not the login page."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Rest.args, **kwargs: Rest.kwargs) -> HttpResponseBase:
        actor = actor_in(request)
        if actor is None:
            raise Denied("Log in first.", code="no-session")
        return view(request, actor, *args, **kwargs)

    return cast(Callable[Concatenate[HttpRequest, Rest], HttpResponseBase], guarded)


@require_POST
@_with_session
def open_message(request: HttpRequest, actor: Actor, slip: str) -> HttpResponse:
    """The parcel key and the blobs, never kept on the way (``no-store``); a POST, so that no other site can ask."""
    opened = house().inside_receive().open(actor, slip)
    blobs = [{"blob": blob, "size": size} for blob, size in opened.blobs]
    members: dict[str, object] = {"parcel": opened.parcel, "key": opened.key, "blobs": blobs}
    if opened.origin:
        members["origin"] = origin_members(opened.origin)
    response = JsonResponse(members)
    response["Cache-Control"] = "no-store"
    return response


@require_GET
@_with_session
def fetch_blob(request: HttpRequest, actor: Actor, slip: str, blob: str) -> HttpResponseBase:
    """Sealed bytes of one blob, whole or one range of it."""
    receive = house().inside_receive()
    size = receive.blob_size(actor, slip, blob)
    return sealed_bytes(request, blob, size, lambda start, length: receive.blob(actor, slip, blob, start, length))

"""What every page knows, and the pages that say that something went wrong."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language, gettext, gettext_noop

from zegel.doors.web.account import actor_in
from zegel.doors.web.installed import house
from zegel.doors.web.problems import is_api, plain, problem, retry_after, sentence, status_of
from zegel.doors.web.settings import ours
from zegel.errors import Denied, Unavailable, ZegelError


def facts(request: HttpRequest) -> dict[str, Any]:
    """Context processor: the organisation, its profile, who is logged in, the language, and whether this is a trial."""
    try:
        profile, actor = house().profile, actor_in(request)
    except Unavailable:
        # The page that says so is made with these facts too.
        profile, actor = None, None
    return {
        "organisation": profile.organisation.name if profile else "",
        "profile": profile,
        "language": (get_language() or settings.LANGUAGE_CODE)[:2],
        "actor": actor,
        "demo": ours().demo and not ours().inside,
        "inside": ours().inside,
    }


_TITLES = {
    400: gettext_noop("This did not work"),
    403: gettext_noop("This is not allowed"),
    404: gettext_noop("This page does not exist"),
    410: gettext_noop("This message is no longer available"),
    429: gettext_noop("Please wait"),
    500: gettext_noop("Something went wrong"),
    503: gettext_noop("Temporarily unavailable"),
}


def error_page(request: HttpRequest, error: ZegelError) -> HttpResponse:
    """The page for a person; says in her language what went wrong and what helps."""
    status = status_of(error)
    title = _TITLES.get(status, _TITLES[400])
    page = render(request, "error.html", {"title": gettext(title), "text": sentence(error)}, status=status)
    if (wait := retry_after(error)) is not None:
        page["Retry-After"] = str(wait)
    return page


def refused(status: int) -> Any:
    """A Django error handler for a status: a problem for programs, a page for people."""

    def handler(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
        return problem(plain(status)) if is_api(request) else error_page(request, plain(status))

    return handler


bad_request, forbidden, not_found, server_error = refused(400), refused(403), refused(404), refused(500)


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that did not come from our own page, or from a page that is too old."""
    return error_page(
        request,
        Denied("This form is no longer valid. Go back, load the page again, and send it once more.", code="bad-form"),
    )

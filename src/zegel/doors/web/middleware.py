"""Around every request: how large it may be, and which headers its answer has. Errors become pages or problems."""

import logging
from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from zegel.doors.web import bodies
from zegel.doors.web.pages import error_page
from zegel.doors.web.problems import MEDIA_TYPE, is_api, plain, problem
from zegel.doors.web.settings import ours
from zegel.errors import Damaged, ZegelError

GetResponse = Callable[[HttpRequest], HttpResponseBase]

_LOG = logging.getLogger("zegel.web")

DEPOSIT_BYTES = 16 * 1024 * 1024
ARRIVAL_BYTES = 512 * 1024
"""Five hundred blobs, and a receipt for each."""
SMALL_BYTES = 64 * 1024
"""Every body but a deposit and an upload: a code, a date, a login."""

# Nothing may run, load or be framed but what this server itself serves; strings never become code or HTML except
# through the two named policies of our own program (Trusted Types).
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "worker-src 'self'",
        "style-src 'self'",
        "font-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "frame-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types zegel dompurify",
    )
)
API_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox"

_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    # The path holds a slip: no other site learns which one, and the part after # never leaves the browser anyway.
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
}


def headers(get_response: GetResponse) -> GetResponse:
    """Put the headers on every answer that does not have its own."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Content-Security-Policy", API_POLICY if is_api(request) else POLICY)
        if ours().https:
            response.headers.setdefault("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
        return response

    return answer


def problems(get_response: GetResponse) -> GetResponse:
    """Whatever goes wrong under an API leaves as a problem, also what Django answers by itself."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if response.status_code < HTTPStatus.BAD_REQUEST or not is_api(request):
            return response
        if response.headers.get("Content-Type", "") == MEDIA_TYPE:
            return response
        told = problem(plain(response.status_code))
        if allow := response.headers.get("Allow"):
            told["Allow"] = allow
        return told

    return answer


def limits(get_response: GetResponse) -> GetResponse:
    """Refuse a body that is too large before a byte of it is read; read anybody's here, in their lane.

    Uploads and submissions are streamed, under limits of their own; what needs a token is read when that was good.
    """

    def answer(request: HttpRequest) -> HttpResponseBase:
        try:
            if not bodies.is_stream(request):
                _check_body(request)
        except ZegelError as error:
            return _told(request, error)
        return get_response(request)

    return answer


def _check_body(request: HttpRequest) -> None:
    if not request.META.get("CONTENT_LENGTH"):
        return
    most = DEPOSIT_BYTES if bodies.is_deposit(request) else ARRIVAL_BYTES if bodies.is_arrival(request) else SMALL_BYTES
    if bodies.length(request) > most:
        raise plain(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    if bodies.is_anybodys(request):
        bodies.read_whole(request)


class Errors:
    """An error that a page raised becomes a page that says so; innermost, so that it speaks the reader's language."""

    def __init__(self, get_response: GetResponse):
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """None for what is not one of the five families: Django logs it and answers 500."""
        if not isinstance(error, ZegelError):
            return None
        if isinstance(error, Damaged):
            _LOG.error("%s %s: %s", request.method, request.path_info, error.kind)
        return _told(request, error)


def _told(request: HttpRequest, error: ZegelError) -> HttpResponse:
    return problem(error) if is_api(request) else error_page(request, error)

"""Request bodies: streamed where they hold a blob, strict JSON everywhere else."""

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest
from django.http.request import UnreadablePostError
from ninja.parser import Parser

from zegel.doors.web import lanes
from zegel.errors import Mistake
from zegel.parcels.strict import strict_json

PIECE = 256 * 1024


def is_deposit(request: HttpRequest) -> bool:
    """The one JSON body that may be large."""
    return request.method == "POST" and request.path_info == "/api/v1/parcels"


def is_arrival(request: HttpRequest) -> bool:
    """Another organisation's parcel: it may name many blobs, each with its receipt."""
    return request.method == "POST" and request.path_info == "/api/v1/arrivals"


def is_stream(request: HttpRequest) -> bool:
    """Bodies that are never in memory as a whole: uploads and submissions."""
    path = request.path_info
    upload = request.method == "PUT" and path.startswith("/api/v1/blobs/")
    return upload or (request.method == "POST" and path == "/inside/v1/parcels")


def is_anybodys(request: HttpRequest) -> bool:
    """Forms of the pages, and what readers ask: there is no token to look at before the body."""
    return not request.path_info.startswith(("/api/", "/inside/")) or request.path_info.startswith(
        ("/api/v1/reader/", "/api/v1/arrivals")
    )


def length(request: HttpRequest) -> int:
    """The length that the caller announced; raises Mistake ``no-length`` (a length from a stranger may be any text)."""
    announced = request.META.get("CONTENT_LENGTH") or ""
    if not (announced.isascii() and announced.isdigit()) or len(announced) > 15:
        raise Mistake("An upload needs a Content-Length.", code="no-length")
    return int(announced)


def pieces(request: HttpRequest) -> Iterator[bytes]:
    """Yield the body as it arrives, never whole.

    A connection that breaks ends the pieces early: the journey, which knows the length, says that it was cut short.
    """
    while True:
        try:
            piece = request.read(PIECE)
        except (UnreadablePostError, OSError):
            return
        if not piece:
            return
        yield piece


def read_whole(request: HttpRequest) -> None:
    """Read a body that must be in memory; how large it may be was decided before (``middleware.limits``).

    Afterwards ``request.body`` is there. Raises Mistake ``cut-request``, Unavailable when too many are waited for.
    """
    if hasattr(request, "_body") or not request.META.get("CONTENT_LENGTH"):
        return
    lane = lanes.form(request.META.get("REMOTE_ADDR", "")) if is_anybodys(request) else lanes.transfer()
    try:
        with lane:
            whole = len(request.body) == length(request)
    except (UnreadablePostError, OSError):
        whole = False
    if not whole:
        raise Mistake("The request was cut short.", code="cut-request")


def read_json(raw: bytes) -> Any:
    """Read JSON as docs/format.md §1 has it: UTF-8, no repeated names, no NaN; raises Mistake ``bad-json``."""
    try:
        return strict_json(raw)
    except (ValueError, RecursionError):
        raise Mistake("The request is not valid JSON.", code="bad-json") from None


class StrictParser(Parser):
    """JSON bodies of the API; anything that is not declared to be JSON is refused.

    A form of another website can send ``text/plain`` with a reader's cookies, but not ``application/json``.
    """

    def parse_body(self, request: HttpRequest) -> Any:
        """Return the members of the body; raises Mistake."""
        raw = request.body
        if request.content_type != "application/json":
            raise Mistake("The body of this request must be application/json.", code="bad-media-type")
        return read_json(raw)

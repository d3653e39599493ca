"""The five families as HTTP: a status, and a problem document (RFC 9457) in the caller's language."""

import json
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext

from zegel.errors import Damaged, Denied, Mistake, NotFound, Unavailable, ZegelError

MEDIA_TYPE = "application/problem+json"

_UNAUTHENTICATED = ("bad-token", "bad-login")
_MISTAKES = {
    "proof-known": HTTPStatus.CONFLICT,
    "delivered": HTTPStatus.CONFLICT,
    "bad-schema": HTTPStatus.UNPROCESSABLE_ENTITY,
    "bad-media-type": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "no-length": HTTPStatus.LENGTH_REQUIRED,
    "bad-method": HTTPStatus.METHOD_NOT_ALLOWED,
    "bad-range": HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
}
_ENDED = ("expired", "revoked")


def status_of(error: ZegelError) -> int:
    """The HTTP status that says the same as the family and the code."""
    match error:
        case Mistake():
            return _mistake(error.kind)
        case Denied():
            return _denied(error)
        case NotFound():
            return HTTPStatus.GONE if error.kind in _ENDED else HTTPStatus.NOT_FOUND
        case Unavailable():
            return HTTPStatus.SERVICE_UNAVAILABLE
    return HTTPStatus.INTERNAL_SERVER_ERROR


def _denied(error: Denied) -> int:
    if error.retry_after is not None:
        return HTTPStatus.TOO_MANY_REQUESTS
    return HTTPStatus.UNAUTHORIZED if error.kind in _UNAUTHENTICATED else HTTPStatus.FORBIDDEN


def _mistake(kind: str) -> int:
    if kind.endswith("too-large"):
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    if kind.endswith("-exists"):
        return HTTPStatus.CONFLICT
    return _MISTAKES.get(kind, HTTPStatus.BAD_REQUEST)


def sentence(error: ZegelError) -> str:
    """What the error says, in the language of this request."""
    return gettext(error.text).format(**error.facts)


def retry_after(error: ZegelError) -> int | None:
    """Seconds for the ``Retry-After`` header; Unavailable always has it."""
    if error.retry_after is None and isinstance(error, Unavailable):
        return 60
    return error.retry_after


def problem(error: ZegelError) -> HttpResponse:
    """The problem document of an error."""
    status, wait = status_of(error), retry_after(error)
    members: dict[str, object] = {
        "type": f"urn:zegel:error:{error.kind}",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": sentence(error),
        "code": error.kind,
    }
    response = HttpResponse(status=status, content_type=MEDIA_TYPE)
    if wait is not None:
        members["retry_after"] = wait
        response["Retry-After"] = str(wait)
    if "size" in error.facts and status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        response["Content-Range"] = f"bytes */{error.facts['size']}"
    if status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = 'Bearer realm="zegel"'
    response.content = json.dumps(members, ensure_ascii=False).encode()
    return response


def is_api(request: HttpRequest) -> bool:
    """Whether the caller is a program, which gets problems, or a person, who gets pages."""
    return request.path_info.startswith(("/api/", "/inside/", "/.well-known/", "/healthz"))


_PLAIN: dict[int, ZegelError] = {
    400: Mistake("The request cannot be understood.", code="bad-request"),
    403: Denied("This is not allowed.", code="forbidden"),
    404: NotFound("There is nothing at this address.", code="no-such-page"),
    405: Mistake("This address does not take requests of this kind.", code="bad-method"),
    413: Mistake("The request is larger than is allowed here.", code="request-too-large"),
    500: Damaged("Something went wrong on our side. It has been noted.", code="internal-error"),
}


def plain(status: int) -> ZegelError:
    """The error for a status that Django or the server decided by itself."""
    return _PLAIN.get(status) or _PLAIN[400 if status < 500 else 500]

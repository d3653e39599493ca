"""What both APIs share: who calls, how errors leave, and an OpenAPI document that says so."""

import logging
from typing import Any, cast

from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema
from ninja.security import HttpBearer

from zegel.doors.web import bodies
from zegel.doors.web.installed import house
from zegel.doors.web.problems import MEDIA_TYPE, plain, problem
from zegel.doors.web.schemas import Problem
from zegel.errors import Damaged, Denied, Mistake, ZegelError
from zegel.journeys.ports.people import Actor

_LOG = logging.getLogger("zegel.web")
_LONGEST_PLACE = 120


class TokenAuth(HttpBearer):
    """``Authorization: Bearer`` and the token of an account."""

    def authenticate(self, request: HttpRequest, token: str) -> Actor:
        """Raises Denied ``bad-token``, and what :func:`bodies.read_whole` raises."""
        actor = house().people.by_token(token)
        # Sixteen megabytes are for those whom we know, and not before we do.
        if not bodies.is_stream(request):
            bodies.read_whole(request)
        return actor


class BringerAuth(TokenAuth):
    """The token of an account, or the ticket of another organisation for one blob; tokens have no dot."""

    def authenticate(self, request: HttpRequest, token: str) -> Actor:
        """Raises Denied ``bad-token``, ``bad-ticket``."""
        if "." not in token:
            return super().authenticate(request, token)
        visitor = house().uploads.visitor(token)
        if not bodies.is_stream(request):
            bodies.read_whole(request)
        return visitor


def actor_of(request: HttpRequest) -> Actor:
    """The account whose token this request shows; only for operations behind :class:`TokenAuth`."""
    return cast(Actor, request.auth)  # type: ignore[attr-defined]


def errors(*statuses: int) -> dict[int, type[Problem]]:
    """The error answers of an operation, for its OpenAPI; what every operation can answer is included."""
    return dict.fromkeys(sorted({*statuses, 400, 405, 413, 415, 422, 500, 503}), Problem)


class ZegelAPI(NinjaAPI):
    """An API whose errors are problems, as declared."""

    def __init__(self, title: str, description: str, namespace: str):
        super().__init__(
            title=title,
            version="1",
            description=description,
            urls_namespace=namespace,
            docs_url=None,
            parser=bodies.StrictParser(),
        )
        self.add_exception_handler(ZegelError, _told)
        self.add_exception_handler(ValidationError, _bad_schema)
        self.add_exception_handler(AuthenticationError, _no_token)
        self.add_exception_handler(HttpError, _http_error)
        self.add_exception_handler(Http404, _not_found)

    def get_openapi_schema(self, **kwargs: Any) -> OpenAPISchema:
        """The document, with problems under their own media type."""
        schema = super().get_openapi_schema(**kwargs)
        for path in schema.get("paths", {}).values():
            for operation in path.values():
                for status, answer in operation["responses"].items():
                    if int(status) >= 400:
                        answer["content"] = {MEDIA_TYPE: answer["content"].pop("application/json")}
        return schema


def _told(request: HttpRequest, error: Any) -> HttpResponse:
    if isinstance(error, Damaged):
        _LOG.error("%s %s: %s", request.method, request.path_info, error.kind)
    return problem(cast(ZegelError, error))


def _bad_schema(request: HttpRequest, error: Any) -> HttpResponse:
    # Only where, never what: the value may be a share or an address, and this text ends up in logs of callers.
    first = error.errors[0] if error.errors else {}
    place = ".".join(str(part) for part in first.get("loc", ()) if part not in ("body", "payload"))
    return problem(
        Mistake(
            "The request is not as the API describes it, at “{place}”.",
            code="bad-schema",
            place=place[:_LONGEST_PLACE] or "body",
        )
    )


def _no_token(request: HttpRequest, error: Any) -> HttpResponse:
    return problem(Denied("This request needs a token: Authorization: Bearer …", code="bad-token"))


def _http_error(request: HttpRequest, error: Any) -> HttpResponse:
    # Whatever the parser of bodies raises comes wrapped in one.
    if isinstance(error.__cause__, ZegelError):
        return problem(error.__cause__)
    return problem(plain(error.status_code))


def _not_found(request: HttpRequest, error: Any) -> HttpResponse:
    return problem(plain(404))

"""Who is logged in on the pages: a session that names an account, and ends when its password changes."""

from contextlib import suppress

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest

from zegel.doors.web.installed import house
from zegel.errors import NotFound, Unavailable
from zegel.journeys.ports.people import Actor

_ACCOUNT, _ADDRESS, _STAMP = "account", "address", "stamp"


def log_in(request: HttpRequest, actor: Actor) -> None:
    """Begin a session under a fresh key: one that somebody planted in this browser before is worth nothing."""
    request.session.flush()
    # Sessions end by themselves; their rows go when somebody else logs in.
    request.session.clear_expired()
    request.session[_ACCOUNT] = actor.account
    request.session[_ADDRESS] = actor.address
    request.session[_STAMP] = _stamp(actor)
    request.session.cycle_key()


def log_out(request: HttpRequest) -> None:
    """End the session, here and in the database."""
    request.session.flush()


def actor_in(request: HttpRequest) -> Actor | None:
    """The account of this session, or None; asked once per request. Raises Unavailable."""
    if settings.SESSION_COOKIE_NAME not in request.COOKIES or not hasattr(request, "session"):
        return None
    if not hasattr(request, "_zegel_actor"):
        request._zegel_actor = _found(request)  # type: ignore[attr-defined]
    found: Actor | None = request._zegel_actor  # type: ignore[attr-defined]
    return found


def _found(request: HttpRequest) -> Actor | None:
    try:
        account, address = request.session.get(_ACCOUNT), request.session.get(_ADDRESS, "")
    except DatabaseError as error:
        raise Unavailable(
            "The database cannot be reached or is too busy. Try again later.", code="database-away", retry_after=10
        ) from error
    if not account:
        return None
    with suppress(NotFound):
        actor = house().people.find(address)
        if actor.account == account and actor.active and request.session.get(_STAMP) == _stamp(actor):
            return actor
    request.session.flush()
    return None


def _stamp(actor: Actor) -> str:
    # An account from elsewhere than a password table has no password that could change.
    return str(getattr(actor, "stamp", ""))

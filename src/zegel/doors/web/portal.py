"""The pages that need no account: home, a reader's page, keys, and what the law wants said."""

from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from zegel.doors.web.installed import house
from zegel.doors.web.published import profile_members
from zegel.doors.web.settings import ours
from zegel.errors import Mistake
from zegel.parcels import identifiers
from zegel.parcels.deposit import LANGUAGES

_LANGUAGE_DAYS = timedelta(days=365)


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Where people arrive who only know the name."""
    return render(request, "home.html")


@require_safe
def collect(request: HttpRequest, slip: str) -> HttpResponse:
    """The reader's page. The same for every slip, known or not: its program asks the API."""
    try:
        identifiers.checked(slip)
    except Mistake:
        return render(request, "gone.html", {"slip": ""}, status=404)
    return render(request, "collect.html", {"slip": slip})


@require_safe
def keys(request: HttpRequest) -> HttpResponse:
    """The organisation's signing keys, to compare with what a message shows."""
    return render(request, "keys.html")


@require_safe
def accessibility(request: HttpRequest) -> HttpResponse:
    """The statement that Directive (EU) 2016/2102 asks for."""
    return render(request, "about_accessibility.html")


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    """What is kept of a reader and a sender, and for how long (GDPR art. 13)."""
    return render(request, "about_privacy.html")


@csrf_exempt
@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Keep the language that was chosen, and go back to the page.

    Without a CSRF token, which would give every reader a cookie; another site can at most change somebody's language.
    """
    chosen = request.POST.get("language", "")
    if chosen not in LANGUAGES:
        raise Mistake("The language “{language}” is not known here.", code="bad-language", language=chosen[:10])
    response = HttpResponseRedirect(own_page(request, request.POST.get("next", "")))
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        chosen,
        max_age=_LANGUAGE_DAYS,
        secure=ours().https,
        httponly=True,
        samesite="Lax",
    )
    return response


def own_page(request: HttpRequest, wanted: str, otherwise: str = "/") -> str:
    """Return ``wanted`` when it is a page of ours, so that no link of ours sends anybody elsewhere."""
    safe = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None, require_https=request.is_secure())
    return wanted if safe and wanted.startswith("/") and len(wanted) <= 200 else otherwise


@require_safe
def well_known(request: HttpRequest) -> HttpResponse:
    """``/.well-known/zegel`` (docs/format.md §5)."""
    members = profile_members(house().profile, house().reception_signed())
    response = JsonResponse(members, json_dumps_params={"ensure_ascii": False})
    # Anybody may know it, also a page of another organisation that checks a signature.
    response["Access-Control-Allow-Origin"] = "*"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    response["Cache-Control"] = "public, max-age=300"
    return response


@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """200 when the database answers; for whatever watches this process. Raises Unavailable."""
    house().records.audit_head()  # one row; counting a table would let a stranger make us read all of it
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Nothing here is for a search engine."""
    return HttpResponse("User-agent: *\nDisallow: /\n", content_type="text/plain")


@require_safe
def no_icon(request: HttpRequest) -> HttpResponse:
    """Browsers ask for it by themselves; pages name their own."""
    return HttpResponse(status=204, headers={"Cache-Control": "public, max-age=86400"})

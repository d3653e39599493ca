"""The pages of a sender: logging in, what became of parcels, withdrawing them, another expiry."""

from collections.abc import Callable
from datetime import date, datetime, time
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.timezone import get_current_timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from zegel.doors.web import lanes
from zegel.doors.web.account import actor_in, log_in, log_out
from zegel.doors.web.installed import house
from zegel.doors.web.portal import own_page
from zegel.doors.web.problems import sentence, status_of
from zegel.doors.web.settings import ours
from zegel.errors import Denied, Mistake, NotFound
from zegel.journeys.ports.people import Actor
from zegel.parcels.states import ParcelStatus

_PAGE = 50
_LONGEST_PASSWORD = 1024

Rest = ParamSpec("Rest")
View = Callable[Concatenate[HttpRequest, Actor, Rest], HttpResponse]


class LoginForm(forms.Form):
    """Address and password."""

    address = forms.CharField(
        label=_("E-mail address"),
        max_length=320,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=_LONGEST_PASSWORD,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    next = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput)


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def login(request: HttpRequest) -> HttpResponse:
    """Log in by password; whoever is logged in already goes on to his parcels."""
    if request.method != "POST":
        if actor_in(request):
            return HttpResponseRedirect(_start())
        return render(request, "login.html", {"form": LoginForm(initial={"next": request.GET.get("next", "")[:200]})})
    form, status = LoginForm(request.POST), 400
    if form.is_valid():
        try:
            # A password costs much work on purpose: strangers get no more of it at once than of anything else.
            with lanes.form(request.META.get("REMOTE_ADDR", "")):
                actor = house().people.by_password(form.cleaned_data["address"], form.cleaned_data["password"])
        except Denied as error:
            form.add_error(None, sentence(error))
            status = status_of(error)
        else:
            log_in(request, actor)
            return HttpResponseRedirect(own_page(request, form.cleaned_data["next"], _start()))
    return render(request, "login.html", {"form": form}, status=status)


@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    """End the session."""
    log_out(request)
    return HttpResponseRedirect("/")


def _start() -> str:
    """Where a login leads: outside to what was sent, inside to what was received."""
    return "/received" if ours().inside else "/sent"


def for_senders(view: View[Rest]) -> Callable[Concatenate[HttpRequest, Rest], HttpResponse]:
    """Give the view its account, or the visitor the login page; a parcel's name that is none leads nowhere."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Rest.args, **kwargs: Rest.kwargs) -> HttpResponse:
        actor = actor_in(request)
        if actor is None:
            page = request.get_full_path() if request.method == "GET" else _start()
            return HttpResponseRedirect("/login?" + urlencode({"next": page}))
        try:
            return view(request, actor, *args, **kwargs)
        except Mistake as error:
            if error.kind != "bad-identifier":
                raise
            raise NotFound("There is no such parcel.", code="unknown-parcel") from None

    return cast(Callable[Concatenate[HttpRequest, Rest], HttpResponse], guarded)


@require_safe
@for_senders
def sent_list(request: HttpRequest, actor: Actor) -> HttpResponse:
    """One page of parcels, newest first; ``next`` is the ``before`` of the next page, or empty."""
    found = house().follow.parcels(actor, request.GET.get("before", ""), _PAGE + 1)
    page = found[:_PAGE]
    following = page[-1].parcel if len(found) > _PAGE else ""
    return render(request, "sent_list.html", {"parcels": page, "next": following})


@require_safe
@for_senders
def sent_parcel(request: HttpRequest, actor: Actor, parcel: str) -> HttpResponse:
    """One parcel and its readers; ``done`` says what was changed just now."""
    return _parcel_page(request, house().follow.parcel(actor, parcel))


@require_http_methods(["GET", "HEAD", "POST"])
@for_senders
def revoke_parcel(request: HttpRequest, actor: Actor, parcel: str) -> HttpResponse:
    """Ask whether it is meant, then withdraw the parcel from everybody."""
    if request.method != "POST":
        return _confirm(request, house().follow.parcel(actor, parcel))
    house().revoke.parcel(actor, parcel)
    return HttpResponseRedirect(f"/sent/{parcel}?done=revoked")


@require_http_methods(["GET", "HEAD", "POST"])
@for_senders
def revoke_reader(request: HttpRequest, actor: Actor, parcel: str, slip: str) -> HttpResponse:
    """Ask whether it is meant, then withdraw the parcel from one reader."""
    if request.method != "POST":
        return _confirm(request, house().follow.parcel(actor, parcel), slip)
    house().revoke.reader(actor, parcel, slip)
    return HttpResponseRedirect(f"/sent/{parcel}?done=reader-revoked")


@require_POST
@for_senders
def change_expiry(request: HttpRequest, actor: Actor, parcel: str) -> HttpResponse:
    """Change until when readers can open it; what is wrong with a date is said on the page itself."""
    rooms = house()
    try:
        rooms.revoke.expiry(actor, parcel, _end_of(request.POST.get("expires", "")))
    except Mistake as error:
        if error.kind == "bad-identifier":
            raise
        status = rooms.follow.parcel(actor, parcel)
        return _parcel_page(request, status, code=status_of(error), error=sentence(error))
    return HttpResponseRedirect(f"/sent/{parcel}?done=expiry")


def _end_of(day: str) -> datetime:
    """The end of a day as the page's reader counts days; raises Mistake ``bad-date``."""
    try:
        return datetime.combine(date.fromisoformat(day), time(23, 59, 59), tzinfo=get_current_timezone())
    except ValueError:
        raise Mistake("“{moment}” is not a date such as 2026-12-20.", code="bad-date", moment=day[:40]) from None


def _parcel_page(request: HttpRequest, status: ParcelStatus, code: int = 200, **more: Any) -> HttpResponse:
    facts = {"parcel": status, "done": request.GET.get("done", ""), "error": "", **more}
    return render(request, "sent_parcel.html", facts, status=code)


def _confirm(request: HttpRequest, status: ParcelStatus, slip: str = "") -> HttpResponse:
    """``reader`` is the one to withdraw it from, or None for all of them; the form's action is this page."""
    reader = next((reader for reader in status.readers if reader.slip == slip), None)
    if slip and reader is None:
        raise NotFound("There is no such reader.", code="unknown-slip")
    back = f"/sent/{status.parcel}"
    return render(request, "confirm.html", {"parcel": status, "reader": reader, "action": request.path, "back": back})

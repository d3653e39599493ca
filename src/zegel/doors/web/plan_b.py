"""Plan B from the portal: each act asks first and names what follows, then leaves a job for the tidy role.

No request waits for work. A job's page loads itself again every five seconds while ``?live=1`` stands in its address; a
link on it ends that.
"""

from typing import Any, cast

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from zegel.doors.web.patchwork import for_officers, outlook_facts, plan_b
from zegel.doors.web.plan_facts import job_facts
from zegel.doors.web.problems import sentence, status_of
from zegel.errors import Mistake, NotFound
from zegel.journeys.plan_reports import signature_file
from zegel.journeys.ports.people import Actor
from zegel.suppliers.plan import JobKind, PlanReport, read_report

ACTS = ("evacuate", "rebuild", "drill", "reopen")
_REFRESH = 5
_SHOWN = 20
_TYPED = ("evacuate", "rebuild", "cut")
"""Acts that nobody does by a slip of the finger: the name has to be typed."""


@require_http_methods(["GET", "HEAD", "POST"])
@for_officers
def act_on_patch(request: HttpRequest, actor: Actor, name: str, act: str) -> HttpResponse:
    """Evacuate, rebuild, drill or reopen one patch."""
    if act not in ACTS:
        raise NotFound("There is nothing at this address.", code="no-such-page")
    back = f"/patchwork/patches/{name}"
    plan_b().oversee.patch(name)
    if request.method != "POST":
        return _confirm(request, name, act, back)
    jobs = plan_b().jobs
    try:
        reason = _reason(request, name, act)
        if act == "reopen":
            jobs.reopen(actor, name)
            return HttpResponseRedirect(back)
        job = jobs.request(actor, cast(JobKind, act), name, reason)
    except Mistake as error:
        return _confirm(request, name, act, back, error)
    return HttpResponseRedirect(f"/patchwork/jobs/{job.job}?live=1")


@require_http_methods(["GET", "HEAD", "POST"])
@for_officers
def cut(request: HttpRequest, actor: Actor, name: str) -> HttpResponse:
    """Cut a supplier: at once, before this answers."""
    back = f"/patchwork/suppliers/{name}"
    plan_b().oversee.supplier(name)
    if request.method != "POST":
        return _confirm(request, name, "cut", back)
    try:
        found = plan_b().jobs.cut(actor, name, _reason(request, name, "cut"))
    except Mistake as error:
        return _confirm(request, name, "cut", back, error)
    return HttpResponseRedirect(f"/patchwork/jobs/{found[0].job}?live=1" if len(found) == 1 else "/patchwork")


def _reason(request: HttpRequest, name: str, act: str) -> str:
    if act in _TYPED and request.POST.get("name", "").strip() != name:
        raise Mistake("Type the name “{name}” to confirm.", code="name-differs", name=name)
    return " ".join(request.POST.get("reason", "").split())[:200]


def _confirm(request: HttpRequest, name: str, act: str, back: str, error: Mistake | None = None) -> HttpResponse:
    facts: dict[str, Any] = {
        "act": act,
        "back": back,
        "action": request.path,
        "typed": act in _TYPED,
        "planned": act == "evacuate",
    }
    facts |= {"reason": request.POST.get("reason", "")[:200], "error": sentence(error) if error else ""}
    if act == "reopen":
        facts["name"] = name
    else:
        facts |= outlook_facts(plan_b().oversee.outlook(name))
    return render(request, "plan_b_confirm.html", facts, status=status_of(error) if error else 200)


@require_safe
@for_officers
def job(request: HttpRequest, actor: Actor, name: str) -> HttpResponse:
    """One job and how far it is."""
    found = job_facts(plan_b().jobs.find(actor, name))
    live = found["open"] and request.GET.get("live") == "1"
    page = render(request, "plan_b_job.html", {"job": found, "live": live, "seconds": _REFRESH})
    if live:
        page["Refresh"] = str(_REFRESH)
    return page


@require_POST
@for_officers
def change_job(request: HttpRequest, actor: Actor, name: str, act: str) -> HttpResponse:
    """Stop it after the batch it is at, or let it go on."""
    jobs = plan_b().jobs
    if act == "stop":
        jobs.stop(actor, name)
    elif act == "resume":
        jobs.resume(actor, name)
    else:
        raise NotFound("There is nothing at this address.", code="no-such-page")
    return HttpResponseRedirect(f"/patchwork/jobs/{name}?live=1")


@require_safe
@for_officers
def report(request: HttpRequest, actor: Actor, sha256: str) -> HttpResponse:
    """One report, what it says, and how to check its signature."""
    found = plan_b().oversee.report(sha256)
    said = {} if found.refused else read_report(found.body)
    failed = list(said.get("failed", {}).items())[:_SHOWN]
    return render(
        request, "plan_b_report.html", {"report": found, "said": said, "failed": failed, "file": _file(found)}
    )


@require_safe
@for_officers
def report_file(request: HttpRequest, actor: Actor, sha256: str, part: str) -> HttpResponse:
    """The bytes that were signed, or their signature."""
    found = plan_b().oversee.report(sha256)
    name, body = _file(found), found.body
    if part == "signature" and found.key:
        name, body = name + ".signature", signature_file(found.key, found.ed25519, found.mldsa65).encode()
    elif part != "json":
        raise NotFound("There is no such report.", code="unknown-report")
    response = HttpResponse(body, content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _file(found: PlanReport) -> str:
    return f"{found.kind}-{found.patch}-{found.made:%Y%m%d}-{found.sha256[:8]}.json"

"""The pages of an officer: the patchwork at a glance, one patch, one supplier, and what if one were gone."""

from collections.abc import Callable, Sequence
from datetime import date
from functools import wraps
from typing import Any, Concatenate, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from zegel.doors.web.installed import house
from zegel.doors.web.pictures import bar, chart, flow, quilt
from zegel.doors.web.plan_facts import job_facts
from zegel.doors.web.rules_said import class_said, classes_said, fact_said, rule_said
from zegel.doors.web.sent import Rest, View, for_senders
from zegel.errors import Denied, Unavailable
from zegel.journeys.house import PlanB
from zegel.journeys.oversee import ClassView, History, Outlook, PatchView, SupplierView
from zegel.journeys.ports.people import Actor
from zegel.journeys.what_if import PatchReport
from zegel.suppliers.supplier import OWN


def for_officers(view: View[Rest]) -> Callable[Concatenate[HttpRequest, Rest], HttpResponse]:
    """Give the view its officer; another account is refused, a visitor gets the login page.

    The right is read from the database for every request: it ends when it is taken away, not when the session does.
    """

    @wraps(view)
    def guarded(request: HttpRequest, actor: Actor, *args: Rest.args, **kwargs: Rest.kwargs) -> HttpResponse:
        if not actor.officer:
            raise Denied("This page is for security officers only.", code="not-officer")
        return view(request, actor, *args, **kwargs)

    return for_senders(cast(View[Rest], guarded))


def plan_b() -> PlanB:
    """What this house can do with patches; raises Unavailable ``no-patches``."""
    found = house().plan_b
    if found is None:
        raise Unavailable("This Zegel has no patches.", code="no-patches")
    return found


@require_safe
@for_officers
def overview(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Everything at a glance."""
    found = plan_b().oversee.overview()
    names = [one.patch for one in found.patches]
    classes = [(str(one.class_), one.blobs, one.at) for one in found.classes]
    facts = {
        "patches": [patch_facts(one) for one in found.patches],
        "classes": [_class_facts(one) for one in found.classes],
        "suppliers": [supplier_facts(one) for one in found.suppliers],
        "quilt": quilt(names, classes),
        "names": names,
        "jobs": [job_facts(one) for one in found.jobs],
        "reports": found.reports,
        **_history_facts(found.history, house().clock().date()),
        "due": [one.patch for one in found.patches if one.drill_due and one.state != "not configured"],
        "alone": sum(one.state != "not configured" for one in found.patches) == 1,
    }
    return render(request, "patchwork.html", facts)


@require_safe
@for_officers
def patch(request: HttpRequest, actor: Actor, name: str) -> HttpResponse:
    """One patch."""
    found = plan_b().oversee.patch(name)
    facts = {
        "patch": patch_facts(found.report),
        "supplier": supplier_facts(found.supplier) if found.supplier else None,
        "classes": _patch_classes(found),
        "alone": len(plan_b().oversee.patches.names()) == 1,
        "jobs": [job_facts(one) for one in plan_b().oversee.records.jobs(5, name)],
    }
    return render(request, "patchwork_patch.html", facts)


@require_safe
@for_officers
def supplier(request: HttpRequest, actor: Actor, name: str) -> HttpResponse:
    """One supplier: who owns it, which laws reach it, what it may hold."""
    return render(request, "patchwork_supplier.html", {"one": supplier_facts(plan_b().oversee.supplier(name))})


@require_safe
@for_officers
def what_if(request: HttpRequest, actor: Actor) -> HttpResponse:
    """``?name=``: a patch or a supplier."""
    return render(
        request, "patchwork_what_if.html", outlook_facts(plan_b().oversee.outlook(request.GET.get("name", "")))
    )


def patch_facts(one: PatchReport) -> dict[str, Any]:
    """A report for the templates, with its bar."""
    bars = bar({"good": one.objects, "short": one.wanted, "bad": one.broken, "none": one.doomed})
    return {"is": one, "bar": bars, "errors": round(one.error_rate * 100, 1)}


def _class_facts(one: ClassView) -> dict[str, Any]:
    enough = one.blobs - one.short
    refused = [rule_said(rule) for rule in one.refused]
    return {
        "is": one,
        "name": class_said(one.class_),
        "refused": refused,
        "bar": bar({"good": enough, "short": one.short}),
    }


def supplier_facts(one: SupplierView) -> dict[str, Any]:
    """A supplier for the templates, in words."""
    return {
        "is": one.supplier,
        "legal_name": gettext("Our own storage") if one.supplier == OWN else one.supplier.legal_name,
        "patches": one.patches,
        "control": [fact_said(reason) for reason in one.control],
        "laws": [(law, ", ".join(fact_said(reason) for reason in law.reasons)) for law in one.laws],
        "owners": one.owners,
        "highest": class_said(one.highest) if one.highest is not None else "",
        "verdicts": [
            (class_said(class_), verdict, [rule_said(str(reason)) for reason in verdict.reasons])
            for class_, verdict in one.verdicts
        ],
    }


def _history_facts(found: Sequence[History], today: date) -> dict[str, Any]:
    """The chart, and a table that says the same at three moments."""
    rows = [
        {
            "patch": one.patch,
            "number": number % 6,
            "now": one.days[-1].size,
            "month": one.size_before(today, 30),
            "year": one.size_before(today, 365),
            "errors": None if one.errors is None else round(one.errors * 100, 1),
        }
        for number, one in enumerate(found)
    ]
    drawn = chart([[(day.day.toordinal(), day.size) for day in one.days] for one in found])
    ends = (date.fromordinal(drawn.first), date.fromordinal(drawn.last)) if drawn else None
    return {"history": rows, "chart": drawn, "ends": ends}


def _patch_classes(view: PatchView) -> list[tuple[str, list[str]]]:
    return [(class_said(class_), [rule_said(reason) for reason in reasons]) for class_, reasons in view.classes]


def outlook_facts(found: Outlook) -> dict[str, Any]:
    """A what-if answer for the templates, with its two pictures."""
    leaving = found.answer.leaving
    losses = [
        {
            "is": loss,
            "name": class_said(loss.class_),
            "bar": bar(
                {"good": loss.untouched, "short": loss.under_copied, "away": loss.unavailable, "bad": loss.unreadable}
            ),
        }
        for loss in leaving.losses
    ]
    ways = [
        (target.patch or gettext("nowhere"), classes_said(target.classes), bool(target.patch))
        for target in found.targets
    ]
    return {
        "name": found.name,
        "gone": found.answer.gone,
        "leaving": leaving,
        "losses": losses,
        "flow": flow(found.answer.gone, ways),
        "ways": ways,
        "refused": [(class_said(class_), [rule_said(rule) for rule in rules]) for class_, rules in found.refused],
        "minutes": max(1, round(leaving.seconds / 60)),
        "hours": round(leaving.seconds / 3600),
        "measured": found.answer.measured,
        "speed": found.answer.bytes_per_second / 1e6,
    }

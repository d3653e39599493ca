"""The addresses of the outside zone."""

from django.urls import path

from zegel.doors.web import assets, demo, fill_in, pages, patchwork, plan_b, portal, sent
from zegel.doors.web.api import api

urlpatterns = [
    path("", portal.home),
    path("o/<str:slip>", portal.collect),
    path("login", sent.login),
    path("logout", sent.logout),
    path("sent", sent.sent_list),
    path("sent/<str:parcel>", sent.sent_parcel),
    path("sent/<str:parcel>/revoke", sent.revoke_parcel),
    path("sent/<str:parcel>/readers/<str:slip>/revoke", sent.revoke_reader),
    path("sent/<str:parcel>/expiry", sent.change_expiry),
    path("patchwork", patchwork.overview),
    path("patchwork/patches/<str:name>", patchwork.patch),
    path("patchwork/suppliers/<str:name>", patchwork.supplier),
    path("patchwork/what-if", patchwork.what_if),
    path("patchwork/patches/<str:name>/<str:act>", plan_b.act_on_patch),
    path("patchwork/suppliers/<str:name>/cut", plan_b.cut),
    path("patchwork/jobs/<str:name>", plan_b.job),
    path("patchwork/jobs/<str:name>/<str:act>", plan_b.change_job),
    path("patchwork/reports/<str:sha256>", plan_b.report),
    path("patchwork/reports/<str:sha256>/<str:part>", plan_b.report_file),
    path("sent/<str:parcel>/readers/<str:slip>/proof", fill_in.logged_in),
    path("fill/<str:parcel>", fill_in.with_link),
    path("keys", portal.keys),
    path("accessibility", portal.accessibility),
    path("privacy", portal.privacy),
    path("language", portal.language),
    path("demo/catcher", demo.catcher),
    path("demo/mail/<int:number>", demo.mail),
    path("static/<str:version>/<path:path>", assets.serve),
    path("favicon.ico", portal.no_icon),
    path("robots.txt", portal.robots),
    path("healthz", portal.health),
    path(".well-known/zegel", portal.well_known),
    path("api/v1/", api.urls),
]

handler400, handler403, handler404, handler500 = (
    pages.bad_request,
    pages.forbidden,
    pages.not_found,
    pages.server_error,
)

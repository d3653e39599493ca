"""The addresses of the inside zone: staff read what came for their mailboxes, and programs submit. Nothing for readers
elsewhere.
"""

from django.urls import path

from zegel.doors.web import assets, pages, portal, received, sent
from zegel.doors.web.inside import api

urlpatterns = [
    path("", received.home),
    path("login", sent.login),
    path("logout", sent.logout),
    path("received", received.received_list),
    path("received/<str:slip>", received.message),
    path("inside/received/<str:slip>/open", received.open_message),
    path("inside/received/<str:slip>/blobs/<str:blob>", received.fetch_blob),
    path("keys", portal.keys),
    path("accessibility", portal.accessibility),
    path("privacy", portal.privacy),
    path("language", portal.language),
    path("static/<str:version>/<path:path>", assets.serve),
    path("favicon.ico", portal.no_icon),
    path("robots.txt", portal.robots),
    path("healthz", portal.health),
    path(".well-known/zegel", portal.well_known),
    path("inside/v1/", api.urls),
]

handler400, handler403, handler404, handler500 = (
    pages.bad_request,
    pages.forbidden,
    pages.not_found,
    pages.server_error,
)

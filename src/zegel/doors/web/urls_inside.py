"""The addresses of the inside zone: no pages, and nothing for readers."""

from django.urls import path

from zegel.doors.web import pages, portal
from zegel.doors.web.inside import api

urlpatterns = [
    path("healthz", portal.health),
    path("inside/v1/", api.urls),
]

handler400, handler403, handler404, handler500 = (
    pages.bad_request,
    pages.forbidden,
    pages.not_found,
    pages.server_error,
)

"""The outside API, ``/api/v1``: everything that a sender's program and a reader's browser ask over HTTP."""

from zegel.doors.web.arrivals_api import arrivals
from zegel.doors.web.ninja_api import ZegelAPI
from zegel.doors.web.parcels_api import parcels
from zegel.doors.web.reader_api import reader
from zegel.doors.web.uploads_api import uploads

api = ZegelAPI(
    title="Zegel, outside",
    description=(
        "Deposits of sealed parcels, what became of them, and what readers fetch. This zone sees ciphertext and "
        "envelopes only; the format of both is in docs/format.md."
    ),
    namespace="api",
)
api.add_router("", uploads)
api.add_router("", parcels)
api.add_router("", arrivals)
api.add_router("/reader", reader)

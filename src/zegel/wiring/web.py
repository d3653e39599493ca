"""The two WSGI programs, made by ``zegel serve`` in each web process; the data folder comes from ``ZEGEL_DATA``."""

import os
from pathlib import Path
from typing import Any

from zegel.wiring.build import build
from zegel.wiring.ground import Zone, configure_django, open_ground


def _program(zone: Zone) -> Any:
    ground = open_ground(Path(os.environ["ZEGEL_DATA"]))
    configure_django(ground, zone)
    from django.core.wsgi import get_wsgi_application

    from zegel.doors.web.installed import install

    install(build(ground, zone))
    return get_wsgi_application()


def outside_app() -> Any:
    """Portal and API; needs no private key."""
    return _program("outside")


def inside_app() -> Any:
    """Signatures, and submission by programs that cannot seal."""
    return _program("inside")

"""The one holder of this process's House: Django makes views from module names, so they cannot be handed anything."""

from zegel.errors import Unavailable
from zegel.journeys.house import House

_installed: list[House] = []


def install(house: House) -> None:
    """Put the House in place, or another one in its stead; wiring does this before the first request."""
    _installed[:] = [house]


def house() -> House:
    """Return the House; raises Unavailable while the process is still starting."""
    if not _installed:
        raise Unavailable("The server is starting. Try again in a moment.", code="starting", retry_after=5)
    return _installed[0]

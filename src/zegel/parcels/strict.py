"""JSON and base64 as docs/format.md §1 has them, where a stranger may have written them."""

import base64
import json
from typing import Any


def strict_json(raw: bytes) -> Any:
    """UTF-8, without repeated names or numbers that are none; raises ValueError, RecursionError."""
    return json.loads(raw.decode("utf-8"), object_pairs_hook=without_repeats, parse_constant=_refused)


def without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The members of one object; raises ValueError for a repeated name.

    Two members of one name are read differently by different programs: a way to show two readers two messages.
    """
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("repeated name")
    return members


def _refused(_: str) -> None:
    raise ValueError("no JSON number")


def b64(raw: bytes) -> str:
    """With padding."""
    return base64.b64encode(raw).decode("ascii")


def unb64(text: object) -> bytes:
    """Raises ValueError for anything but :func:`b64`'s alphabet and padding."""
    if not isinstance(text, str):
        raise ValueError("no base64")
    return base64.b64decode(text, validate=True)

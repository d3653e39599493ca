"""Vouchers: what the server tells itself, carried by the caller, so that nothing needs a row in a table.

They are the *ticket* with which a reader fetches blobs after her proof, the *receipt* for an uploaded blob, which the
deposit then shows, the ticket with which another organisation brings a blob, and the link with which a sender completes
a message. A voucher is JSON and an HMAC-SHA256 under the outside's own key; its purpose is inside the MAC.
"""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

from zegel.errors import Denied

_LONGEST = 2048


def mint(key: bytes, purpose: str, facts: dict[str, str | int], until: datetime) -> str:
    """Make a voucher that is good until the moment given (whole seconds)."""
    body = json.dumps({**facts, "until": int(until.timestamp())}, separators=(",", ":")).encode()
    return f"{_b64(body)}.{_b64(_mac(key, purpose, body))}"


def read(key: bytes, purpose: str, voucher: str, now: datetime) -> dict[str, Any]:
    """Return the facts; raises :class:`Denied` with one answer for forged, expired and meant for something else."""
    try:
        if len(voucher) > _LONGEST:
            raise ValueError("too long")
        body, mac = (_unb64(part) for part in voucher.split("."))
        if not hmac.compare_digest(mac, _mac(key, purpose, body)):
            raise ValueError("mac")
        facts: dict[str, Any] = json.loads(body)
        if datetime.fromtimestamp(facts["until"], UTC) <= now:
            raise ValueError("expired")
    except (ValueError, KeyError, TypeError) as error:
        raise Denied("This ticket is not valid any more.", code="bad-ticket") from error
    return facts


def _mac(key: bytes, purpose: str, body: bytes) -> bytes:
    return hmac.digest(key, b"zegel voucher v1\0" + purpose.encode() + b"\0" + body, hashlib.sha256)


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _unb64(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from zegel.outbox.notice import From
from zegel.parcels.release import NoticeFacts

NOW = datetime(2026, 11, 20, 9, 14, tzinfo=UTC)
SECRET = "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCdE"
LINK = f"https://post.voorbeeld.example/o/k3mt3zmvwvuqrppbmm5mvjdu4q#{SECRET}"
FROM = From("post@voorbeeld.example", ZoneInfo("Europe/Amsterdam"))


def notice_facts(**changes: Any) -> NoticeFacts:
    facts: dict[str, Any] = {
        "slip": "k3mt3zmvwvuqrppbmm5mvjdu4q",
        "to": "j.dejong@example.net",
        "language": "nl",
        "sender_name": "Afdeling Zorg",
        "sender_address": "zorg@voorbeeld.example",
        "organisation": "Gemeente Voorbeeld",
        "created": NOW,
        "expires": datetime(2026, 12, 20, 9, 14, tzinfo=UTC),
        "proof": "sms",
        "link": LINK,
    }
    return NoticeFacts(**{**facts, **changes})

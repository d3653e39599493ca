"""Until when, as senders write it: ``14d``, ``2026-12-20`` or ``2026-12-20T09:14:00Z``."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from zegel.errors import Mistake
from zegel.parcels.manifest import read_time

TIME_ZONE = ZoneInfo("Europe/Amsterdam")
"""In which days begin and end, unless the organisation says otherwise."""
_DAYS = re.compile(r"([1-9][0-9]{0,3})\s*d\Z", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)


def read_expiry(text: str, now: datetime, time_zone: ZoneInfo = TIME_ZONE) -> datetime:
    """Return the moment; a date means the end of that day there. Whether it is allowed is ``check_expiry``'s.

    Raises Mistake ``bad-date``.
    """
    text = text.strip()
    if days := _DAYS.match(text.lower()):
        return now.replace(microsecond=0) + timedelta(days=int(days[1]))
    try:
        if _DATE.match(text):
            day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=time_zone)
            return day + timedelta(days=1, seconds=-1)
        return read_time(text)
    except (ValueError, OverflowError, Mistake):
        raise Mistake(
            "“{moment}” is not a period such as 14d or a date such as 2026-12-20.", code="bad-date", moment=text[:40]
        ) from None

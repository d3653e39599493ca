"""A moment in words that people read, in Dutch and English."""

from datetime import datetime
from zoneinfo import ZoneInfo

_DAYS = {
    "nl": ("maandag", "dinsdag", "woensdag", "donderdag", "vrijdag", "zaterdag", "zondag"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_MONTHS = {
    "nl": (
        "januari", "februari", "maart", "april", "mei", "juni",
        "juli", "augustus", "september", "oktober", "november", "december",
    ),
    "en": (
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ),
}  # fmt: skip
_MOMENT = {"nl": "{day} {date} {month} {year}, {time} uur", "en": "{day} {date} {month} {year}, {time}"}


def spell_moment(moment: datetime, language: str, zone: ZoneInfo) -> str:
    """``zondag 20 december 2026, 10:14 uur``."""
    local = moment.astimezone(zone)
    return _MOMENT[language].format(
        day=_DAYS[language][local.weekday()],
        date=local.day,
        month=_MONTHS[language][local.month - 1],
        year=local.year,
        time=f"{local:%H:%M}",
    )

"""The notice: tells a reader that a message waits for her, and nothing of what is in it.

Plain words (B1), both as text and as HTML, each complete; no image, no tracking, nothing loaded from anywhere. It says
how a real one is recognised, because it looks like what a thief of data would send.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.template import Context, Engine

from zegel.parcels.release import NoticeFacts
from zegel.post.moments import spell_moment
from zegel.post.written import About, Written, write_mail

_TEMPLATES = Path(__file__).parent / "templates"
_SUBJECTS = {
    "nl": "Beveiligd bericht van {organisation}",
    "en": "Secure message from {organisation}",
}
_VIA = {"nl": "{sender} via {organisation}", "en": "{sender} via {organisation}"}


@dataclass(frozen=True, slots=True)
class From:
    """Who sends notices: the organisation's address, and the zone in which its readers live."""

    address: str
    zone: ZoneInfo


def write_notice(facts: NoticeFacts, from_: From, now: datetime) -> Written:
    """Return the notice as a mail. The same slip always gets the same Message-ID: a repeat is seen to be one."""
    language = facts.language if facts.language in _SUBJECTS else "nl"
    organisation, sender = _one_line(facts.organisation), _one_line(facts.sender_name)
    utf8 = not facts.to.isascii() or not from_.address.isascii()
    # A name that holds an address of its own would be shown as if it were the sender's.
    named = sender and "@" not in sender
    shown = _VIA[language].format(sender=sender, organisation=organisation) if named else organisation
    about = About(shown, from_.address, _SUBJECTS[language].format(organisation=organisation), organisation, language)
    words = _words(facts, language, organisation, sender, from_.zone)
    texts = [(kind, _render(f"notice.{language}.{end}", words)) for kind, end in (("plain", "txt"), ("html", "html"))]
    return write_mail(about, facts.to, f"notice.{facts.slip}", now, utf8, texts)


def _words(facts: NoticeFacts, language: str, organisation: str, sender: str, zone: ZoneInfo) -> dict[str, str]:
    link = urlsplit(facts.link)
    return {
        "organisation": organisation,
        "sender": sender,
        "sender_address": facts.sender_address,
        "expires": spell_moment(facts.expires, language, zone),
        "link": facts.link,
        "site": f"{link.scheme}://{link.netloc}/",
        "proof": facts.proof,
    }


def _one_line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:150]


@cache
def _engine() -> Engine:
    # An engine of its own: the courier needs no Django settings, and a web theme cannot alter notices.
    return Engine(dirs=[str(_TEMPLATES)], autoescape=True)


def _render(template: str, words: dict[str, str]) -> str:
    return str(_engine().get_template(template).render(Context(words)))

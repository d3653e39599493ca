"""The notice: tells a reader that a message waits for her, and nothing of what is in it.

Plain words (B1), both as text and as HTML, each complete; no image, no tracking, nothing loaded from anywhere. It says
how a real one is recognised, because it looks like what a thief of data would send.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.template import Context, Engine
from django.utils.html import escape

from zegel.parcels.release import NoticeFacts
from zegel.post.moments import spell_moment
from zegel.post.written import About, Written, write_mail

# Private use: nobody's name holds them (_one_line drops what is not printable), and escaping lets them be.
_LINK, _EXPIRES = "\ue000", "\ue001"
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
    link = urlsplit(facts.link)
    words = Words(organisation, sender, facts.sender_address, f"{link.scheme}://{link.netloc}/", facts.proof)
    expires = spell_moment(facts.expires, language, from_.zone)
    plain = _render(f"notice.{language}.txt", words).replace(_LINK, facts.link).replace(_EXPIRES, expires)
    html = _render(f"notice.{language}.html", words).replace(_LINK, escape(facts.link)).replace(_EXPIRES, expires)
    return write_mail(about, facts.to, f"notice.{facts.slip}", now, utf8, [("plain", plain), ("html", html)])


@dataclass(frozen=True, slots=True)
class Words:
    """What a template is filled with and a hundred thousand notices share."""

    organisation: str
    sender: str
    sender_address: str
    site: str
    proof: str


def _one_line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:150]


@cache
def _engine() -> Engine:
    # An engine of its own: the courier needs no Django settings, and a web theme cannot alter notices.
    return Engine(dirs=[str(_TEMPLATES)], autoescape=True)


@lru_cache(maxsize=1000)
def _render(template: str, words: Words) -> str:
    """Rendered but for what differs from notice to notice: ``_LINK`` and ``_EXPIRES`` are still to be replaced."""
    return str(_engine().get_template(template).render(Context({**asdict(words), "link": _LINK, "expires": _EXPIRES})))

"""Asks the sender what he has not said: how readers show who they are. A mail like any other, in plain words.

The link leads to a page where he fills it in. Nothing of the message stands in the mail, also not its subject. It goes
out with the empty envelope sender, as reports do.
"""

from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from zegel.post.moments import spell_moment
from zegel.post.written import About, Written, fold_head, join_parts, text_part

_SHOWN = 10
_TEXTS = {
    "nl": {
        "subject": "Vul uw beveiligde bericht aan: een lezer wacht",
        "subjects": "Vul uw beveiligde bericht aan: {count} lezers wachten",
        "more": "- en nog {count}",
        "text": """\
Uw beveiligde bericht van {sent}
is nog niet naar iedereen gegaan. Wij weten niet hoe deze lezers
kunnen laten zien wie zij zijn:

{readers}

Kies dat op deze pagina. Dat kan tot {expires}.

{link}

Met de link kan iedereen dit voor u kiezen: stuur deze e-mail niet door.
De link begint met {site}

Andere lezers wachten hier niet op.

Dit is een automatisch bericht van {organisation}. De inhoud van uw
bericht staat er niet in.
""",
    },
    "en": {
        "subject": "Complete your secure message: a reader waits",
        "subjects": "Complete your secure message: {count} readers wait",
        "more": "- and {count} more",
        "text": """\
Your secure message of {sent}
has not gone to everybody yet. We do not know how these readers can show
who they are:

{readers}

Choose that on this page. You can until {expires}.

{link}

Anybody who has the link can choose in your name: do not forward this
e-mail. The link begins with {site}

Other readers do not wait for this.

This is an automatic message from {organisation}. Nothing of the content
of your message is in it.
""",
    },
}


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """``message`` is the local part of its Message-ID, the same for every try; ``readers`` are those who wait."""

    message: str
    to: str
    """The sender of the parcel."""
    readers: tuple[str, ...]
    language: str
    organisation: str
    sent: datetime
    expires: datetime
    site: str
    link: str = field(repr=False)


def write_request(facts: RequestFacts, address: str, zone: ZoneInfo, now: datetime) -> Written:
    """Return the request; ``address`` is the courier's."""
    language = facts.language if facts.language in _TEXTS else "nl"
    texts, count = _TEXTS[language], len(facts.readers)
    utf8 = not all(part.isascii() for part in (facts.to, address))
    # Without an address: subjects lie about in logs and lists that nobody meant to show who writes to whom.
    subject = texts["subject" if count == 1 else "subjects"].format(count=count)
    lines = [f"- {reader}" for reader in facts.readers[:_SHOWN]]
    if count > _SHOWN:
        lines.append(texts["more"].format(count=count - _SHOWN))
    words = texts["text"].format(
        sent=spell_moment(facts.sent, language, zone),
        expires=spell_moment(facts.expires, language, zone),
        readers="\n".join(lines),
        organisation=facts.organisation,
        site=facts.site,
        link=facts.link,
    )
    about = About(facts.organisation, address, subject, facts.organisation, language)
    head = fold_head(about, utf8, {"Auto-Submitted": "auto-generated"})
    parts = [text_part("plain", words)]
    return join_parts(head, address, facts.to, facts.message, now, "multipart/mixed", parts, utf8)

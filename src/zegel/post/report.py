"""A report to the sender about one reader: a delivery status notification (RFC 3461, RFC 3464) in plain words.

Mail programs show the words; programs read the second part. Nothing of the message stands in it, also not its subject:
the report travels as ordinary mail. It goes out with an empty envelope sender, so that nothing ever answers it
(RFC 3461 §6.1), and says what is certain and no more: *relayed* is a notice that a mail server took, *delivered* a
message that her own server took; neither says that anybody read it.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Literal
from zoneinfo import ZoneInfo

from zegel.post.moments import spell_moment
from zegel.post.written import About, Written, fold_head, join_parts, text_part

Action = Literal["failed", "delayed", "relayed", "delivered", "answered"]

ACTIONS: dict[str, Action] = {
    "unreached": "failed",
    "delayed": "delayed",
    "relayed": "relayed",
    "delivered": "delivered",
    "autoreplied": "answered",
}
"""What an outbox row says → the action of RFC 3464 §2.3.3. *Answered* is none: a machine answered for her, and that is
told in words alone.
"""
_XTEXT = re.compile(r"\+([0-9A-F]{2})")
_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})\Z")
# 5.1.10 is a null MX: the domain takes no mail (RFC 7505).
_EXACT = {("1", "2"): "domain", ("1", "10"): "domain", ("4", "4"): "domain", ("2", "2"): "full"}
_SUBJECT_OF = {"1": "address", "2": "closed", "7": "refused"}
_STATUS = {"failed": "5.0.0", "delayed": "4.0.0", "relayed": "2.0.0", "delivered": "2.0.0"}
_SUBJECTS = {
    "nl": {
        "failed": "Niet bereikt: {reader}",
        "delayed": "Nog niet bezorgd: {reader}",
        "relayed": "Aangekondigd: {reader}",
        "delivered": "Bezorgd: {reader}",
        "passed": "Doorgegeven: {reader}",
        "kept": "Bezorgd: {reader}",
        "answered": "Automatisch antwoord: {reader}",
    },
    "en": {
        "failed": "Not reached: {reader}",
        "delayed": "Not delivered yet: {reader}",
        "relayed": "Announced: {reader}",
        "delivered": "Delivered: {reader}",
        "passed": "Passed on: {reader}",
        "kept": "Delivered: {reader}",
        "answered": "Automatic answer: {reader}",
    },
}
_TEXTS = {
    "nl": {
        "failed": """\
{reader} heeft {message} van {sent} niet gekregen.

Waarom: {why}

Wat kunt u doen?
- Kijk of het adres klopt. Staat er een fout in? Verstuur het bericht
  dan opnieuw, naar het goede adres.
- Klopt het adres? Neem dan op een andere manier contact op.

Wij proberen het niet nog een keer. Andere ontvangers van het bericht
staan hier los van.
""",
        "delayed": """\
{reader} heeft {message} van {sent} nog niet gekregen.

Waarom: {why}

U hoeft niets te doen. {then}
""",
        "relayed": """\
{reader} is op de hoogte gesteld van uw beveiligde bericht van
{sent}: een mailserver heeft de aankondiging aangenomen.

Of de ontvanger het bericht heeft gelezen, weten wij daarmee niet. Dat
ziet u in uw overzicht van verzonden berichten.
""",
        "delivered": """\
De mailserver van {reader} heeft uw bericht van
{sent} aangenomen, over een beveiligde verbinding.

Of de ontvanger het heeft gelezen, weten wij niet.
""",
        "passed": """\
Onze mailserver heeft uw bericht van {sent} aan
{reader} aangenomen en geeft het door als gewone
e-mail.

Of de ontvanger het heeft gekregen en gelezen, weten wij niet.
""",
        "kept": """\
Uw beveiligde bericht van {sent} ligt in de
postbus van {reader}.

Of de ontvanger het heeft gelezen, ziet u in uw overzicht van verzonden
berichten.
""",
        "answered": """\
Op {message} van {sent} kwam een automatisch
antwoord van {reader}. Zo'n antwoord komt meestal
van iemand die afwezig is, of van een systeem dat ontvangst bevestigt.

Onze post is dus aangekomen. Of iemand die nu leest, weten wij niet. Is
er haast bij? Neem dan op een andere manier contact op.

Wat er in het antwoord staat, bewaren wij niet.
""",
    },
    "en": {
        "failed": """\
{reader} did not get {message} of {sent}.

Why: {why}

What can you do?
- Check the address. Is there a mistake in it? Then send the message
  again, to the right address.
- Is the address right? Then get in touch some other way.

We will not try again. Other readers of the message are not affected.
""",
        "delayed": """\
{reader} did not get {message} of {sent} yet.

Why: {why}

You need not do anything. {then}
""",
        "relayed": """\
{reader} was told of your secure message of {sent}:
a mail server has taken the notice.

That does not say whether the reader has read the message. You see that
in your list of sent messages.
""",
        "delivered": """\
The mail server of {reader} has taken your message of
{sent}, over a secure connection.

Whether the reader has read it we do not know.
""",
        "passed": """\
Our mail server has taken your message of {sent} to
{reader}, and passes it on as ordinary mail.

Whether the reader has got it and read it we do not know.
""",
        "kept": """\
Your secure message of {sent} lies in the mailbox of
{reader}.

Whether the reader has read it you see in your list of sent messages.
""",
        "answered": """\
An automatic answer to {message} of {sent} came
from {reader}. Such an answer mostly comes from
somebody who is away, or from a system that confirms receipt.

So our mail has arrived. Whether somebody reads it now we do not know.
Is it urgent? Then get in touch some other way.

We do not keep what the answer says.
""",
    },
}
_MESSAGE = {
    "nl": {"link": "uw beveiligde bericht", "plain": "uw bericht"},
    "en": {"link": "your secure message", "plain": "your message"},
}
_THEN = {
    "nl": {
        "told": """\
Wij blijven het proberen tot
{until}. Lukt het dan nog niet, dan krijgt u
daarvan bericht.""",
        "link": """\
Wij blijven het proberen tot
{until}. Lukt het dan nog niet, dan wordt het
een aankondiging met een link.""",
        "theirs": """\
Een mailserver op de weg ernaartoe blijft het
proberen. Lukt dat niet, dan krijgt u daarvan bericht.""",
    },
    "en": {
        "told": """\
We keep trying until
{until}. If it has not worked by then, we tell
you.""",
        "link": """\
We keep trying until
{until}. If it has not worked by then, it
becomes a notice with a link.""",
        "theirs": """\
A mail server on the way keeps trying. If that
does not work, we tell you.""",
    },
}
"""After a delay: what we do until when, or that it is another server's turn."""
_WHY = {
    "nl": {
        "address": "dit mailadres bestaat niet.",
        "domain": "het deel na de @ bestaat niet, of kan geen post ontvangen.",
        "full": "de postbus van de ontvanger is vol.",
        "closed": "de postbus van de ontvanger neemt geen post aan.",
        "refused": "de mailserver van de ontvanger weigert onze post.",
        "busy": "de mailserver van de ontvanger neemt nu geen post aan, of is niet bereikbaar.",
        "": "de mailserver van de ontvanger heeft het bericht niet aangenomen.",
    },
    "en": {
        "address": "this mail address does not exist.",
        "domain": "the part after the @ does not exist, or cannot receive mail.",
        "full": "the reader's mailbox is full.",
        "closed": "the reader's mailbox takes no mail.",
        "refused": "the reader's mail server refuses our mail.",
        "busy": "the reader's mail server takes no mail now, or cannot be reached.",
        "": "the reader's mail server did not take the message.",
    },
}
_END = {
    "nl": "\nDit is een automatisch bericht van {organisation}. De inhoud van uw\nbericht staat er niet in.\n",
    "en": "\nThis is an automatic message from {organisation}. Nothing of the content\nof your message is in it.\n",
}


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """What a report may say. ``message`` is the local part of its Message-ID, the same for every try."""

    message: str
    action: Action
    to: str
    """The sender of the parcel."""
    reader: str
    language: str
    organisation: str
    reporter: str
    """The name of our mail server: the organisation's host."""
    sent: datetime
    status: str = ""
    """An enhanced status code (RFC 3463), when one is known."""
    reply: str = ""
    """Codes alone, as ``550 5.1.1``: the words of a foreign server are never passed on."""
    until: datetime | None = None
    """With ``delayed``: how long we try, when it is we who do."""
    way: str = "link"
    """How the message travels to the reader (``parcels.ways``)."""
    envelope_id: str = ""
    original_recipient: str = ""
    """As the sender gave them (RFC 3461 ENVID and ORCPT, already decoded and checked)."""


def decode_xtext(text: str) -> str:
    """What stands in xtext (RFC 3461 §4): ``+2B`` is ``+``."""
    return _XTEXT.sub(lambda found: chr(int(found[1], 16)), text)


def write_report(facts: ReportFacts, address: str, zone: ZoneInfo, now: datetime) -> Written:
    """Return the report; ``address`` is the courier's. Send it with the empty envelope sender."""
    language = facts.language if facts.language in _TEXTS else "nl"
    utf8 = not all(part.isascii() for part in (facts.to, facts.reader, address))
    subject = _SUBJECTS[language][_form(facts)].format(reader=facts.reader)
    about = About(facts.organisation, address, subject, facts.organisation, language)
    parts, kind = [text_part("plain", _words(facts, language, zone))], "multipart/mixed"
    if facts.action != "answered":
        parts.append(_status_part(facts, utf8))
        kind = "multipart/report; report-type=delivery-status"
    return join_parts(
        fold_head(about, utf8, {"Auto-Submitted": "auto-replied"}),
        address,
        facts.to,
        facts.message,
        now,
        kind,
        parts,
        utf8,
    )


def _words(facts: ReportFacts, language: str, zone: ZoneInfo) -> str:
    text = _TEXTS[language][_form(facts)].replace("{then}", _THEN[language][_then(facts)]) + _END[language]
    return text.format(
        message=_MESSAGE[language].get(facts.way, _MESSAGE[language]["link"]),
        reader=facts.reader,
        organisation=facts.organisation,
        sent=spell_moment(facts.sent, language, zone),
        until=spell_moment(facts.until, language, zone) if facts.until else "",
        why=_WHY[language][_why(facts)],
    )


def _form(facts: ReportFacts) -> str:
    """Which words: an action means something else where there is no notice, or no mail server."""
    other = {("relayed", "plain"): "passed", ("delivered", "portal"): "kept"}
    return other.get((facts.action, facts.way), facts.action)


def _then(facts: ReportFacts) -> str:
    return "theirs" if facts.until is None else "link" if facts.way == "direct" else "told"


def _why(facts: ReportFacts) -> str:
    """Which words a status deserves (RFC 3463 §3)."""
    found = _ENHANCED.match(facts.status)
    exact = _EXACT.get((found[2], found[3]), "") if found else ""
    if facts.action == "delayed" or (found and found[1] == "4"):
        return exact if exact == "full" else "busy"
    return exact or (_SUBJECT_OF.get(found[2], "") if found else "")


def _status_part(facts: ReportFacts, utf8: bool) -> bytes:
    """RFC 3464 §2; with an address in other letters RFC 6533 §3."""
    spelled = "utf-8" if utf8 else "rfc822"
    lines = [f"Reporting-MTA: dns; {facts.reporter}"]
    if facts.envelope_id:
        lines.insert(0, f"Original-Envelope-Id: {_printable(facts.envelope_id)}")
    lines += [f"Arrival-Date: {format_datetime(facts.sent.astimezone(UTC))}", ""]
    if facts.original_recipient:
        lines.append(f"Original-Recipient: {_printable(facts.original_recipient)}")
    lines += [f"Final-Recipient: {spelled}; {facts.reader}", f"Action: {facts.action}"]
    lines.append(f"Status: {_status(facts)}")
    if facts.reply:
        lines.append(f"Diagnostic-Code: smtp; {_printable(facts.reply)}")
    # Not where a notice follows: that is no end of our trying (RFC 3464 §2.3.9).
    if facts.until and facts.action == "delayed" and facts.way != "direct":
        lines.append(f"Will-Retry-Until: {format_datetime(facts.until.astimezone(UTC))}")
    kind = "message/global-delivery-status" if utf8 else "message/delivery-status"
    head = f"Content-Type: {kind}\r\n" + ("Content-Transfer-Encoding: 8bit\r\n" if utf8 else "")
    return (head + "\r\n" + "\r\n".join([*lines, ""])).encode()


def _printable(text: str) -> str:
    # The sender wrote it: no line of its own making may begin here.
    return "".join(char for char in text if char.isprintable())[:500]


def _status(facts: ReportFacts) -> str:
    """The status, when its first digit fits the action (RFC 3464 §2.3.4); a refusal after days of 4xx is ``5``."""
    found = _ENHANCED.match(facts.status)
    wanted = _STATUS[facts.action][0]
    return f"{wanted}.{found[2]}.{found[3]}" if found else _STATUS[facts.action]

"""Mails as programs write them, headers only, made from the documented syntax of each header."""

from zegel.mime.headers import Headers
from zegel.mime.top import read_top
from zegel.policy.facts import Listener, MailFacts, read_facts

OPEN = "f42aa342-8706-4288-bd11-ebb85995028c"
CLOSED = "2096f6a2-d2f7-48be-b329-b73aaa526e5d"
SITE = "72f988bf-86f1-41af-91ab-2d7cd011db47"
SENDER = "zorg@voorbeeld.example"


def msip(label: str, name: str, enabled: str = "True", *more: str) -> str:
    """The pairs of one label, in the order and folding in which Exchange writes them."""
    pairs = {
        "Enabled": enabled,
        "SiteId": SITE,
        "SetDate": "2026-11-20T09:14:31.0000000Z",
        "Name": name,
        "ContentBits": "0",
        "Method": "Privileged",
    }
    return "".join(f"MSIP_Label_{label}_{key}={value};\r\n\t" for key, value in pairs.items()) + "".join(more)


def outlook(label: str, name: str, subject: str = "Besluit", enabled: str = "True") -> bytes:
    """What Outlook on the web hands over for a mail with one label (encrypted words, folding and all)."""
    return (
        f"From: Afdeling Zorg <{SENDER}>\r\n"
        'To: "J. de Jong" <j.dejong@example.net>\r\n'
        f"Subject: {subject}\r\n"
        "Thread-Topic: Besluit\r\nAccept-Language: nl-NL, en-US\r\nContent-Language: nl-NL\r\n"
        "X-MS-Has-Attach: yes\r\nX-MS-TNEF-Correlator:\r\n"
        f"msip_labels: {msip(label, name, enabled)}\r\n"
        'Content-Type: multipart/mixed; boundary="_004_DB9PR04"\r\nMIME-Version: 1.0\r\n\r\n'
        "--_004_DB9PR04\r\nContent-Type: text/plain\r\n\r\nGeachte mevrouw\r\n--_004_DB9PR04--\r\n"
    ).encode()


def top(*lines: str) -> Headers:
    return read_top(["".join(f"{line}\r\n" for line in lines).encode() + b"\r\n"])


def facts(*lines: str, listener: Listener = "relay", size: int | None = 1000, asked: tuple[str, ...] = ()) -> MailFacts:
    """Facts of a mail with these header lines, from SENDER."""
    return read_facts(top(f"From: {SENDER}", *lines), listener, SENDER, size, asked)

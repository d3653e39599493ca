"""The TXT record ``_zegel.DOMAIN`` by which a mail domain says that its organisation runs a Zegel, and where.

``v=zegel1; host=post.example.nl; key=ABCD-…,EFGH-…``: mail for the domain may be handed, sealed, to the Zegel at that
host, whose signing key has one of these fingerprints (docs/format.md §4.2). It counts only when DNSSEC signs it: the
fingerprint is what everything else hangs on (docs/decisions/0023-sealed-to-another-zegel.md).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from zegel.errors import Mistake
from zegel.transport.names import is_host, plain_name
from zegel.transport.offer import Answer

LABEL = "_zegel"
"""What stands before the mail domain."""
HTTPS = 443
MOST_KEYS = 4
"""An organisation that changes its key lists both for a while."""
_VERSION = "zegel1"
_LONGEST = 1024
_OURS = re.compile(r"v=zegel1[ \t]*(;|\Z)")
_FIELD = re.compile(r"[a-z][a-z0-9_-]{0,31}\Z")
_KEY = re.compile(r"[A-Z2-7]{4}(?:-[A-Z2-7]{4}){7}\Z")
_PORT = re.compile(r"[1-9][0-9]{0,4}\Z")


@dataclass(frozen=True, slots=True)
class ZegelRecord:
    """``host`` in A-labels and lower case, ``keys`` fingerprints, at least one."""

    host: str
    port: int
    keys: tuple[str, ...]

    @property
    def place(self) -> str:
        """``host`` or ``host:port``, as in a URL."""
        return self.host if self.port == HTTPS else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Promise:
    """What DNS says of a domain's Zegel. ``insecure``: a record that nobody signed, so it counts for nothing."""

    domain: str
    state: Answer | Literal["insecure", "malformed"]
    record: ZegelRecord | None = None


def find_zegel(texts: Iterable[str]) -> ZegelRecord | None:
    """The one record among a name's TXT records, None without one; raises Mistake ``bad-zegel-record``."""
    found = [text for text in texts if _OURS.match(text)]
    if len(found) > 1:
        # Two could be read by two senders in two ways.
        raise _bad("v")
    return parse_zegel(found[0]) if found else None


def parse_zegel(text: str) -> ZegelRecord:
    """Read one record; raises Mistake ``bad-zegel-record`` naming the field. Unknown fields are skipped."""
    if len(text) > _LONGEST:
        raise _bad("length")
    fields: dict[str, str] = {}
    for part in text.split(";"):
        name, equals, value = (piece.strip(" \t") for piece in part.partition("="))
        if not (name or equals):
            continue
        if not equals or not _FIELD.match(name) or name in fields:
            raise _bad(name[:20] or "=")
        fields[name] = value
    if fields.get("v") != _VERSION:
        raise _bad("v")
    return ZegelRecord(*_place(fields.get("host", "")), _keys(fields.get("key", "")))


def spell_zegel(record: ZegelRecord) -> str:
    """The record as it is published."""
    return f"v={_VERSION}; host={record.place}; key={','.join(record.keys)}"


def _place(text: str) -> tuple[str, int]:
    host, colon, port = text.partition(":")
    host = plain_name(host)
    # An address proves nothing: certificates are for names.
    if not is_host(host) or "." not in host or host.rpartition(".")[2].isdigit():
        raise _bad("host")
    if not colon:
        return host, HTTPS
    if not _PORT.match(port) or int(port) > 65535:
        raise _bad("host")
    return host, int(port)


def _keys(text: str) -> tuple[str, ...]:
    keys = tuple(key.strip(" \t") for key in text.split(","))
    if len(keys) > MOST_KEYS or len(set(keys)) != len(keys) or not all(_KEY.match(key) for key in keys):
        raise _bad("key")
    return keys


def _bad(field: str) -> Mistake:
    return Mistake("The Zegel record is not right: {field}.", code="bad-zegel-record", field=field)

"""One mail on its way to a server, and what became of it: words that hands and journeys share."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

Shown = Literal["dane", "mta-sts", "authority", "local", "zegel"]
"""``zegel``: it went sealed, to keys that the domain's signed record names; ``authority``: a fixed server showed a
certificate of a trusted authority; ``local``: it is on this machine."""


@dataclass(frozen=True, slots=True)
class RawMail:
    """One mail as bytes. ``open`` begins anew each time: for every server that is tried.

    ``size`` is about how many bytes (0: not known); ``eight_bit`` says that bytes above 127 may occur, ``utf8`` that
    they may in headers (RFC 6532), which only a server with SMTPUTF8 may get.
    """

    open: Callable[[], Iterable[bytes]]
    size: int = 0
    eight_bit: bool = True
    utf8: bool = False


@dataclass(frozen=True, slots=True)
class Delivered:
    """Which server took the mail, over what TLS, after which proof, and with which code.

    ``fits`` is the kind of TLSA record that matched (``3 1 1``) for DANE, else empty; ``group`` is the key exchange.
    ``distrusted`` are servers that were tried before and did not prove themselves: an alarm, though the mail arrived.
    """

    server: str
    proof: Shown
    address: str = ""
    tls: str = ""
    cipher: str = ""
    group: str = ""
    fits: str = ""
    reply: str = ""
    distrusted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Probed:
    """What one server showed when it was only looked at; ``trouble`` is an error's code, empty when all was well."""

    server: str
    trouble: str
    tls: str = ""
    cipher: str = ""
    group: str = ""
    fits: str = ""
    reply: str = ""

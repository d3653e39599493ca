"""NTA 7516: the TXT record by which a domain says that it takes part in safe mail in Dutch health care, and where.

``v=NTA7516-1;startdate=2024-01;enddate=2027-12;provider=Example;ntamx=10 mx.example.nl``: from the first month to the
last, both included; with ``ntamx`` safe mail goes to those servers and not to the domain's ordinary ones.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from zegel.errors import Mistake
from zegel.transport.names import is_host, plain_name

_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])\Z", re.ASCII)
_HOST = re.compile(r"(\d{1,5})[ \t]+(\S{1,254})\Z", re.ASCII)
_MOST_HOSTS = 20


@dataclass(frozen=True, slots=True)
class Nta:
    """The record; months are (year, month), ``hosts`` (preference, name) in order of preference."""

    start: tuple[int, int]
    end: tuple[int, int]
    provider: str
    hosts: tuple[tuple[int, str], ...]

    def in_force(self, day: date) -> bool:
        """Whether it counts on that day."""
        return self.start <= (day.year, day.month) <= self.end


def find_nta(texts: Iterable[str]) -> Nta | None:
    """The domain's record among its TXT records, None without one; raises Mistake ``bad-nta7516``."""
    found = [text for text in texts if re.match(r"v=NTA7516-1[ \t]*(;|\Z)", text)]
    if len(found) > 1:
        raise _bad("v")
    return parse_nta(found[0]) if found else None


def parse_nta(text: str) -> Nta:
    """Read one record; raises Mistake ``bad-nta7516`` naming the field. Unknown fields are skipped."""
    fields: dict[str, str] = {}
    hosts: list[tuple[int, str]] = []
    for part in text.split(";"):
        name, equals, value = (piece.strip(" \t") for piece in part.partition("="))
        if not (name or equals):
            continue
        if not equals:
            raise _bad(name[:20])
        if name == "ntamx":
            hosts.append(_host(value))
        elif fields.setdefault(name, value) != value:
            raise _bad(name[:20])
    if fields.get("v") != "NTA7516-1" or len(hosts) > _MOST_HOSTS:
        raise _bad("v" if len(hosts) <= _MOST_HOSTS else "ntamx")
    start, end = _month(fields, "startdate"), _month(fields, "enddate")
    return Nta(start, end, fields.get("provider", "")[:200], tuple(sorted(hosts)))


def _month(fields: dict[str, str], name: str) -> tuple[int, int]:
    match = _MONTH.match(fields.get(name, ""))
    if not match:
        raise _bad(name)
    return int(match[1]), int(match[2])


def _host(value: str) -> tuple[int, str]:
    match = _HOST.match(value)
    if not match or int(match[1]) > 65535 or not is_host(plain_name(match[2])):
        raise _bad("ntamx")
    return int(match[1]), plain_name(match[2])


def _bad(field: str) -> Mistake:
    return Mistake("The NTA 7516 record is not right: {field}.", code="bad-nta7516", field=field)

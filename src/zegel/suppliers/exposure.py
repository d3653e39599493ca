"""Which foreign laws reach a supplier, and by what road. A list for people who decide, not legal advice.

Triggers as known in November 2026; they are kept here as data with a reason each, because laws move.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from zegel.suppliers.countries import EUROPE
from zegel.suppliers.supplier import Supplier

Risk = Literal["access", "cut-off"]


@dataclass(frozen=True, slots=True)
class Exposure:
    """One law, what it can bring about, and the facts that open its road."""

    law: str
    risk: Risk
    reasons: tuple[str, ...]


_LAWS: dict[str, tuple[tuple[str, Risk], ...]] = {
    "US": (
        ("US CLOUD Act (18 USC 2713)", "access"),
        ("US FISA section 702 (50 USC 1881a)", "access"),
        ("US sanctions and export control (OFAC, EAR)", "cut-off"),
    ),
    "CN": (("China National Intelligence Law 2017, article 7", "access"), ("China Data Security Law 2021", "access")),
    "GB": (("UK Investigatory Powers Act 2016", "access"),),
    "AU": (("Australia TOLA 2018", "access"),),
    "RU": (("Russia Yarovaya laws 2016", "access"),),
}


def exposure(supplier: Supplier, day: date) -> tuple[Exposure, ...]:
    """Every law that reaches the supplier on that day, the access laws first."""
    if supplier.relation == "own":
        return ()
    found = []
    for country, laws in _LAWS.items():
        reasons = _roads(supplier, country, day)
        found += [Exposure(law, risk, reasons) for law, risk in laws if reasons]
    named = set(_LAWS) | EUROPE
    others = {place for place in _countries(supplier, day) if place not in named}
    found += [Exposure(f"the law of {place}", "access", _roads(supplier, place, day)) for place in sorted(others)]
    return tuple(sorted(found, key=lambda one: one.risk != "access"))


def _countries(supplier: Supplier, day: date) -> set[str]:
    seat = {supplier.seat} if supplier.seat else set()
    return seat | set(supplier.hosting) | {owner.country for owner in supplier.owners_on(day)}


def _roads(supplier: Supplier, country: str, day: date) -> tuple[str, ...]:
    roads = []
    if supplier.seat == country:
        roads.append("seat")
    if country in supplier.hosting:
        roads.append("hosting")
    roads += [f"owner {owner.name}" for owner in supplier.owners_on(day) if owner.country == country]
    if country == "US" and supplier.relation == "supplier":
        if supplier.us_presence:
            roads.append("presence in the US")
        elif supplier.us_presence is None:
            roads.append("presence in the US unknown")
    return tuple(roads)

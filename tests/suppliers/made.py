"""Suppliers for tests: one that passes every rule of the market, and what to change of it."""

from datetime import date
from decimal import Decimal
from typing import Any

from zegel.suppliers.supplier import Owner, Supplier

DAY = date(2026, 11, 20)
DUTCH = Owner("Voorbeeld Holding N.V.", "NL", since=date(2019, 5, 1), ultimate=True)
AMERICAN = Owner("Example Capital LLC", "US", announced=date(2026, 6, 10), since=date(2026, 12, 1), ultimate=True)


def make_supplier(name: str = "voorbeeld-cloud", **facts: Any) -> Supplier:
    """A European supplier about whom everything is known."""
    made: dict[str, Any] = {
        "legal_name": "Voorbeeld Cloud B.V.",
        "seat": "NL",
        "hosting": ("NL", "DE"),
        "owner": (Owner(f"{name} holding", "NL", ultimate=True),),
        "us_presence": False,
        "assurance": 3,
        "contract_end": date(2027, 12, 31),
        "notice_days": 60,
        "egress_eur_per_gb": Decimal("0.01"),
    }
    return Supplier(name=name, **{**made, **facts})

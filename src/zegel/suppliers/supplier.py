"""A supplier and its owners in time.

An owner's ``announced`` is the day a deal became known, ``since`` the day it closed, ``until`` the day it ended. A deal
counts from its announcement: who waits for the closing has no time left to leave.
"""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from zegel.suppliers.countries import EUROPE

Relation = Literal["own", "government", "supplier"]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
Text = Annotated[str, Field(min_length=1, max_length=200)]


@dataclass(frozen=True, slots=True)
class Owner:
    """A legal person above the supplier. ``ultimate`` says that nobody is above this one: the chain is complete."""

    name: Text
    country: Country
    since: date | None = None
    until: date | None = None
    announced: date | None = None
    ultimate: bool = False
    source: Annotated[str, Field(max_length=500)] = ""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    def counts_on(self, day: date) -> bool:
        """Whether this owner must be reckoned with on that day; one without dates always."""
        start = min((moment for moment in (self.announced, self.since) if moment), default=date.min)
        return start <= day and (self.until is None or day < self.until)

    def is_announced_only(self, day: date) -> bool:
        """Whether the deal is known and not closed yet."""
        open_deal = self.announced is not None if self.since is None else self.since > day
        return open_deal and self.counts_on(day)


@dataclass(frozen=True, slots=True)
class Supplier:
    """One legal person we depend on; None and empty mean *nobody knows*, which counts against it.

    ``own`` is the organisation itself, ``government`` another public body that stores for it. ``assurance`` is the
    SEAL level of the EU Cloud Sovereignty Framework, 0 to 4, as somebody assessed it (not as the supplier declares).
    """

    name: Name
    legal_name: Text
    relation: Relation = "supplier"
    seat: Country | None = None
    hosting: tuple[Country, ...] = ()
    owner: tuple[Owner, ...] = ()
    us_presence: bool | None = None
    assurance: Annotated[int, Field(ge=0, le=4)] | None = None
    contract_end: date | None = None
    notice_days: Annotated[int, Field(ge=0, le=3650)] | None = None
    egress_eur_per_gb: Annotated[Decimal, Field(ge=0, le=1000)] | None = None
    checked: date | None = None
    note: Annotated[str, Field(max_length=2000)] = field(default="", compare=False)

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    @property
    def public(self) -> bool:
        """Own or government storage: no market can sell it."""
        return self.relation in ("own", "government")

    def owners_on(self, day: date) -> tuple[Owner, ...]:
        """The chain on that day, announced owners included."""
        return tuple(owner for owner in self.owner if owner.counts_on(day))

    def foreign_control(self, day: date) -> tuple[str, ...]:
        """Why this supplier counts as under non-European control on that day; empty when it does not.

        Own and government storage are under the control of the state they belong to, wherever the paper says.
        """
        if self.public:
            return ()
        reasons = []
        if self.seat is None:
            reasons.append("its seat is unknown")
        elif self.seat not in EUROPE:
            reasons.append(f"its seat is in {self.seat}")
        owners = self.owners_on(day)
        for owner in owners:
            if owner.country not in EUROPE:
                announced = " (announced)" if owner.is_announced_only(day) else ""
                reasons.append(f"its owner {owner.name} is in {owner.country}{announced}")
        if not any(owner.ultimate for owner in owners):
            reasons.append("its ultimate owner is unknown")
        return tuple(reasons)

    def controllers(self, day: date) -> frozenset[str]:
        """The names that two suppliers must not share to count as two: itself and everybody above it."""
        return frozenset({self.name, *(owner.name for owner in self.owners_on(day))})


OWN = Supplier(name="own", legal_name="The organisation itself", relation="own")
"""Every Zegel has this supplier without a file: its own disks."""

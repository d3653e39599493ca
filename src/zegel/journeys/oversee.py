"""Oversee: the patchwork as an officer looks at it, at a glance and one thing at a time. Changes nothing."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from zegel.errors import NotFound
from zegel.journeys.patch_days import KEPT_DAYS
from zegel.journeys.ports.clock import Clock
from zegel.journeys.ports.patches import Patches, PatchRecords
from zegel.journeys.what_if import PatchReport, Survey, WhatIf
from zegel.stores.placement import Judged, Placement
from zegel.suppliers.exposure import Exposure
from zegel.suppliers.plan import Job, PatchDay, PlanReport
from zegel.suppliers.policy import HIGHEST, Verdict, eligible
from zegel.suppliers.supplier import Owner, Supplier

CLASSES = range(HIGHEST + 1)


@dataclass(frozen=True, slots=True)
class ClassView:
    """One class: what its rules ask, where new messages of it go (or why nowhere), and where the old ones lie.

    ``at``: patch → blobs with a copy there. ``short``: blobs with fewer places than ``copies``.
    """

    class_: int
    copies: int
    least: int
    shares: int
    blobs: int
    size: int
    short: int
    at: dict[str, int]
    places: tuple[str, ...]
    refused: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OwnerView:
    """One link of the chain above a supplier; ``now``: it must be reckoned with today."""

    owner: Owner
    now: bool
    announced_only: bool


@dataclass(frozen=True, slots=True)
class SupplierView:
    """A supplier, its patches, why it counts as under foreign control, which laws reach it, and what it may hold."""

    supplier: Supplier
    patches: tuple[str, ...]
    control: tuple[str, ...]
    laws: tuple[Exposure, ...]
    owners: tuple[OwnerView, ...]
    verdicts: tuple[tuple[int, Verdict], ...]

    @property
    def highest(self) -> int | None:
        """The highest class that it may hold, None for none."""
        return max((class_ for class_, verdict in self.verdicts if verdict.allowed), default=None)


@dataclass(frozen=True, slots=True)
class PatchView:
    """A patch, its supplier, and what speaks against it per class (nothing: it may have it)."""

    report: PatchReport
    supplier: SupplierView | None
    classes: tuple[tuple[int, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class History:
    """A patch day by day. ``errors``: which part of what was checked in the last 30 days failed; None for nothing."""

    patch: str
    days: tuple[PatchDay, ...]
    errors: float | None

    def size_before(self, today: date, days: int) -> int | None:
        """What it held so many days ago, as the row nearest before tells; None when it was not there yet."""
        return next((one.size for one in reversed(self.days) if (today - one.day).days >= days), None)


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything at a glance."""

    patches: tuple[PatchReport, ...]
    classes: tuple[ClassView, ...]
    suppliers: tuple[SupplierView, ...]
    history: tuple[History, ...]
    jobs: tuple[Job, ...]
    reports: tuple[PlanReport, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """Where what is at the patches that are gone would go: a patch, or nowhere (empty), and which classes."""

    patch: str
    classes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Outlook:
    """A what-if answer with where everything would go; ``refused``: class → rules."""

    name: str
    answer: WhatIf
    targets: tuple[Target, ...]
    refused: tuple[tuple[int, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Oversee:
    """What the pages for officers show."""

    survey: Survey
    records: PatchRecords
    patches: Patches
    clock: Clock

    def overview(self) -> Overview:
        """Counts every copy: about a second per million."""
        return Overview(
            patches=tuple(self.survey.patch_reports()),
            classes=self._classes(),
            suppliers=self._suppliers(),
            history=self._history(),
            jobs=tuple(self.records.jobs(10)),
            reports=tuple(self.records.reports(10)),
        )

    def report(self, sha256: str) -> PlanReport:
        """One whole report. Raises NotFound ``unknown-report``."""
        found = self.records.report(sha256)
        if found is None:
            raise NotFound("There is no such report.", code="unknown-report")
        return found

    def _history(self) -> tuple[History, ...]:
        today = self.clock().date()
        days: dict[str, list[PatchDay]] = {}
        for one in self.records.days(today - timedelta(days=KEPT_DAYS)):
            days.setdefault(one.patch, []).append(one)
        return tuple(History(patch, tuple(found), _errors(found, today)) for patch, found in sorted(days.items()))

    def patch(self, name: str) -> PatchView:
        """Raises NotFound ``unknown-patch``."""
        report = next((one for one in self.survey.patch_reports() if one.patch == name), None)
        if report is None:
            raise NotFound("There is no patch and no supplier “{name}” here.", code="unknown-patch", name=name[:40])
        judged = [(class_, self._against(name, self.patches.explain(class_).judged)) for class_ in CLASSES]
        supplier = next((one for one in self._suppliers() if one.supplier.name == report.supplier), None)
        return PatchView(report, supplier, tuple(judged))

    def _against(self, name: str, judged: Sequence[Judged]) -> tuple[str, ...]:
        return next((one.reasons for one in judged if one.patch == name), ("not configured",))

    def supplier(self, name: str) -> SupplierView:
        """Raises NotFound ``unknown-supplier``."""
        found = next((one for one in self._suppliers() if one.supplier.name == name), None)
        if found is None:
            raise NotFound("There is no supplier “{supplier}” here.", code="unknown-supplier", supplier=name[:40])
        return found

    def outlook(self, name: str) -> Outlook:
        """What if this patch or supplier were gone. Raises NotFound ``unknown-patch``."""
        answer = self.survey.what_if(name)
        moving = {loss.class_ for loss in answer.leaving.losses if loss.bytes_to_move}
        targets: dict[str, list[int]] = {}
        refused = []
        for class_, found in answer.then.items():
            if isinstance(found, Placement):
                for place in found.places if class_ in moving else ():
                    targets.setdefault(place, []).append(class_)
            else:
                refused.append((class_, found.rules))
                if class_ in moving:
                    targets.setdefault("", []).append(class_)
        order = sorted(targets, key=lambda place: (place == "", place))
        return Outlook(
            name, answer, tuple(Target(place, tuple(targets[place])) for place in order), tuple(refused)
        )  # fmt: skip

    def _classes(self) -> tuple[ClassView, ...]:
        groups = self.records.copy_groups()
        return tuple(self._class(class_, [group for group in groups if group[0] == class_]) for class_ in CLASSES)

    def _class(self, class_: int, groups: Sequence[tuple[int, frozenset[str], int, int, int]]) -> ClassView:
        spread, now = self.patches.spread(class_), self.patches.explain(class_)
        at: Counter[str] = Counter()
        for _, patches, blobs, _, _ in groups:
            at.update(dict.fromkeys(patches, blobs))
        return ClassView(
            class_=class_,
            copies=spread.copies,
            least=spread.least,
            shares=spread.shares,
            blobs=sum(blobs for _, _, blobs, _, _ in groups),
            size=sum(size for _, _, _, size, _ in groups),
            short=sum(blobs for _, patches, blobs, _, _ in groups if len(patches) < spread.copies),
            at=dict(sorted(at.items())),
            places=now.places if isinstance(now, Placement) else (),
            refused=() if isinstance(now, Placement) else now.rules,
        )

    def _suppliers(self) -> tuple[SupplierView, ...]:
        day, facts = self.clock().date(), self.patches.facts()
        return tuple(
            SupplierView(
                supplier=one,
                patches=tuple(fact.name for fact in facts if fact.supplier and fact.supplier.name == one.name),
                control=control,
                laws=laws,
                owners=_owners(one, day),
                verdicts=tuple((class_, eligible(class_, one, day, self.patches.policy)) for class_ in CLASSES),
            )
            for one, control, laws in self.survey.suppliers()
        )


def _errors(days: Sequence[PatchDay], today: date) -> float | None:
    """Counters run on, so the last month is what they grew by since the day before it."""
    before = next((one for one in reversed(days) if (today - one.day).days > 30), None)
    looked = days[-1].looked - (before.looked if before else 0)
    failed = days[-1].failed - (before.failed if before else 0)
    return failed / (looked + failed) if looked + failed > 0 else None


def _owners(supplier: Supplier, day: date) -> tuple[OwnerView, ...]:
    """The chain in time: who counts today first, then who will, then who did."""
    views = [OwnerView(owner, owner.counts_on(day), owner.is_announced_only(day)) for owner in supplier.owner]
    return tuple(sorted(views, key=lambda view: not view.now))

"""Whole parcels out of one database and into another (docs/reference/export.md)."""

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import models as django_models

from zegel.audit.entry import Entry, spell_facts
from zegel.errors import Mistake
from zegel.parcels.identifiers import checked
from zegel.records import models
from zegel.records.border import border
from zegel.records.transactions import must_write

_TABLES: dict[str, tuple[type[django_models.Model], str]] = {
    "blobs": (models.Blob, "parcel_id"),
    "slips": (models.Slip, "parcel_id"),
}
_COUNTED = ("row", "lease", "leased_until")
"""Columns of the outbox that mean something in one database only."""


class Moving:
    """The part of the Records port that exports and imports."""

    def parcels_after(self, parcel: str = "", limit: int = 500) -> list[str]:
        """Every parcel, in the order of identifiers."""
        with border():
            rows = models.Parcel.objects.filter(parcel__gt=parcel).order_by("parcel")
            return list(rows.values_list("parcel", flat=True)[:limit])

    def export_parcel(self, parcel: str) -> dict[str, Any]:
        """All that is recorded of one parcel, as JSON: bytes in base64, moments in ISO 8601."""
        with border():
            found: dict[str, Any] = {"parcel": _spell(models.Parcel.objects.filter(parcel=parcel).values().get())}
            for name, (model, column) in _TABLES.items():
                rows = model._default_manager.filter(**{column: parcel}).order_by("place")
                found[name] = [_spell(row) for row in rows.values()]
            slips = [row["slip"] for row in found["slips"]]
            waiting = (
                models.Outbox.objects.filter(slip__in=slips, state__in=("waiting", "held")).order_by("row").values()
            )
            found["waiting"] = [
                {key: value for key, value in _spell(row).items() if key not in _COUNTED} for row in waiting
            ]
        return found

    def import_parcel(self, members: Mapping[str, Any]) -> bool:
        """Write one exported parcel; False when it is there already. Raises Mistake ``bad-export``."""
        must_write()
        try:
            parcel = checked(members["parcel"]["parcel"])
            rows = [models.Parcel(**_read(models.Parcel, members["parcel"]))]
            more = [[model(**_read(model, one)) for one in members[name]] for name, (model, _) in _TABLES.items()]
            waiting = [models.Outbox(**_read(models.Outbox, one)) for one in members["waiting"]]
            if {getattr(row, "parcel_id", parcel) for part in more for row in part} - {parcel}:
                raise ValueError("a row of another parcel")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Mistake("The export cannot be read: {reason}.", code="bad-export", reason=str(error)[:100]) from None
        with border():
            if models.Parcel.objects.filter(parcel=parcel).exists():
                return False
            models.Parcel.objects.bulk_create(rows)
            for (model, _), part in zip(_TABLES.values(), more, strict=True):
                model._default_manager.bulk_create(part, batch_size=500)
            models.Outbox.objects.bulk_create(waiting, batch_size=500)
        return True

    def import_audit(self, entries: Sequence[Entry]) -> None:
        """Append entries as they are, which must follow the head; whoever calls has checked the chain."""
        must_write()
        with border():
            models.AuditEntry.objects.bulk_create(
                [
                    models.AuditEntry(
                        number=entry.number, moment=entry.moment, actor=entry.actor, event=entry.event,
                        subject=entry.subject, facts=spell_facts(entry.facts), previous=entry.previous, hash=entry.hash,
                    )
                    for entry in entries
                ],
                batch_size=500,
            )  # fmt: skip
            models.AuditHead.objects.filter(row=1).update(number=entries[-1].number, hash=entries[-1].hash)


def _spell(row: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for key, value in row.items():
        match value:
            case bytes() | memoryview():
                found[key] = b64encode(bytes(value)).decode()
            case datetime():
                found[key] = value.isoformat()
            case _:
                found[key] = value
    return found


def _read(model: type[django_models.Model], members: Mapping[str, Any]) -> dict[str, Any]:
    fields = {field.attname: field for field in model._meta.concrete_fields}
    strange = set(members) - set(fields)
    if strange:
        raise ValueError(f"an unknown column {min(strange)}")
    found: dict[str, Any] = {}
    for key, value in members.items():
        if isinstance(fields[key], django_models.BinaryField):
            found[key] = b64decode(value, validate=True)
        elif isinstance(fields[key], django_models.DateTimeField):
            found[key] = None if value is None else datetime.fromisoformat(value)
        else:
            found[key] = fields[key].to_python(value)
    return found

"""Supplier files: TOML in, checked values out (docs/reference/suppliers.md)."""

import tomllib
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from zegel.errors import Mistake
from zegel.suppliers.supplier import Supplier

LARGEST = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _File:
    supplier: tuple[Supplier, ...]
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")


_FILES: TypeAdapter[_File] = TypeAdapter(_File)
_ONE: TypeAdapter[Supplier] = TypeAdapter(Supplier)


def read_suppliers(text: str) -> tuple[Supplier, ...]:
    """Read a file; raises Mistake ``bad-suppliers`` naming the first key that is wrong.

    Unknown keys are refused: a misspelt fact would otherwise silently be an unknown one.
    """
    if len(text) > LARGEST:
        raise _wrong("file", "it is larger than 1 MiB")
    try:
        members = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise _wrong("file", str(error)) from None
    try:
        found = _FILES.validate_python(members).supplier
    except ValidationError as error:
        raise _first(error) from None
    for supplier in found:
        _check(supplier)
    names = [supplier.name for supplier in found]
    for name in names:
        if names.count(name) > 1:
            raise _wrong(name, "it stands twice in this file")
    return found


def _check(supplier: Supplier) -> None:
    if supplier.name == "own" and supplier.relation != "own":
        raise _wrong("own", "this name is for the organisation itself")
    for owner in supplier.owner:
        if owner.until and owner.since and owner.until <= owner.since:
            raise _wrong(f"{supplier.name}.owner", f"{owner.name} ends before it begins")
        if owner.announced and owner.since and owner.announced > owner.since:
            raise _wrong(f"{supplier.name}.owner", f"{owner.name} was announced after it closed")


def spell_supplier(supplier: Supplier) -> str:
    """One supplier as JSON, for the records."""
    return _ONE.dump_json(supplier).decode()


def parse_supplier(text: str) -> Supplier:
    """Read :func:`spell_supplier` back; raises Mistake ``bad-suppliers``."""
    try:
        return _ONE.validate_json(text)
    except ValidationError as error:
        raise _first(error) from None


def _first(error: ValidationError) -> Mistake:
    first: Any = error.errors()[0]
    return _wrong(".".join(str(part) for part in first["loc"]) or "file", str(first["msg"]))


def _wrong(key: str, reason: str) -> Mistake:
    return Mistake(
        "In the suppliers' file, “{key}” is not right: {reason}.", code="bad-suppliers", key=key, reason=reason
    )

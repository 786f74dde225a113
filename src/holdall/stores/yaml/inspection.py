"""Inspecting a folder: every file that cannot be read or does not fit, and every reference that leads nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdall.errors import CorruptRecord, LimitExceeded
from holdall.query import Key, Value
from holdall.store import Difference
from holdall.stores.yaml.constraints import references, targets
from holdall.stores.yaml.record import Row
from holdall.stores.yaml.view import Shelf

__all__ = ["problems"]


def problems(shelves: Mapping[str, Shelf]) -> list[str]:
    """A sentence for each difference; references and unique values are judged among what can be read."""
    found: list[str] = []
    readable: dict[str, Mapping[Key, Row]] = {}
    for name, shelf in shelves.items():
        found.extend(shelf.problems())
        try:
            readable[name] = shelf.rows()
        except (CorruptRecord, LimitExceeded):
            continue  # told above
    for name, rows in readable.items():
        found.extend(_dangling(shelves[name], rows, readable))
        found.extend(_repeated(shelves[name], rows))
    return found


def _dangling(shelf: Shelf, rows: Mapping[Key, Row], readable: Mapping[str, Mapping[Key, Row]]) -> list[str]:
    schema = shelf.schema
    fields = [field for field in references(schema) if field.target in readable]
    return [
        Difference(
            f"{schema.name} {key!r}: {field.name} refers to {field.target} {target!r}, which is not there",
            "foreign-key",
            schema.name,
            field.column,
        )
        for key, row in rows.items()
        for field in fields
        for target in targets(schema, field, row)
        if target not in readable[str(field.target)]
    ]


def _repeated(shelf: Shelf, rows: Mapping[Key, Row]) -> list[str]:
    found: list[str] = []
    for fields in shelf.schema.unique:
        seen: dict[tuple[Value, ...], Any] = {}
        for key, row in rows.items():
            values = tuple([row[shelf.schema.positions[name]] for name in fields])
            if None not in values and seen.setdefault(values, key) != key:
                names = ", ".join(fields)
                told = f"{shelf.schema.name} {key!r}: {seen[values]!r} has the same {names}, which is unique"
                found.append(Difference(told, "unique", shelf.schema.name, names))
    return found

"""Rules over many records, checked once a draft is complete: unique values, and references that lead somewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from holdall.errors import ReferenceViolation, UniqueViolation
from holdall.query import FieldSchema, Kind, Schema, Value
from holdall.stores.yaml.draft import Draft
from holdall.stores.yaml.record import Row

__all__ = ["check_references", "check_unique", "references", "targets"]


def check_unique(draft: Draft) -> None:
    """Raise UniqueViolation if a changed row has what another row has in unique fields; null is never the same."""
    for collection, changed in draft.changed.items():
        schema = draft.schemas[collection]
        for fields in schema.unique:
            places = [schema.positions[name] for name in fields]
            holders: dict[tuple[Value, ...], Any] = {}
            for key, row in changed.items():
                values = tuple([row[place] for place in places]) if row is not None else (None,)
                if None in values:
                    continue
                if values in holders:
                    position = max(draft.positions[collection, key], draft.positions[collection, holders[values]])
                    raise UniqueViolation(draft.store, collection, fields, position)
                holders[values] = key
            if not holders:
                continue
            for key, row in draft.stored(collection).items():
                holder = holders.get(tuple([row[place] for place in places]), key)
                if holder != key and key not in changed:
                    raise UniqueViolation(draft.store, collection, fields, draft.positions[collection, holder])


def check_references(draft: Draft) -> None:
    """Raise ReferenceViolation if a changed row refers to nothing, or a row that goes is referred to."""
    gone: dict[str, set[Value]] = {}
    for collection, changed in draft.changed.items():
        schema = draft.schemas[collection]
        held = [field for field in references(schema) if field.target in draft.schemas]
        for key, row in changed.items():
            if row is None:
                gone.setdefault(collection, set()).add(key)
                continue
            for field in held:
                for target in targets(schema, field, row):
                    if not draft.has(str(field.target), target):
                        position = draft.positions[collection, key]
                        raise ReferenceViolation(draft.store, collection, (field.name,), position)
    if gone:
        _check_gone(draft, gone)


def _check_gone(draft: Draft, gone: dict[str, set[Value]]) -> None:
    for collection, schema in draft.schemas.items():
        fields = [field for field in references(schema) if field.target in gone]
        if not fields:
            continue
        changed = draft.changed.get(collection, {})
        for key, row in draft.stored(collection).items():
            if key in changed:
                continue  # its new row, if any, was checked with the changed ones
            for field in fields:
                for target in targets(schema, field, row):
                    if target in gone[str(field.target)]:
                        position = draft.positions[str(field.target), target]
                        raise ReferenceViolation(draft.store, collection, (field.name,), position)


def references(schema: Schema) -> list[FieldSchema]:
    """The stored fields that hold keys of other records."""
    return [field for field in schema.stored if field.kind in (Kind.REF, Kind.MANY)]


def targets(schema: Schema, field: FieldSchema, row: Row) -> Iterator[Any]:
    """The keys a row's field holds."""
    value = row[schema.positions[field.name]]
    if value is not None:
        yield from value if field.kind is Kind.MANY else (value,)

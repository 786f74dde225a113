"""The record that a line of an import is about: found by its key, or by fields that are unique together."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeAlias

from holdall.errors import FieldError, QueryError, ValidationError
from holdall.model import Model
from holdall.query import ALWAYS, Compare, Condition, Json, Op, Query, Value, both
from holdall.session import Binding, Session

__all__ = ["Found", "demand_own_key", "encoded", "names_found_by", "record_of", "values_of"]

Found: TypeAlias = tuple[Value, ...]
"""The values of the fields that a record is found by."""


def names_found_by(binding: Binding, upsert: bool, by: Collection[str]) -> tuple[str, ...]:
    """The fields that records are found by. Raises QueryError for those that are not unique together."""
    if isinstance(by, str):
        raise QueryError(f"by= takes names of fields, as by=[{by!r}]")
    schema = binding.schema
    rules = [frozenset(schema.key), *map(frozenset, schema.unique)]
    if by and not upsert:
        raise QueryError("by= says how records are found that an import changes: give upsert=True with it")
    if by and frozenset(by) not in rules:
        told = "; ".join(", ".join(sorted(each)) for each in rules)
        raise QueryError(f"records of {binding.collection} are told apart by one of: {told}; not by {', '.join(by)}")
    return tuple(by) or tuple(schema.key)


def values_of(binding: Binding, names: tuple[str, ...], members: dict[str, Json]) -> dict[str, Value]:
    """The values of these fields in a line. Raises ValidationError where one is missing."""
    missing = [
        FieldError(name, "required", "is required, as records are found by it")
        for name in names
        if members.get(name) is None
    ]
    if missing:
        raise ValidationError(binding.model.__name__, missing)
    return binding.declaration.stored_input.values_from({name: members[name] for name in names})


def encoded(binding: Binding, values: dict[str, Value]) -> Found:
    """Values by which a record is found, as stores have them."""
    return tuple([binding.declaration.by_name[name].encode(value) for name, value in values.items()])


async def record_of(session: Session, binding: Binding, values: dict[str, Value]) -> Model | None:
    """The stored record with these values, as far as the user may read it."""
    key = binding.schema.key
    if values.keys() == set(key):
        found: Model | None = await session.get(binding.model, *[values[name] for name in key])
        return found
    condition: Condition = ALWAYS
    for name, value in zip(values, encoded(binding, values), strict=True):
        condition = both(condition, Compare((name,), Op.EQ, value))
    query: Query[Model] = Query(binding.collection, condition, model=binding.model)
    return await session.first(query)


def demand_own_key(binding: Binding, record: Model, members: dict[str, Json]) -> None:
    """Raise ValidationError for a line with another key than that of the record that it is about."""
    for field in binding.declaration.key:
        given = members.get(field.name)
        if given is not None:
            value = binding.declaration.stored_input.values_from({field.name: given})[field.name]
            if field.encode(value) != field.encode(field.get(record)):
                error = FieldError(field.name, "key", "is not the key of the record that has these values")
                raise ValidationError(binding.model.__name__, [error])

"""Columns of a query with ``only``: their names, their fields, and their values as JSON tells them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from holdall.model import Field
from holdall.query import AnyQuery, Kind, Path, Value, is_formula
from holdall.session import Bindings

__all__ = ["Column", "columns_of"]


class Column(msgspec.Struct, frozen=True):
    """A column: its name, its path, and the field at the end of that, None of a formula or an aggregate.

    Example: :class:`Selection`.
    """

    name: str
    path: Path
    field: Field | None

    @property
    def is_json(self) -> bool:
        """Whether its values may be any JSON, so that a text among them is told from other values."""
        return self.field is not None and self.field.kind is Kind.JSON

    def shown(self, value: Value) -> Value:
        """A value of a row as something that msgspec encodes as its JSON. Example: :class:`Selection`."""
        field = self.field
        has_form = field is not None and field.type is not None and field.type.own is not None
        return field.shown(value) if field is not None and has_form and value is not None else value


def columns_of(bindings: Bindings, query: AnyQuery, names: Sequence[str] | None = None) -> tuple[Column, ...]:
    """Return the columns of a query, under these names or their own; none where it gives records.

    Example: :class:`Selection`.
    """
    grouping, names = query.grouping, names or [".".join(path) for path in query.projection]
    made = frozenset[str]() if grouping is None else frozenset([each.name for each in grouping.aggregates])
    fields = [None if path[0] in made else _field(bindings, query, path) for path in query.projection]
    return tuple(map(Column, names, query.projection, fields))


def _field(bindings: Bindings, query: AnyQuery, path: Path) -> Field | None:
    if is_formula(path):
        return None
    binding = bindings.of_name(query.collection)
    for name in path[:-1]:
        binding = bindings.of_name(str(binding.schema.field(name).target))
    return binding.declaration.reference(path[-1])
